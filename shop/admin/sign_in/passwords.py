"""Passwords that others would try first: common ones however dressed up, runs of keys, the shop's name.

A password is read as a guesser reads it: a run of neighbouring keys, a year or a repeated piece is one unit
however long, a common word two, any other character one. Few units are few guesses.
"""

import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator as DjangosList
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from shop.typed_values.characters import fold

TOO_COMMON = gettext_noop(
    "This password is too easy to guess: it is made of common words, years or neighbouring keys."
)
LEAST = 7  # units
LEAST_WORD = 4  # letters of a word that counts as one
OWN_WORDS = (
    "cloudink", "cloud", "inkstone", "merchant", "consultant", "consulting", "fulfilment", "owner", "shop",
    "staff", "hongkong", "kowloon", "macau", "fengshui", "admin", "administrator", "password", "passwort",
    "login", "welcome",
    "secret", "letmein", "summer", "winter", "spring", "autumn",
)  # fmt: skip
RUNS = (
    "01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "147258369", "159357", "1q2w3e4r5t6y7u8i9o0p",
)  # fmt: skip
_LEET = str.maketrans(
    {"@": "a", "4": "a", "0": "o", "1": "l", "3": "e", "$": "s", "5": "s", "7": "t", "!": "i"}
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_REPEATED = re.compile(r"(.{1,6}?)\1+")


class CommonPasswordValidator:
    """Refuses what is common, or close to it, and what holds the account's own details or the shop's name."""

    @sensitive_variables()
    def validate(self, password: str, user: Any = None) -> None:
        if password_units(password, _own_details(user)) < LEAST:
            raise ValidationError(_(TOO_COMMON), code="password_too_common")

    def get_help_text(self) -> str:
        return _(
            "Not one that others would try: a common word with digits, neighbouring keys, the shop’s or your"
            " own name. Three or four unrelated words are good."
        )


@sensitive_variables()
def password_units(password: str, details: frozenset[str] = frozenset()) -> int:
    """How many things a guesser has to get right: see the module."""
    typed = fold(password).casefold()
    readings = {typed, typed.translate(_LEET)}
    return min(_units(each, details) for each in readings)


def _units(text: str, details: frozenset[str]) -> int:
    """The fewest units, over all ways to cut the text."""
    fewest = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        fewest[end] = fewest[end - 1] + 1
        for start in range(max(0, end - 24), end - 2):
            piece = text[start:end]
            if _is_one(piece, details):
                # A common word is worth two: there are thousands of them.
                worth = 1 if piece in details or not piece.isalpha() or _is_run(piece) else 2
                fewest[end] = min(fewest[end], fewest[start] + worth)
    return fewest[-1]


def _is_one(piece: str, details: frozenset[str]) -> bool:
    if piece in details or _YEAR.fullmatch(piece) or _is_run(piece) or _REPEATED.fullmatch(piece):
        return True
    return len(piece) >= LEAST_WORD and (piece in OWN_WORDS or piece in _common())


def _is_run(piece: str) -> bool:
    return any(piece in run or piece in run[::-1] for run in RUNS)


@lru_cache
def _common() -> frozenset[str]:
    """Django's list of 20,000, and its words without the digits around them."""
    words = set(DjangosList().passwords)
    return frozenset(words | {word.strip("0123456789!.") for word in words})


def _own_details(user: Any) -> frozenset[str]:
    """Parts of the person's and the shop's names, as far as they are long enough to be seen."""
    texts = [*settings.SHOP_NAME.values(), settings.SITE_URL]
    if user is not None:
        texts += [
            str(getattr(user, name, "") or "") for name in ("username", "first_name", "last_name", "email")
        ]
    parts = {part for text in texts for part in re.split(r"\W+", fold(text).casefold())}
    return frozenset(part for part in parts | {part.replace("_", "") for part in parts} if len(part) >= 3)
