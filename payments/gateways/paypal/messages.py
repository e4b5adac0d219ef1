"""What we tell PayPal: the body of a create-order and of a refund request."""

import re
from decimal import Decimal
from typing import Any

from babel import Locale
from django.conf import settings

from payments.gateways.base import Address, Item, Parcel, Purchase

from .money import is_exact, to_money

# PayPal's locales are BCP 47 with a region; Django's zh-hant is refused.
LOCALES = {"zh-hant": "zh-HK", "en": "en-US"}

# Our carriers -> PayPal's. What is delivered by hand has no number to follow.
CARRIERS = {"sf": "SF_EX", "hkpost": "HK_POST", "dhl": "DHL_HK"}

_WITHOUT_POSTCODES = {"HK", "MO"}
# Not on PayPal's list "Country and region address requirements" (Orders v2): PayPal hears no address there.
_UNLISTED = {"BL", "BQ", "CW", "KP", "MF", "SS", "SX", "XK"}
# Controls, line ends, marks that turn the direction of writing, halves of surrogate pairs.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT_NAMES = {"HK": "Hong Kong", "MO": "Macau"}
_HONG_KONG_AREAS = {
    "KOWLOON": re.compile(r"kowloon|九[龍龙]|\bkln\b"),
    "NEW TERRITORIES": re.compile(r"new territories|新界|\bn\.? ?t\b"),
    "HONG KONG ISLAND": re.compile(r"(hong kong|hk) island\b|港[島岛]|^(hong kong|hk|h\.k\.|香港)$"),
}


def create_body(purchase: Purchase) -> dict[str, Any]:
    """Build the order to create. Its value is always the purchase's amount, whatever the lines say."""
    return {
        "intent": "CAPTURE",
        "purchase_units": [_unit(purchase)],
        "payment_source": {"paypal": {"experience_context": _experience(purchase)}},
    }


def refund_body(amount: Decimal, currency: str, key: str) -> dict[str, Any]:
    """Build a refund request.

    ``custom_id`` carries our key: it recognises the refund when PayPal has forgotten the request id.
    """
    return {"amount": to_money(amount, currency), "custom_id": key}


def track_body(purchase: Purchase, capture_reference: str, parcel: Parcel) -> dict[str, Any] | None:
    """None where there is nothing to follow. We write to the buyer ourselves, so PayPal does not."""
    carrier = CARRIERS.get(parcel.carrier)
    number = truncate(parcel.tracking_number, 64)
    if carrier is None or not number:
        return None
    tracker: dict[str, Any] = {"capture_id": capture_reference, "tracking_number": number, "carrier": carrier}
    if _adds_up(purchase):  # else PayPal has never heard of the lines
        tracker["items"] = [_named(item) for item in parcel.items]
    return {**tracker, "notify_payer": False}


def truncate(text: str, limit: int) -> str:
    """Shorten to one line of ``limit`` UTF-8 bytes (PayPal counts for US-ASCII), never half a character."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return line.encode()[:limit].decode(errors="ignore").strip(" \u200d")


def _unit(purchase: Purchase) -> dict[str, Any]:
    amount: dict[str, Any] = to_money(purchase.amount, purchase.currency)
    unit: dict[str, Any] = {
        "reference_id": "default",
        "custom_id": purchase.reference,
        "invoice_id": purchase.reference,
        "description": truncate(f"{_brand(purchase)} {purchase.order_number}", 127),
        "amount": amount,
    }
    if _adds_up(purchase):
        amount["breakdown"] = {
            "item_total": to_money(_goods(purchase), purchase.currency),
            "shipping": to_money(purchase.shipping, purchase.currency),
        }
        if purchase.discount:
            amount["breakdown"]["discount"] = to_money(purchase.discount, purchase.currency)
        unit["items"] = _items(purchase)
    if (address := _told_address(purchase)) is not None:
        unit["shipping"] = {
            "type": "SHIPPING",
            "name": {"full_name": truncate(address.recipient, 300)},
            "address": _address(address),
        }
    return unit


def _told_address(purchase: Purchase) -> Address | None:
    address = purchase.address
    return None if address is None or address.country.upper() in _UNLISTED else address


def _adds_up(purchase: Purchase) -> bool:
    """PayPal refuses an order whose lines do not give its value to the last digit."""
    parts = [purchase.shipping, purchase.discount, *(item.unit_price for item in purchase.items)]
    if not purchase.items or any(part < 0 or not is_exact(part, purchase.currency) for part in parts):
        return False
    if any(not 1 <= item.quantity < 10**10 for item in purchase.items):
        return False
    return _goods(purchase) + purchase.shipping - purchase.discount == purchase.amount


def _goods(purchase: Purchase) -> Decimal:
    return sum((item.unit_price * item.quantity for item in purchase.items), Decimal(0))


def _named(item: Item) -> dict[str, Any]:
    return _without_empty(
        name=truncate(item.name, 127) or truncate(item.sku, 127) or "-",
        quantity=str(item.quantity),
        sku=truncate(item.sku, 127),
    )


def _items(purchase: Purchase) -> list[dict[str, Any]]:
    return [
        _without_empty(
            **_named(item),
            unit_amount=to_money(item.unit_price, purchase.currency),
            category="PHYSICAL_GOODS" if item.ships else "DIGITAL_GOODS",
        )
        for item in purchase.items
    ]


def _address(address: Address) -> dict[str, str]:
    country = address.country.upper()
    return _without_empty(
        address_line_1=truncate(address.line1, 300),
        address_line_2=truncate(address.line2, 300),
        admin_area_2=truncate(address.city or address.area or _country_name(country), 120),
        admin_area_1=truncate(_hong_kong_area(address.area) if country == "HK" else address.area, 300),
        postal_code="" if country in _WITHOUT_POSTCODES else truncate(address.postcode, 60),
        country_code=settings.PAYPAL_CHINA_CODE if country == "CN" else country,
    )


def _country_name(country: str) -> str:
    """For PayPal, which wants a city in every address: Gibraltar and other small places are their own."""
    names: Any = {**Locale("en").territories, **_SHORT_NAMES}
    return str(names.get(country, country))


def _hong_kong_area(area: str) -> str:
    """One of PayPal's three names; what is none of them stays as it was typed."""
    folded = " ".join(area.lower().split())
    return next((name for name, sign in _HONG_KONG_AREAS.items() if sign.search(folded)), area)


def _experience(purchase: Purchase) -> dict[str, str]:
    return _without_empty(
        brand_name=_brand(purchase),
        locale=LOCALES.get(purchase.language, ""),
        landing_page="NO_PREFERENCE",
        user_action="PAY_NOW",
        payment_method_preference="IMMEDIATE_PAYMENT_REQUIRED",  # an eCheck takes days
        shipping_preference="SET_PROVIDED_ADDRESS" if _told_address(purchase) else "NO_SHIPPING",
        return_url=purchase.return_url,
        cancel_url=purchase.cancel_url,
    )


def _brand(purchase: Purchase) -> str:
    names: dict[str, str] = settings.SHOP_NAME
    return truncate(names.get(purchase.language, "") or names["en"], 127)


def _without_empty(**fields: Any) -> dict[str, Any]:
    """Without the empty ones: PayPal refuses empty strings."""
    return {name: value for name, value in fields.items() if value != ""}
