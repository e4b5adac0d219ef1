"""The second factor: codes of an app, and recovery codes that stand in for it, each taken once.

The app's key is sealed at rest, recovery codes are kept as digests of 120 random bits. Taking a code is one
conditional UPDATE, so of two posts at once one is refused.
"""

import base64
import datetime as dt
import hashlib
import secrets
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

import django_otp
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from django_otp.oath import TOTP

from shop import clock, crypto
from shop.admin.staff_groups import GROUPS
from shop.models import AuthenticatorApp, RecoveryCode
from shop.typed_values.characters import fold

from . import known_browsers, limits, notices

STEP, DIGITS, TOLERANCE = 30, 6, 1  # seconds; a clock may be one step off
CODES, LETTERS, ALPHABET = 10, 24, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
FRESH = dt.timedelta(minutes=10)
AT = "second_factor_at"
PENDING = "second_factor_pending"
# Whoever may do more than pack parcels and write reports needs a second factor.
HARMLESS = frozenset(GROUPS["fulfilment"] + GROUPS["consultant"])


class Taken(Enum):
    CODE = "code"
    RECOVERY_CODE = "recovery code"


def app_of(user: Any) -> AuthenticatorApp | None:
    """The confirmed app of a member of staff."""
    return AuthenticatorApp.objects.filter(user_id=user.pk, confirmed=True).first()


def is_required(user: User) -> bool:
    """Whether the person touches money, keys or people; a new permission counts until it is harmless."""
    if not settings.STAFF_SECOND_FACTOR:
        return False
    return user.is_superuser or bool(user.get_all_permissions() - HARMLESS)


# --- signing in ---


@sensitive_variables()
def verify(request: HttpRequest, user: User, typed: str) -> Taken | limits.Refusal | None:
    """Take a code; the session is verified then, and its browser known. None where it is wrong."""
    tries = limits.count_code(request, user)
    if isinstance(tries, limits.Refusal):
        return tries
    taken = take(user, typed)
    if taken is None:
        notices.after_wrong_code(request, user)
        return None
    tries.release()
    app = app_of(user)
    if app is None:  # taken away meanwhile
        return None
    mark_verified(request, user, app)
    return taken


def mark_verified(request: HttpRequest, user: User, app: AuthenticatorApp) -> None:
    request.session.cycle_key()
    django_otp.login(request, app)
    request.session[AT] = clock.now().timestamp()
    known_browsers.remember(request, user)


def is_verified(request: HttpRequest) -> bool:
    """Whether a code was given in this session, for the app that the person has now."""
    return getattr(request.user, "otp_device", None) is not None


def is_fresh(request: HttpRequest) -> bool:
    since = clock.now().timestamp() - request.session.get(AT, 0)
    return is_verified(request) and 0 <= since <= FRESH.total_seconds()


# --- codes ---


@sensitive_variables()
def take(user: User, typed: str) -> Taken | None:
    """Take a code of the app or a recovery code, if it is right and was never taken before."""
    code = "".join(sign for sign in fold(typed).upper() if sign.isascii() and sign.isalnum())
    app = app_of(user)
    if app is None:
        return None
    if len(code) == DIGITS and code.isdigit():
        return Taken.CODE if take_step(app, code) else None
    if len(code) == LETTERS and _take_recovery_code(user, code.translate(LOOK_ALIKES)):
        notices.publish_change(user, "recovery_code_used")
        return Taken.RECOVERY_CODE
    return None


@sensitive_variables()
def take_step(app: AuthenticatorApp, code: str) -> bool:
    totp = TOTP(crypto.open_sealed_bytes(app.key), step=STEP, digits=DIGITS)
    totp.time = clock.now().timestamp()
    if not totp.verify(int(code), tolerance=TOLERANCE, min_t=app.last_step + 1):
        return False
    step = totp.t()
    unused = AuthenticatorApp.objects.filter(pk=app.pk, last_step__lt=step)
    return unused.update(last_step=step) == 1


def _take_recovery_code(user: User, code: str) -> bool:
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(user, code), used_at=None)
    return unused.update(used_at=clock.now()) == 1


def _digest(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.pk}|{code}".encode()).hexdigest()


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


@transaction.atomic
def new_codes(user: User, *, tell: bool = True) -> list[str]:
    """Fresh recovery codes; those of before end. They can be shown now and never again."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(user, code)) for code in codes)
    if tell:
        notices.publish_change(user, "new_codes")
    return ["-".join(code[start : start + 4] for start in range(0, LETTERS, 4)) for code in codes]


# --- setting up, and taking away ---


def pending_app(request: HttpRequest, user: User) -> AuthenticatorApp:
    """The app that this session is setting up. Another session's is replaced: its key may have been read."""
    pending = AuthenticatorApp.objects.filter(user=user, confirmed=False)
    if found := pending.filter(pk=request.session.get(PENDING, 0)).first():
        return found
    pending.delete()
    app, _ = AuthenticatorApp.objects.get_or_create(
        user=user,
        confirmed=False,
        defaults={"key": crypto.seal_bytes(secrets.token_bytes(20)), "added_at": clock.now()},
    )
    request.session[PENDING] = app.pk
    return app


@sensitive_variables()
def confirm(request: HttpRequest, user: User, app: AuthenticatorApp, typed: str) -> list[str] | None:
    """The app is the person's from now on, if the code is one of its own. Returns new recovery codes."""
    code = "".join(sign for sign in fold(typed) if sign.isascii() and sign.isdigit())
    if len(code) != DIGITS or not take_step(app, code):
        return None
    with transaction.atomic():
        AuthenticatorApp.objects.filter(user=user, confirmed=True).delete()
        AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=True, added_at=clock.now())
        codes = new_codes(user, tell=False)
        notices.publish_change(user, "set_up")
    request.session.pop(PENDING, None)
    mark_verified(request, user, AuthenticatorApp.objects.get(pk=app.pk))
    return codes


@transaction.atomic
def remove(user: User) -> bool:
    """Take app and recovery codes away: who needs a second factor sets one up at the next page."""
    had_one = bool(AuthenticatorApp.objects.filter(user=user).delete()[0])
    RecoveryCode.objects.filter(user=user).delete()
    if had_one:
        notices.publish_change(user, "removed")
    return had_one


def key_text(app: AuthenticatorApp) -> str:
    """The key to type, in groups of four."""
    plain = _base32(app)
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def uri(app: AuthenticatorApp) -> str:
    """What the QR code says. The colon is literal: apps keep an encoded one in the account's name."""
    issuer = settings.SHOP_NAME["en"]
    parameters = {"secret": _base32(app), "issuer": issuer, "algorithm": "SHA1", "digits": 6, "period": STEP}
    label = f"{quote(issuer)}:{quote(app.user.get_username())}"
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def _base32(app: AuthenticatorApp) -> str:
    return base64.b32encode(crypto.open_sealed_bytes(app.key)).decode()
