"""What is wrong with the UnionPay settings and certificates, in sentences for the owner. Raises nothing."""

import datetime as dt
import re
from contextlib import suppress
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings

from shop import clock

from ..base import Misconfigured
from . import certificates
from .crypto import Untrusted

NOTICE = dt.timedelta(days=60)  # the CFCA wants some weeks for a new certificate


def problems() -> list[str]:
    """What keeps UnionPay from working, or from working safely, now."""
    return [*_setting_problems(), *_certificate_problems()]


def warnings() -> list[str]:
    """What will be a problem soon: certificates that end within 60 days."""
    now = clock.now()
    found = []
    for name, certificate in _readable_certificates():
        left = certificate.not_valid_after_utc - now
        if dt.timedelta(0) < left < NOTICE:
            found.append(f"UnionPay: {name} ends in {left.days} days.")
    return found


def _setting_problems() -> list[str]:
    gateway = urlsplit(settings.UNIONPAY_GATEWAY)
    test = certificates.is_test_gateway()
    found = []
    if settings.UNIONPAY_MODE not in {"onsite", "redirect"}:
        found.append("UNIONPAY_MODE must be onsite or redirect.")
    if not re.fullmatch("[A-Za-z0-9]{15}", settings.UNIONPAY_MERCHANT_ID):
        found.append("UNIONPAY_MERCHANT_ID must have 15 letters or digits.")
    if gateway.scheme != "https" and gateway.hostname not in {"127.0.0.1", "localhost", "::1"}:
        found.append("UNIONPAY_GATEWAY must begin with https://.")
    if f"{gateway.scheme}://{gateway.netloc}" not in settings.UNIONPAY_BUYER_ORIGINS:
        found.append("UNIONPAY_BUYER_ORIGINS lacks the origin of UNIONPAY_GATEWAY.")
    if settings.UNIONPAY_ALLOW_TEST_CN and (settings.PRODUCTION or not test):
        found.append("UNIONPAY_ALLOW_TEST_CN is for UnionPay's test environment only.")
    if settings.PRODUCTION and test:
        found.append("UNIONPAY_GATEWAY is a test gateway, but SHOP_MODE is production.")
    return found


def _certificate_problems() -> list[str]:
    found = []
    try:
        own = certificates.merchant_key().certificate
    except Misconfigured as error:
        found.append(f"UnionPay: {error}.")
    else:
        if not own.not_valid_before_utc <= clock.now() <= own.not_valid_after_utc:
            found.append("UnionPay: merchant.pfx is not in force.")
    try:
        certificates.trust().check(clock.now())
    except (Misconfigured, Untrusted) as error:
        found.append(f"UnionPay: root.pem and middle.pem: {error}.")
    if settings.UNIONPAY_MODE == "onsite":
        try:
            certificates.encryption_certificate()
        except Misconfigured as error:
            found.append(f"UnionPay: {error}. Buyers are sent to UnionPay's own page instead.")
    return found


def _readable_certificates() -> list[tuple[str, x509.Certificate]]:
    found = []
    with suppress(Misconfigured):  # problems() tells
        found.append(("merchant.pfx", certificates.merchant_key().certificate))
    for name in ("root.pem", "middle.pem", certificates.ENCRYPTION):
        with suppress(Misconfigured):
            found += [(name, certificate) for certificate in certificates.held(name)]
    return found
