"""What the buyer sees of the order: merchant, lines, sums, address."""

from decimal import Decimal
from typing import Any

from checkout.addresses import countries

from .documents import Document


def summary(order: Document) -> dict[str, Any]:
    unit = order["unit"]
    breakdown = unit["amount"].get("breakdown", {})
    return {
        "merchant": order["experience"].get("brand_name", ""),
        "description": unit.get("description", ""),
        "currency": unit["amount"]["currency_code"],
        "total": Decimal(unit["amount"]["value"]),
        "lines": [_line(item) for item in unit.get("items", [])],
        "goods": _part(breakdown, "item_total"),
        "shipping": _part(breakdown, "shipping"),
        "discount": _part(breakdown, "discount"),
        "address": _address(unit.get("shipping", {})),
    }


def _line(item: dict[str, Any]) -> dict[str, Any]:
    price, quantity = Decimal(item["unit_amount"]["value"]), int(item["quantity"])
    return {"name": item["name"], "price": price, "quantity": quantity, "total": price * quantity}


def _part(breakdown: dict[str, Any], name: str) -> Decimal | None:
    return Decimal(breakdown[name]["value"]) if name in breakdown else None


def _address(shipping: dict[str, Any]) -> list[str]:
    """The lines of the delivery address; empty where nothing is shipped."""
    address = shipping.get("address")
    if not address:
        return []
    code = "CN" if address["country_code"] == "C2" else address["country_code"]
    place = (address.get(part) for part in ("admin_area_2", "admin_area_1", "postal_code"))
    lines = [
        shipping.get("name", {}).get("full_name"),
        address.get("address_line_1"),
        address.get("address_line_2"),
        " ".join(part for part in place if part),
        countries.name(code),
    ]
    return [line for line in lines if line]
