"""Tracking numbers: taken out of what was pasted along, shown as the waybill prints them, followed bare."""

import re

from .characters import fold_code

_BARE = re.compile(r"[A-Z0-9]{4,39}")
_RUN = re.compile(r"[A-Z0-9_](?:[A-Z0-9_ -]*[A-Z0-9_])?")  # an underscore is in no number: it spoils one
_LABEL = re.compile(r"[A-Z]{3,}(?:-[A-Z]+)*|NO|NR|[A-Z]{1,2}-[A-Z]{3,}")  # no group of a number is a word
_SCANNER = re.compile(r"^\][A-Z][0-9]")  # what some scanners say of the kind of barcode
_SPREADSHEET = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]+")  # 4.6E+13: its digits are lost
_LEAST_DIGITS = 4
_LEAST_OF_PART = 8  # characters of a number that stands among other text
_WHOLE = 10  # two groups of so many characters are two numbers
_LONGEST = 500  # characters of what is looked through
MAX_LENGTH = 40


class NotANumber(ValueError):
    """The text cannot be a tracking number."""


class SeveralNumbers(NotANumber):
    """The text holds more than one: each belongs to a parcel of its own."""


def normalise(text: str) -> str:
    """Return the number as it is printed on waybills: capitals, groups as they were typed.

    A label before it, or the address of the carrier's page about it, is left out. Raises NotANumber and
    SeveralNumbers.
    """
    folded = _SCANNER.sub("", fold_code(text)[:_LONGEST])
    if _SPREADSHEET.fullmatch(folded):
        raise NotANumber
    parts = [part for run in _RUN.findall(folded) for part in _parts(run)]
    least = 0 if parts == [folded] else _LEAST_OF_PART
    numbers = {bare(part): part for part in reversed(parts) if _is_number(bare(part), least)}
    if len(numbers) > 1:
        raise SeveralNumbers
    if not numbers:
        raise NotANumber
    [printed] = numbers.values()
    return printed if len(printed) <= MAX_LENGTH else bare(printed)


def bare(printed: str) -> str:
    """Return the number as carriers and PayPal know it."""
    return re.sub("[ -]", "", printed)


def _parts(run: str) -> list[str]:
    """Without the words in it; two numbers with a blank between them are two."""
    parts: list[list[str]] = [[]]
    for group in run.split(" "):
        if _LABEL.fullmatch(group):
            parts.append([])
        else:
            parts[-1].append(group)
    return [
        number
        for groups in parts
        for number in (groups if sum(len(group) >= _WHOLE for group in groups) > 1 else [" ".join(groups)])
    ]


def _is_number(text: str, least: int) -> bool:
    has_digits = sum(sign.isdigit() for sign in text) >= _LEAST_DIGITS
    return _BARE.fullmatch(text) is not None and has_digits and len(text) >= least
