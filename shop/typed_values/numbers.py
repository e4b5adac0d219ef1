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
_HAN = re.compile("[〇零○一二兩两三四五六七八九十廿卅]+")
_HAN_DIGITS = str.maketrans("〇零○一二兩两三四五六七八九", "00012223456789")
# What may stand behind a whole number: 12樓, 12/F, 3rd floor, 5人, 2 books.
_COUNTED = (
    "[樓楼層层人名位個个歲岁戶户間间件本盒包份套支枝隻只罐瓶條条張张]"
    "|/?f|floors?|people|persons?|pieces?|pcs|books?|boxe?s?|packs?|sets?|tins?|items?"
)
_UNIT = re.compile(rf"(?<=\d)(?:st|nd|rd|th)? ?(?:{_COUNTED})$|(?<=\d)(?:st|nd|rd|th)$", re.IGNORECASE)


def read_amount(text: str) -> Decimal:
    """Return the amount that was typed. Raises ValueError for what is none, or could be two (12,50)."""
    return _read(text, _CURRENCY)


def read_whole(text: str, unit: str = "") -> int:
    """Return the whole number that was typed, in digits or numerals, with its unit: 12, 十二樓, 12/F.

    ``unit`` is another one that may stand behind it. Raises ValueError.
    """
    if len(text) > MAX_DIGITS:
        raise ValueError("too long for a number")
    number = _read(_UNIT.sub("", with_digits(fold(text))), re.compile(f"{re.escape(unit)}$", re.IGNORECASE))
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


def with_digits(text: str) -> str:
    """Return the text with Chinese numerals below 100 as digits: 一九九〇年三月廿一日 is 1990年3月21日."""
    return _HAN.sub(lambda numeral: _digits(numeral.group()), text)


def _digits(numeral: str) -> str:
    spelt = numeral.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = spelt.partition("十")
    if not ten:
        return spelt.translate(_HAN_DIGITS)
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return numeral
    return str(int((tens or "一").translate(_HAN_DIGITS)) * 10 + int((ones or "〇").translate(_HAN_DIGITS)))
