"""PayPal's webhooks: shape, subject, and the question whether PayPal sent exactly these bytes.

A webhook is a hint. Its signature covers only a CRC-32 of the body, which can be forged, so nothing in it is
believed: the shop asks the API about the object it names.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings

from payments.gateways.base import InvalidNotification, Notification
from shop import clock

from .answers import ID
from .movements import DISPUTE_ID

LARGEST = 64 * 1024

# Header -> name of the field in the question to PayPal, greatest length there.
_HEADERS = {
    "paypal-auth-algo": ("auth_algo", 100),
    "paypal-cert-url": ("cert_url", 500),
    "paypal-transmission-id": ("transmission_id", 50),
    "paypal-transmission-sig": ("transmission_sig", 500),
    "paypal-transmission-time": ("transmission_time", 100),
}
_ALGORITHM = re.compile(r"SHA(256|384|512)with(RSA|ECDSA)")
_TRANSMISSION_ID = re.compile(r"[A-Za-z0-9-]{8,50}")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{40,498}={0,2}")
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+paypal\.com")
_CERTIFICATES = "/v1/notifications/certs/"
# PayPal repeats a notification for three days; a clock may be wrong, ours too.
OLDEST, FROM_THE_FUTURE = dt.timedelta(days=4), dt.timedelta(days=1)
# What these call the money that left us. Their resource is the refund.
_MOVED_AS: dict[str, Literal["refund", "reversal"]] = {
    "PAYMENT.CAPTURE.REFUNDED": "refund",
    "PAYMENT.CAPTURE.REVERSED": "reversal",
}
_KIND = re.compile(r"[A-Z][A-Z0-9._-]{0,59}")
_EVENT_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_REFERENCE = re.compile(r"[A-Za-z0-9]{8,32}")


def read(headers: Mapping[str, str], body: bytes) -> Notification:
    """Read the event's id and the objects it is about. Raises InvalidNotification."""
    _transmission(headers)
    event = _event(body)
    event_id = event.get("id")
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise InvalidNotification("id")
    resource = event.get("resource", {})
    subjects = list(_subjects(resource))
    kind = _word(_KIND, event.get("event_type"))
    moved_as: Literal["", "refund", "reversal"] = _MOVED_AS.get(kind) or ""
    dispute = _word(DISPUTE_ID, _within(resource, "dispute_id"))
    return Notification(
        event_id,
        references=_unique(_REFERENCE, [text for kind, text in subjects if kind == "reference"]),
        gateway_ids=_unique(ID, [text for kind, text in subjects if kind == "id"]),
        kind=kind,
        dispute=dispute if kind.startswith("CUSTOMER.DISPUTE.") else "",
        moved=_unique(ID, list(own_ids(resource))) if moved_as else (),
        moved_as=moved_as,
    )


def plausible_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The five headers that PayPal asks for. Raises InvalidNotification where PayPal cannot have written one.

    This proves nothing: whoever knows how they look can write them.
    """
    fields = _transmission(headers)
    patterns = {
        "auth_algo": _ALGORITHM,
        "transmission_id": _TRANSMISSION_ID,
        "transmission_sig": _SIGNATURE,
    }
    for name, pattern in patterns.items():
        if not pattern.fullmatch(fields[name]):
            raise InvalidNotification(name)
    _check_certificate(fields["cert_url"])
    _check_age(fields["transmission_time"])
    return {header: fields[field] for header, (field, _longest) in _HEADERS.items()}


def _check_certificate(address: str) -> None:
    """It is never fetched by us, but PayPal's certificates lie nowhere else."""
    own = urlsplit(settings.PAYPAL_API_BASE)
    try:
        told = urlsplit(address)
        is_paypal = told.scheme == "https" and _HOST.fullmatch(told.netloc) is not None
    except ValueError:
        raise InvalidNotification("cert_url") from None
    is_own = (told.scheme, told.netloc) == (own.scheme, own.netloc)
    path = told.path.removeprefix(own.path) if is_own else told.path
    if not (is_paypal or is_own) or not path.startswith(_CERTIFICATES):
        raise InvalidNotification("cert_url")


def _check_age(text: str) -> None:
    try:
        sent_at = dt.datetime.fromisoformat(text)
        age = clock.now() - sent_at
    except (ValueError, TypeError, OverflowError):  # none, or one without a time zone
        raise InvalidNotification("transmission_time") from None
    if not -FROM_THE_FUTURE <= age <= OLDEST:
        raise InvalidNotification("transmission_time")


def verification_body(headers: Mapping[str, str], body: bytes, webhook_id: str) -> bytes:
    """Build the body of verify-webhook-signature, with the received bytes in it unchanged.

    Encoding them anew would break PayPal's comparison (1.0, key order, escapes). They are one JSON object, so
    they cannot break out of their place.
    """
    _event(body)
    fields = _transmission(headers) | {"webhook_id": webhook_id}
    return json.dumps(fields).encode()[:-1] + b', "webhook_event": ' + body + b"}"


def _transmission(headers: Mapping[str, str]) -> dict[str, str]:
    received = {name.lower(): value for name, value in headers.items()}
    fields = {}
    for header, (field, longest) in _HEADERS.items():
        value = received.get(header, "")
        if not 0 < len(value) <= longest or not value.isascii() or not value.isprintable():
            raise InvalidNotification(header)
        fields[field] = value
    if not fields["auth_algo"].isalnum():
        raise InvalidNotification("paypal-auth-algo")
    return fields


def _event(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise InvalidNotification("size")
    try:
        # Decoded first: json.loads would accept UTF-16 bytes too. NaN and Infinity are not JSON.
        event = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidNotification("not JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("resource", {}), dict):
        raise InvalidNotification("not an object")
    return event


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _subjects(resource: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """("id", PayPal's) and ("reference", ours) of an order, a capture, a refund or a dispute."""
    yield "id", resource.get("id")
    yield "id", resource.get("order_id")  # an approval that was undone
    yield "reference", resource.get("custom_id")
    yield "reference", resource.get("invoice_id")
    yield "id", _within(resource, "supplementary_data", "related_ids", "order_id")
    yield "id", _within(resource, "supplementary_data", "related_ids", "capture_id")
    yield from (("id", text) for text in parents(resource))
    for unit in _members(resource, "purchase_units"):
        yield "reference", unit.get("custom_id")
        yield "reference", unit.get("invoice_id")
    for transaction in _members(resource, "disputed_transactions"):
        yield "id", transaction.get("seller_transaction_id")
        yield "reference", transaction.get("custom")
        yield "reference", transaction.get("invoice_number")


def parents(resource: dict[str, Any]) -> Iterator[str]:
    """A refund's capture, a capture's order."""
    return _linked(resource, "up")


def own_ids(resource: dict[str, Any]) -> Iterator[Any]:
    """The id of a resource; in a recorded notification its link to itself named another one."""
    yield resource.get("id")
    yield from _linked(resource, "self")


def _linked(resource: dict[str, Any], relation: str) -> Iterator[str]:
    for link in _members(resource, "links"):
        if link.get("rel") == relation:
            yield str(link.get("href")).rstrip("/").rpartition("/")[2]


def _within(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _members(resource: dict[str, Any], name: str) -> list[dict[str, Any]]:
    listed = resource.get(name)
    return [member for member in listed if isinstance(member, dict)] if isinstance(listed, list) else []


def _word(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _unique(pattern: re.Pattern[str], values: list[Any]) -> tuple[str, ...]:
    """The well-formed ones, each once, in order."""
    good = (value for value in values if isinstance(value, str) and pattern.fullmatch(value))
    return tuple(dict.fromkeys(good))
