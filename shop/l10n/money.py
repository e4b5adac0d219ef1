"""Amounts at the edges: minor units for gateways, text for people. Inside: ``Decimal`` and currency code."""

from decimal import Decimal

import moneyed


def exponent(currency: str) -> int:
    """Digits after the point by ISO 4217: HKD 2, JPY 0."""
    return len(str(moneyed.get_currency(currency).sub_unit)) - 1


def quantised(amount: Decimal, currency: str) -> Decimal:
    """The amount with exactly the currency's digits."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)))


def to_minor(amount: Decimal, currency: str) -> int:
    """1234.50 HKD -> 123450. Raises ValueError when the amount has more digits than the currency."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more digits than {currency}")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    """123450 HKD -> 1234.50."""
    return Decimal(minor).scaleb(-exponent(currency))


def numeric_code(currency: str) -> str:
    """ISO 4217 numeric code, which UnionPay wants: HKD -> 344."""
    return str(moneyed.get_currency(currency).numeric)


def formatted(amount: Decimal, currency: str) -> str:
    """What a person reads: HK$1,234.00, in both languages alike."""
    symbol = {"HKD": "HK$"}.get(currency, f"{currency} ")
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.{exponent(currency)}f}"
