"""Amounts as PayPal writes them: strings, with PayPal's own idea of decimals."""

import re
from decimal import Decimal
from typing import Any

from payments.gateways.base import Misconfigured

# https://developer.paypal.com/api/rest/reference/currency-codes/
# fmt: off
CURRENCIES = frozenset({
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY",
    "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SEK", "SGD", "THB", "TWD", "USD",
})
# fmt: on
# ISO 4217 gives HUF and TWD two digits; PayPal refuses them.
WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether the amount has no more digits than PayPal takes for the currency."""
    return amount == amount.quantize(_step(currency))


def to_money(amount: Decimal, currency: str) -> dict[str, str]:
    """Write {"currency_code": "HKD", "value": "1234.50"}; for JPY "1200".

    Raises Misconfigured for what PayPal refuses.
    """
    if currency not in CURRENCIES:
        raise Misconfigured("INVALID_CURRENCY_CODE")
    if not is_exact(amount, currency):
        raise Misconfigured("DECIMAL_PRECISION")
    return {"currency_code": currency, "value": str(amount.quantize(_step(currency)))}


def read_money(money: Any) -> tuple[Decimal, str]:
    """Read the amount and its currency. Raises ValueError, KeyError or TypeError for anything else."""
    value, currency = money["value"], money["currency_code"]
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}([.][0-9]{1,3})?", value):
        raise ValueError("amount")
    return Decimal(value), str(currency)


def _step(currency: str) -> Decimal:
    return Decimal(1) if currency in WITHOUT_DECIMALS else Decimal("0.01")
