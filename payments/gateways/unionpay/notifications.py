"""Back notifications and front returns: one signed form, sent by UnionPay or through the browser."""

import logging
import re
from collections.abc import Mapping

from django.conf import settings

from shop import clock

from ..base import InvalidNotification, Notification
from . import certificates
from .crypto import SIGN_METHOD, VERSION, Untrusted
from .wire import Fields, NotAMessage, parse_form

logger = logging.getLogger(__name__)

_REQUIRED = {
    "version": re.escape(VERSION),
    "signMethod": SIGN_METHOD,
    "encoding": "(?i)utf-8",
    "txnType": "[0-9]{2}",
    "merId": "[A-Za-z0-9]{15}",
    "orderId": "[A-Za-z0-9]{8,40}",
    "txnTime": "[0-9]{14}",
    "respCode": "[0-9A-Z]{2}",
    "signature": "[A-Za-z0-9+/]{4,1366}={0,2}",
    "signPubKeyCert": r"-----BEGIN CERTIFICATE-----[\s\S]+",
}


def read(headers: Mapping[str, str], body: bytes) -> Notification:
    """Read what it is about. For a refund (type 04) ``references`` is the refund's key and ``gateway_ids``
    the queryId of the purchase.

    The event id is made of what identifies the transaction: the front and the back version of one payment
    differ in their text, and so in their signatures.
    """
    fields = _fields(headers, body)
    identity = [fields[name] for name in ("merId", "orderId", "txnTime", "txnType", "respCode")]
    original = fields.get("origQryId", "")
    return Notification(
        event_id="-".join(identity),
        references=(fields["orderId"],),
        gateway_ids=(original,) if re.fullmatch("[A-Za-z0-9]{1,32}", original) else (),
        code=fields["respCode"],
    )


def is_genuine(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether UnionPay signed exactly these fields, for us."""
    trust = certificates.trust()
    try:
        fields = _fields(headers, body)
        trust.verify(fields, clock.now())
    except (InvalidNotification, Untrusted) as error:
        logger.warning("UnionPay notification refused: %s", error)
        return False
    return fields["merId"] == settings.UNIONPAY_MERCHANT_ID


def _fields(headers: Mapping[str, str], body: bytes) -> Fields:
    _check_content_type({name.lower(): value for name, value in headers.items()}.get("content-type", ""))
    try:
        fields = parse_form(body)
    except NotAMessage as error:
        raise InvalidNotification(str(error)) from error
    for name, pattern in _REQUIRED.items():
        if not re.fullmatch(pattern, fields.get(name, "")):
            raise InvalidNotification(name)
    return fields


def _check_content_type(value: str) -> None:
    """Blanks around its parts are allowed, within them none: to other readers it is then no form."""
    kind, _, parameters = value.lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if kind.strip() != "application/x-www-form-urlencoded" or charset not in {"", "utf-8", "utf8"}:
        raise InvalidNotification("content type")
