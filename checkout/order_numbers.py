"""Order numbers: eight symbols a person can read out, e.g. A7K3-92QM. The last one is a check symbol.

``readings`` and ``ALPHABET`` serve every code that people type: order numbers and order keys.
"""

import re
import secrets
import unicodedata
from functools import cache

from django.views.decorators.debug import sensitive_variables

from shop.typed_values.characters import fold, fold_code, is_dash

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U

_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
# What a label ends with that is pasted along: 訂單編號：A7K3-92QM, Order key: WWZ2-…
_LABEL_END = re.compile(r"(?:\bkey|\bnumber|[\u3400-\u9fff])\s*$", re.IGNORECASE)
_LABEL_LENGTH = 40
_GROUP = 4  # symbols, as codes are shown


class TypingError(ValueError):
    """The text cannot be an order number. Where it is wrong cannot be known."""


def new_number() -> str:
    """A random number: 32^7 possibilities, so it tells nothing about how many orders there are."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(7))
    symbols = body + _check_symbol(body)
    return f"{symbols[:4]}-{symbols[4:]}"


def parse(text: str) -> str:
    """The order number that a person typed, in its canonical form. Raises TypingError."""
    for symbols in readings(text, 8):
        if set(symbols) <= set(ALPHABET) and symbols[7] == _check_symbol(symbols[:7]):
            return f"{symbols[:4]}-{symbols[4:]}"
    raise TypingError


@sensitive_variables()
def readings(text: str, length: int) -> list[str]:
    """What a person typed as so many symbols, as far as it can be folded to them; the likeliest first.

    Case, full-width forms, spaces, dashes and other punctuation do not matter; O is 0, I and L are 1. What
    was pasted along - a label, a sentence - is left out: the code stands in it in groups of four. Its check
    symbol tells which reading is right.
    """
    whole = "".join(sign for sign in _without_label(fold(text)) if not _is_separator(sign))
    runs = _runs(length // _GROUP).findall(fold_code(text))
    typed = [whole, *(re.sub("[- ]", "", run) for run in runs)]
    symbols = [each.upper().translate(_LOOK_ALIKES) for each in typed]
    return [each for each in symbols if len(each) == length]


@cache
def _runs(groups: int) -> re.Pattern[str]:
    """So many groups of four by themselves, not a part of more."""
    group, joint = f"[0-9A-Z]{{{_GROUP}}}", "[- ]{0,3}"
    run = f"{group}(?:{joint}{group}){{{groups - 1}}}"
    return re.compile(
        rf"(?<![0-9A-Z])(?<![0-9A-Z]-)(?=({run})(?!-?[0-9A-Z])(?!{joint}{group}(?![0-9A-Z])))", re.ASCII
    )


def _without_label(text: str) -> str:
    label, _, code = text.rpartition(":")
    return code if _LABEL_END.search(label[-_LABEL_LENGTH:]) else text


def _is_separator(symbol: str) -> bool:
    """Separators, punctuation, and what cannot be seen (controls, zero-width marks)."""
    return unicodedata.category(symbol)[0] in "ZPC" or is_dash(symbol)


def _check_symbol(body: str) -> str:
    """Odd weights are units modulo 32, so every single wrong symbol is noticed."""
    return ALPHABET[sum(ALPHABET.index(symbol) * (2 * place + 1) for place, symbol in enumerate(body)) % 32]
