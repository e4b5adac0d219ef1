"""Amounts and whole numbers as people write them: any width of digits, grouped, with the shop's currency.

A sign that would mean something else is not overlooked: no other currency, no per cent, no money for pieces.
"""

import re
from decimal import Decimal

from .characters import fold, is_dash

_CURRENCY = re.compile(r"^(?:HK\$|HKD|\$|港幣|港元)|(?:HKD|港幣|港元|元|圓|蚊)$", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:([,' ])\d{3})(?:\1\d{3})*(?:\.\d*)?")
_PLAIN = re.compile(r"\d*\.?\d+|\d+\.")
MAX_DIGITS = 100


def read_amount(text: str) -> Decimal:
    """Return the amount that was typed. Raises ValueError for what is none, or could be two (12,50)."""
    return _read(text, _CURRENCY)


def read_whole(text: str, unit: str = "") -> int:
    """Return the whole number that was typed; ``unit`` may stand behind it. Raises ValueError."""
    number = _read(text, re.compile(f"{re.escape(unit)}$", re.IGNORECASE))
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def _read(text: str, beside: re.Pattern[str]) -> Decimal:
    """``beside``: what may stand before or behind the digits."""
    folded = fold(text)
    sign = Decimal(1)
    if folded[:1] and (is_dash(folded[0]) or folded[0] == "+"):
        sign = Decimal(-1 if is_dash(folded[0]) else 1)
        folded = folded[1:].strip()
    if len(folded) > MAX_DIGITS:
        raise ValueError("too long for a number")
    number = beside.sub("", folded).strip()
    if _GROUPED.fullmatch(number):
        number = re.sub("[,' ]", "", number)
    if not (number.isascii() and _PLAIN.fullmatch(number)):
        raise ValueError("not a number")
    return sign * Decimal(number)
