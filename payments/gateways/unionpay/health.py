"""What is wrong with the UnionPay settings and certificates, in sentences for the owner. Raises nothing."""

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings

from shop import clock

from ..base import Misconfigured
from . import certificates
from .crypto import Untrusted

NOTICE = dt.timedelta(days=60)  # the CFCA wants some weeks for a new certificate
# The former encryption certificate is good for about a month: time enough after three days in vain.
RENEWAL_MAY_FAIL_FOR = dt.timedelta(days=3)

PLAY = re.compile(r"\b(SANDBOX|TEST)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Ending:
    """The certificate of a file that ends last: others in it have been succeeded already."""

    file: str
    serial: str
    ends_at: dt.datetime


def problems() -> list[str]:
    """What keeps UnionPay from working, or from working safely, now."""
    return [*_setting_problems(), *_certificate_problems()]


def warnings() -> list[str]:
    """What will be a problem soon: certificates that end within 60 days, a renewal that fails for days."""
    now = clock.now()
    lines = []
    for each in endings():
        left = each.ends_at - now
        if dt.timedelta(0) < left < NOTICE:
            lines.append(f"UnionPay: {each.file} ends in {left.days} days.")
    since = renewal_fails_since()
    if since:
        lines.append(f"UnionPay: {certificates.ENCRYPTION} could not be renewed since {since:%Y-%m-%d}.")
    return lines


def endings() -> list[Ending]:
    """When the certificates of each file end; those that cannot be read are ``problems()``."""
    last: dict[str, x509.Certificate] = {}
    for name, certificate in _readable_certificates():
        if name not in last or last[name].not_valid_after_utc < certificate.not_valid_after_utc:
            last[name] = certificate
    return [Ending(name, str(each.serial_number), each.not_valid_after_utc) for name, each in last.items()]


def play_files() -> list[str]:
    """Files whose certificates call themselves a sandbox's or a test's: many people have their keys."""
    found = [name for name, each in _readable_certificates() if PLAY.search(each.subject.rfc4514_string())]
    return list(dict.fromkeys(found))


def renewal_fails_since() -> dt.datetime | None:
    """The last time that UnionPay told its encryption certificate, if that is too long ago."""
    if settings.UNIONPAY_MODE != "onsite":
        return None
    since = certificates.last_renewal()
    return since if since and clock.now() - since > RENEWAL_MAY_FAIL_FOR else None


def _setting_problems() -> list[str]:
    gateway = urlsplit(settings.UNIONPAY_GATEWAY)
    test = certificates.is_test_gateway()
    lines = []
    if settings.UNIONPAY_MODE not in {"onsite", "redirect"}:
        lines.append("UNIONPAY_MODE must be onsite or redirect.")
    for name in ("UNIONPAY_CARD_BIZ_TYPE", "UNIONPAY_PAGE_BIZ_TYPE"):
        if not re.fullmatch("[0-9]{6}", getattr(settings, name)):
            lines.append(f"{name} must have six digits, such as 000301.")
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", settings.UNIONPAY_DAY_ENDS):
        lines.append("UNIONPAY_DAY_ENDS must be a time such as 23:00.")
    if not re.fullmatch("[A-Za-z0-9]{15}", settings.UNIONPAY_MERCHANT_ID):
        lines.append("UNIONPAY_MERCHANT_ID must have 15 letters or digits.")
    if gateway.scheme != "https" and gateway.hostname not in {"127.0.0.1", "localhost", "::1"}:
        lines.append("UNIONPAY_GATEWAY must begin with https://.")
    if f"{gateway.scheme}://{gateway.netloc}" not in settings.UNIONPAY_BUYER_ORIGINS:
        lines.append("UNIONPAY_BUYER_ORIGINS lacks the origin of UNIONPAY_GATEWAY.")
    if settings.UNIONPAY_ALLOW_TEST_CN and (settings.PRODUCTION or not test):
        lines.append("UNIONPAY_ALLOW_TEST_CN is for UnionPay's test environment only.")
    if settings.PRODUCTION and test:
        lines.append("UNIONPAY_GATEWAY is a test gateway, but SHOP_MODE is production.")
    return lines


def _certificate_problems() -> list[str]:
    lines = []
    try:
        own = certificates.merchant_key().certificate
    except Misconfigured as error:
        lines.append(f"UnionPay: {error}.")
    else:
        if not own.not_valid_before_utc <= clock.now() <= own.not_valid_after_utc:
            lines.append("UnionPay: merchant.pfx is not in force.")
    try:
        certificates.trust().check(clock.now())
    except (Misconfigured, Untrusted) as error:
        lines.append(f"UnionPay: root.pem and middle.pem: {error}.")
    if settings.UNIONPAY_MODE == "onsite":
        try:
            certificates.encryption_certificate()
        except Misconfigured as error:
            lines.append(f"UnionPay: {error}. Buyers are sent to UnionPay's own page instead.")
    return lines


def _readable_certificates() -> list[tuple[str, x509.Certificate]]:
    dated = []
    with suppress(Misconfigured):  # problems() tells
        dated.append(("merchant.pfx", certificates.merchant_key().certificate))
    for name in ("root.pem", "middle.pem", certificates.ENCRYPTION):
        with suppress(Misconfigured):
            dated += [(name, certificate) for certificate in certificates.held(name)]
    return dated
