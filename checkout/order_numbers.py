"""Order numbers: eight symbols a person can read out, e.g. A7K3-92QM. The last one is a check symbol.

``symbols_of`` and ``ALPHABET`` serve every code that people type: order numbers and order keys.
"""

import re
import secrets
import unicodedata

from django.views.decorators.debug import sensitive_variables

from shop.typed_values.characters import fold, is_dash

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U

_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
# What a label ends with that is pasted along: 訂單編號：A7K3-92QM, Order key: WWZ2-…
_LABEL_END = re.compile(r"(?:\bkey|\bnumber|[\u3400-\u9fff])\s*$", re.IGNORECASE)
_LABEL_LENGTH = 40


class TypingError(ValueError):
    """The text cannot be an order number. Where it is wrong cannot be known."""


def new_number() -> str:
    """A random number: 32^7 possibilities, so it tells nothing about how many orders there are."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(7))
    symbols = body + _check_symbol(body)
    return f"{symbols[:4]}-{symbols[4:]}"


def parse(text: str) -> str:
    """The order number that a person typed, in its canonical form. Raises TypingError."""
    symbols = symbols_of(text)
    if len(symbols) != 8 or not set(symbols) <= set(ALPHABET) or symbols[7] != _check_symbol(symbols[:7]):
        raise TypingError
    return f"{symbols[:4]}-{symbols[4:]}"


@sensitive_variables()
def symbols_of(text: str) -> str:
    """What a person typed as symbols of ``ALPHABET``, as far as it can be folded to them.

    Case, full-width forms, spaces, dashes and other punctuation do not matter; O is 0, I and L are 1. A label
    that was pasted along is left out.
    """
    folded = _without_label(fold(text)).upper().translate(_LOOK_ALIKES)
    return "".join(symbol for symbol in folded if not _is_separator(symbol))


def _without_label(text: str) -> str:
    label, _, code = text.rpartition(":")
    return code if _LABEL_END.search(label[-_LABEL_LENGTH:]) else text


def _is_separator(symbol: str) -> bool:
    """Separators, punctuation, and what cannot be seen (controls, zero-width marks)."""
    return unicodedata.category(symbol)[0] in "ZPC" or is_dash(symbol)


def _check_symbol(body: str) -> str:
    """Odd weights are units modulo 32, so every single wrong symbol is noticed."""
    return ALPHABET[sum(ALPHABET.index(symbol) * (2 * place + 1) for place, symbol in enumerate(body)) % 32]
