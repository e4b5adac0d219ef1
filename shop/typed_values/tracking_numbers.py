"""Tracking numbers: shown as the waybill prints them, followed and reported without blanks and hyphens."""

import re

from .characters import fold_code

_BARE = re.compile(r"[A-Z0-9]{4,39}")
MAX_LENGTH = 40


class NotANumber(ValueError):
    """The text cannot be a tracking number."""


def normalise(text: str) -> str:
    """Return the number as it is printed on waybills: capitals, groups as they were typed.

    Raises NotANumber.
    """
    printed = fold_code(text)
    if not _BARE.fullmatch(bare(printed)):
        raise NotANumber
    return printed if len(printed) <= MAX_LENGTH else bare(printed)


def bare(printed: str) -> str:
    """Return the number as carriers and PayPal know it."""
    return re.sub("[ -]", "", printed)
