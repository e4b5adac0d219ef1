"""Telephone numbers as people write them, read as E.164 with the extension apart.

A number is certain where the library's metadata knows it as one in use. Metadata ages, so what only has the
right length is doubtful, not wrong; and a number that fits another region only may be one from there.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import phonenumbers
from django.utils.translation import gettext as _

from .characters import fold

# Where our customers live: the regions that a number without a country code may be from.
NEIGHBOURS = ("HK", "MO", "TW", "CN")
MAX_EXTENSION = 7
_EXTENSION = re.compile(
    r"[\s,;(]*(?:extension|extn|ext|x|#|轉內線|轉|转|內線|内线|分機|分机)[\s.:=#]*(?P<digits>\d{1,7})(?:\s?[號号])?\)?$",
    re.IGNORECASE,
)
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")  # +44 (0)20 …: dialled at home only
_SEVERAL = re.compile(r"[/;,、|]|\bor\b|或")
_CARRIER = re.compile(r"00\d{1,2}(?=\d{8})")  # 001, 0060 …: Hong Kong's carriers, before the country code
_BARE = re.compile(r"[^\d+]*[+\d][\d\s().-]*")  # up to the first word behind the digits
_WORDS = re.compile(r"(?<=\d)[\s().-]*[^\d\s().-].*")  # from there on


@dataclass(frozen=True)
class PhoneNumber:
    """A number in E.164 (+85291234567) and its extension, digits only; both empty where none was given."""

    e164: str = ""
    extension: str = ""

    def __bool__(self) -> bool:
        return bool(self.e164)

    def __str__(self) -> str:
        """As computers exchange it, and as it can be typed again."""
        return f"{self.e164};ext={self.extension}" if self.extension else self.e164

    @property
    def shown(self) -> str:
        """As people write it, in the active language: +852 2881 2345 ext. 12."""
        number = international(self.e164)
        if not self.extension:
            return number
        return _("%(number)s ext. %(extension)s") % {"number": number, "extension": self.extension}


LONGEST = 200  # characters that are read: two numbers with words around them


@dataclass(frozen=True)
class Reading:
    """What a typed text may mean. ``number`` is the best guess; empty if there is none."""

    number: PhoneNumber = field(default_factory=PhoneNumber)
    is_certain: bool = False
    is_elsewhere: bool = False  # it fits another region than the one it was typed for
    others: tuple[PhoneNumber, ...] = ()  # several regions have such a number
    is_several: bool = False  # two numbers in one field
    is_doubled: bool = False  # its country code was typed twice
    rest: str = ""  # stands behind the number, and would be lost


def read(text: str, region: str) -> Reading:
    """Read a number that was typed for the region (ISO 3166 alpha-2). A long text is none."""
    folded = fold(text)
    if len(folded) > LONGEST:
        return Reading()
    typed, extension = _split_extension(folded)
    own = list(_own_readings(typed, region))
    if certain := _in_use(own):
        return Reading(_numbered(certain, extension), is_certain=True)
    if _are_several(typed, region):
        return Reading(is_several=True)
    bare = _BARE.match(typed)
    if bare and (doubtful := _in_use(_own_readings(bare.group(), region))):
        return Reading(_numbered(doubtful, extension), rest=_words_behind(typed))
    if doubled := _in_use(_without_second_code(own)):
        return Reading(_numbered(doubled, extension), is_doubled=True)
    elsewhere = {_numbered(each, extension) for each in _readings_elsewhere(typed, region)}
    if len(elsewhere) == 1:
        return Reading(elsewhere.pop(), is_elsewhere=True)
    if elsewhere:
        return Reading(others=tuple(sorted(elsewhere, key=str)))
    possible = next((number for number in own if phonenumbers.is_possible_number(number)), None)
    return Reading(_numbered(possible, extension)) if possible else Reading()


def _words_behind(text: str) -> str:
    words = _WORDS.search(text)
    return words.group().strip() if words else ""


def _in_use(numbers: Iterable[phonenumbers.PhoneNumber]) -> phonenumbers.PhoneNumber | None:
    return next((number for number in numbers if phonenumbers.is_valid_number(number)), None)


def international(e164: str) -> str:
    """Return the number as people write it: +852 9123 4567; as it is where it cannot be read."""
    numbers = [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        for number in _parsed(e164, None)
    ]
    return str(numbers[0]) if numbers else e164


def _split_extension(text: str) -> tuple[str, str]:
    """The number and its extension. The library knows the Latin signs for one only."""
    match = _EXTENSION.search(text)
    if not match or not any(character.isdigit() for character in text[: match.start()]):
        return text, ""
    return text[: match.start()], match["digits"]


def _own_readings(text: str, region: str) -> Iterator[phonenumbers.PhoneNumber]:
    """00 is how most of the world writes +, whatever else the region's carriers take it for (001, 008 …)."""
    digits = re.sub(r"[^\d+]", "", text)
    zeros = re.match(r"\+?00(?=[1-9])", digits)
    if zeros:
        yield from _parsed("+" + digits[zeros.end() :], None)
    if zeros or text.startswith("+"):
        text = _TRUNK_ZERO.sub("", text)
    yield from _parsed(text, region)


def _without_second_code(numbers: Iterable[phonenumbers.PhoneNumber]) -> Iterator[phonenumbers.PhoneNumber]:
    """A browser fills in the country code that has been chosen already: +852 852 9123 4567."""
    for number in numbers:
        code, national = str(number.country_code), str(number.national_number)
        if national.startswith(code):
            yield from _parsed(f"+{national}", None)


def _readings_elsewhere(text: str, region: str) -> Iterator[phonenumbers.PhoneNumber]:
    """Numbers in use that the text would be with its + forgotten, or in a neighbouring region.

    Landlines of Taiwan and the mainland count only with their leading 0: without it nearly any eight digits
    are one.
    """
    if text.startswith("+"):
        return
    digits = re.sub(r"\D", "", text)
    tries: list[tuple[str, str | None]] = [("+" + digits, None)]
    if carrier := _CARRIER.match(digits):
        tries.append(("+" + digits[carrier.end() :], None))
    tries += [(digits, other) for other in NEIGHBOURS if other != region]
    for typed, where in tries:
        for number in _parsed(typed, where):
            has_zero = where not in {"TW", "CN"} or digits.startswith("0") or _is_mobile(number)
            if has_zero and phonenumbers.is_valid_number(number):
                yield number


def _is_mobile(number: phonenumbers.PhoneNumber) -> bool:
    return bool(phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE)


def _are_several(text: str, region: str) -> bool:
    parts = [part for part in _SEVERAL.split(text) if part.strip()]
    return len(parts) > 1 and all(
        any(phonenumbers.is_possible_number(number) for number in _own_readings(part, region))
        for part in parts
    )


def _parsed(text: str, region: str | None) -> list[phonenumbers.PhoneNumber]:
    """The number, or nothing where the library cannot read one."""
    with suppress(phonenumbers.NumberParseException):
        return [phonenumbers.parse(text, region)]
    return []


def _numbered(number: phonenumbers.PhoneNumber, extension: str) -> PhoneNumber:
    e164 = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return PhoneNumber(e164, extension or str(number.extension or ""))
