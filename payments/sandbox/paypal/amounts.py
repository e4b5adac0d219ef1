"""PayPal's arithmetic: currencies, decimals, and totals that must agree to the last digit."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .errors import Refusal

# fmt: off
CURRENCIES = {
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY",
    "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SEK", "SGD", "THB", "TWD", "USD",
}
# fmt: on
_LARGEST = Decimal("999999999999999.99")


def digits(currency: str) -> int:
    return 0 if currency in {"HUF", "JPY", "TWD"} else 2


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"currency_code": currency, "value": f"{amount:.{digits(currency)}f}"}


def amount_of(
    amount_document: dict[str, str], pointer: str, *, decimals_issue: str = "DECIMAL_PRECISION"
) -> Decimal:
    """Read the amount of a money object of the right shape. Raises Refusal 422."""
    currency, amount = amount_document["currency_code"], Decimal(amount_document["value"])
    if currency not in CURRENCIES:
        raise Refusal(422, "INVALID_CURRENCY_CODE", f"{pointer}/currency_code")
    if len(amount_document["value"].partition(".")[2]) > digits(currency):
        raise Refusal(
            422, decimals_issue if digits(currency) == 0 else "DECIMAL_PRECISION", f"{pointer}/value"
        )
    if amount < 0:
        raise Refusal(422, "CANNOT_BE_NEGATIVE", f"{pointer}/value")
    if amount > _LARGEST:
        raise Refusal(422, "MAX_VALUE_EXCEEDED", f"{pointer}/value")
    return amount


def check_sums(unit: dict[str, Any], pointer: str) -> None:
    """Raise Refusal 422 where the purchase unit's amounts do not agree."""
    total = unit["amount"]
    value = amount_of(total, f"{pointer}/amount")
    if value == 0:
        raise Refusal(422, "CANNOT_BE_ZERO_OR_NEGATIVE", f"{pointer}/amount/value")
    if any(amount["currency_code"] != total["currency_code"] for amount in _every_money(unit)):
        raise Refusal(422, "MULTI_CURRENCY_ORDER", pointer)
    breakdown = total.get("breakdown", {})
    parts = {
        name: amount_of(amount, f"{pointer}/amount/breakdown/{name}") for name, amount in breakdown.items()
    }
    _check_items(unit.get("items", []), parts, pointer)
    less = parts.pop("discount", Decimal(0)) + parts.pop("shipping_discount", Decimal(0))
    if breakdown and sum(parts.values()) - less != value:
        raise Refusal(422, "AMOUNT_MISMATCH", f"{pointer}/amount/value")


def _check_items(items: list[dict[str, Any]], parts: dict[str, Decimal], pointer: str) -> None:
    if not items:
        return
    if "item_total" not in parts:
        raise Refusal(422, "ITEM_TOTAL_REQUIRED", f"{pointer}/amount/breakdown/item_total")
    goods = tax = Decimal(0)
    for index, item in enumerate(items):
        place = f"{pointer}/items/{index}"
        goods += amount_of(item["unit_amount"], f"{place}/unit_amount") * int(item["quantity"])
        if "tax" in item:
            tax += amount_of(item["tax"], f"{place}/tax") * int(item["quantity"])
    if goods != parts["item_total"]:
        raise Refusal(422, "ITEM_TOTAL_MISMATCH", f"{pointer}/amount/breakdown/item_total")
    if tax and "tax_total" not in parts:
        raise Refusal(422, "TAX_TOTAL_REQUIRED", f"{pointer}/amount/breakdown/tax_total")
    if tax != parts.get("tax_total", tax):
        raise Refusal(422, "TAX_TOTAL_MISMATCH", f"{pointer}/amount/breakdown/tax_total")


def _every_money(unit: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield from unit["amount"].get("breakdown", {}).values()
    for item in unit.get("items", []):
        yield item["unit_amount"]
        if "tax" in item:
            yield item["tax"]
