"""Links that are mailed: the signed id of a row, the moment the mail left, and a stamp of the mailbox.

They name nobody. An order that belongs to another mailbox by now is not opened by what the old one was sent:
whoever reads a link asks ``went_to``.
"""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.translation import override

from shop import clock, crypto
from shop.typed_values.email_addresses import identity


class InvalidLink(Exception):
    """The link is not ours, was used up, or has expired."""


@dataclass(frozen=True)
class Opened:
    """What a link says that is ours and still good."""

    pk: int
    stamp: str  # empty in links of before there were any
    salt: str

    def went_to(self, email: str) -> bool:
        """Whether the link was mailed to this address."""
        return crypto.is_one_of(self.stamp, _stamps(self.salt, email))


@dataclass(frozen=True)
class MailedLink:
    """A kind of link: the URL name of its page, the salt of its signature, how long it is good."""

    url_name: str
    salt: str
    lifetime: dt.timedelta

    def url(self, pk: int, *, to: str, language: str) -> str:
        """The absolute URL, good for ``lifetime`` from now. ``to``: the address it is mailed to."""
        content = [pk, int(clock.now().timestamp()), _stamps(self.salt, to)[0]]
        token = signing.dumps(content, salt=self.salt)
        with override(language):
            return settings.SITE_URL + reverse(self.url_name, args=[token])

    def read(self, token: str) -> Opened:
        """The row's id, and whom it went to. Raises InvalidLink."""
        try:
            pk, mailed_at, *stamp = signing.loads(token, salt=self.salt)
        except signing.BadSignature:
            raise InvalidLink from None
        if clock.now().timestamp() >= mailed_at + self.lifetime.total_seconds():
            raise InvalidLink
        return Opened(int(pk), stamp[0] if stamp else "", self.salt)


def _stamps(salt: str, email: str) -> list[str]:
    return crypto.keyed_digests(salt, identity(email), length=16)
