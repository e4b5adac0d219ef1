"""A signed link that makes a browser one of a person's known ones, once: the way in past the limits.

It signs nobody in. Password and code are asked afterwards as ever. Once the account has another e-mail
address it is over, as it went to a mailbox that may be somebody else's.
"""

import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.urls import reverse
from django.utils.translation import override

from shop import clock, crypto
from shop.typed_values.email_addresses import identity
from shop.web.rate_limit import RateLimit

SALT = "shop.admin.sign_in.links"
MINUTES = 60
USED = RateLimit("sign-in-link-used", 1, minutes=MINUTES + 5)


def make(user: User, language: str) -> str:
    """A fresh link."""
    mark, now = secrets.token_hex(8), int(clock.now().timestamp())
    content = {"user": user.pk, "mark": mark, "at": now, "to": _stamps(user)[0]}
    with override(language):
        return settings.SITE_URL + reverse("sign_in:use_link", args=[signing.dumps(content, salt=SALT)])


def read(token: str, *, use: bool = False) -> User | None:
    """Whose it is; None for one that is forged, too old, used or went elsewhere. ``use``: it is used now."""
    try:
        content = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    if not 0 <= clock.now().timestamp() - content["at"] <= MINUTES * 60 or USED.count(content["mark"]):
        return None
    user = User.objects.filter(pk=content["user"], is_active=True, is_staff=True).first()
    if user is None or not crypto.is_one_of(content.get("to", ""), _stamps(user)):
        return None
    return None if use and not USED.take(content["mark"]) else user


def _stamps(user: User) -> list[str]:
    return crypto.keyed_digests(SALT, f"{user.pk}|{identity(user.email)}", length=16)
