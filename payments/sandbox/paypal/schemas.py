"""The outer form of requests: types, lengths, patterns. Unknown fields are ignored, as PayPal does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Refusal


@dataclass(frozen=True)
class Text:
    longest: int
    shortest: int = 1
    pattern: str = ""
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    of: "Shape"
    least: int = 0
    most: int = 1000


@dataclass(frozen=True)
class Object:
    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    required: tuple[str, ...] = ()


Shape = Text | Listed | Object


def check(shape: Shape, value: Any, pointer: str = "") -> None:
    """Raise Refusal 400 with the code and place of the first fault."""
    if isinstance(shape, Text):
        _check_text(shape, value, pointer)
    elif isinstance(shape, Listed):
        if not isinstance(value, list):
            raise Refusal(400, "INVALID_PARAMETER_SYNTAX", pointer)
        if len(value) < shape.least:
            raise Refusal(400, "INVALID_ARRAY_MIN_ITEMS", pointer)
        if len(value) > shape.most:
            raise Refusal(400, "INVALID_ARRAY_MAX_ITEMS", pointer)
        for index, member in enumerate(value):
            check(shape.of, member, f"{pointer}/{index}")
    else:
        if not isinstance(value, dict):
            raise Refusal(400, "INVALID_PARAMETER_SYNTAX", pointer)
        for name in shape.required:
            if name not in value:
                raise Refusal(400, "MISSING_REQUIRED_PARAMETER", f"{pointer}/{name}")
        for name, inner in shape.fields.items():
            if name in value:
                check(inner, value[name], f"{pointer}/{name}")


def _check_text(shape: Text, value: Any, pointer: str) -> None:
    if not isinstance(value, str):
        raise Refusal(400, "INVALID_PARAMETER_SYNTAX", pointer)
    if not shape.shortest <= len(value) <= shape.longest:
        raise Refusal(400, "INVALID_STRING_LENGTH", pointer)
    if shape.one_of and value not in shape.one_of:
        raise Refusal(400, "INVALID_PARAMETER_VALUE", pointer)
    if shape.pattern and not re.fullmatch(shape.pattern, value):
        raise Refusal(400, "INVALID_PARAMETER_SYNTAX", pointer)


MONEY = Object(
    {"currency_code": Text(3, 3), "value": Text(32, pattern=r"(-?[0-9]+)|(-?([0-9]+)?[.][0-9]+)")},
    required=("currency_code", "value"),
)
PARTS = ("item_total", "shipping", "handling", "tax_total", "insurance", "shipping_discount", "discount")
_ADDRESS = Object(
    {
        "address_line_1": Text(300),
        "address_line_2": Text(300),
        "admin_area_2": Text(120),
        "admin_area_1": Text(300),
        "postal_code": Text(60),
        "country_code": Text(2, 2, pattern=r"[A-Z]{2}|C2"),
    },
    required=("country_code",),
)
_ITEM = Object(
    {
        "name": Text(127),
        "unit_amount": MONEY,
        "tax": MONEY,
        "quantity": Text(10, pattern=r"[1-9][0-9]{0,9}"),
        "sku": Text(127),
        "description": Text(127),
        "category": Text(20, one_of=("PHYSICAL_GOODS", "DIGITAL_GOODS", "DONATION")),
    },
    required=("name", "unit_amount", "quantity"),
)
_UNIT = Object(
    {
        "reference_id": Text(256),
        "amount": Object(
            {**MONEY.fields, "breakdown": Object(dict.fromkeys(PARTS, MONEY))}, required=MONEY.required
        ),
        "description": Text(127),
        "custom_id": Text(127),
        "invoice_id": Text(127),
        "soft_descriptor": Text(22),
        "items": Listed(_ITEM),
        "shipping": Object(
            {
                "type": Text(255, one_of=("SHIPPING", "PICKUP_IN_PERSON")),
                "name": Object({"full_name": Text(300)}),
                "address": _ADDRESS,
            }
        ),
    },
    required=("amount",),
)
_EXPERIENCE = Object(
    {
        "brand_name": Text(127),
        "locale": Text(10, 2, pattern=r"[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?"),
        "shipping_preference": Text(24, one_of=("GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS")),
        "return_url": Text(2048, pattern=r"https?://\S+"),
        "cancel_url": Text(2048, pattern=r"https?://\S+"),
        "landing_page": Text(13, one_of=("LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE")),
        "user_action": Text(8, one_of=("CONTINUE", "PAY_NOW")),
        "payment_method_preference": Text(255, one_of=("UNRESTRICTED", "IMMEDIATE_PAYMENT_REQUIRED")),
    }
)
ORDER = Object(
    {
        "intent": Text(9, one_of=("CAPTURE", "AUTHORIZE")),
        "purchase_units": Listed(_UNIT, least=1, most=10),
        "payment_source": Object({"paypal": Object({"experience_context": _EXPERIENCE})}),
        "application_context": _EXPERIENCE,
    },
    required=("intent", "purchase_units"),
)
REFUND = Object(
    {"amount": MONEY, "custom_id": Text(127), "invoice_id": Text(127), "note_to_payer": Text(255)},
)
TRACKER = Object(
    {
        "capture_id": Text(50, pattern=r"[a-zA-Z0-9]*"),
        "tracking_number": Text(64),
        "carrier": Text(64, pattern=r"[0-9A-Z_]+"),
        "carrier_name_other": Text(64),
        "items": Listed(Object({"name": Text(127), "quantity": Text(10, pattern=r"[1-9][0-9]{0,9}")})),
    },
    required=("capture_id",),
)
SIGNATURE = Object(
    {
        "auth_algo": Text(100, pattern=r"[a-zA-Z0-9]+"),
        "cert_url": Text(500),
        "transmission_id": Text(50),
        "transmission_sig": Text(500),
        "transmission_time": Text(100),
        "webhook_id": Text(50, pattern=r"[a-zA-Z0-9]+"),
        "webhook_event": Object(),
    },
    required=(
        "auth_algo",
        "cert_url",
        "transmission_id",
        "transmission_sig",
        "transmission_time",
        "webhook_id",
        "webhook_event",
    ),
)
