"""Order numbers: eight symbols a person can read out, e.g. A7K3-92QM. The last one is a check symbol.

``find_code``, ``random_symbols`` and what they use serve every code that people type: the order keys too.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from secrets import choice

from django.views.decorators.debug import sensitive_variables

from shop.typed_values.characters import fold, is_dash

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U

LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
# What a label ends with that is pasted along: 訂單編號：A7K3-92QM, Order key: WWZ2-…
_LABEL_END = re.compile(r"(?:\bkey|\bnumber|\bcode|[\u3400-\u9fff])\s*$", re.IGNORECASE)
_LABEL_LENGTH = 40
LENGTH = 8
GROUP = 4
MAX_TEXT = 1000  # characters that a code is looked for in


class TypingError(ValueError):
    """The text cannot be such a code. Where it is wrong cannot be known; ``length`` is what it has."""

    def __init__(self, length: int) -> None:
        super().__init__("not a code")  # never the text itself: it is nearly one
        self.length = length


def new_number() -> str:
    """A random number: some 32^7 possibilities, so it tells nothing about how many orders there are."""
    body = random_symbols(LENGTH - 1)
    symbols = body + _check_symbol(body)
    return f"{symbols[:4]}-{symbols[4:]}"


@sensitive_variables()
def random_symbols(count: int) -> str:
    """Random symbols of ``ALPHABET``, at least one of them a digit.

    ``codes_in`` tells a code without dashes from words by its digit: one number in twenty had none.
    """
    while (symbols := "".join(choice(ALPHABET) for _ in range(count))).isalpha():
        pass
    return symbols


def parse(text: str) -> str:
    """The order number that a person typed or pasted with its subject line, in its canonical form.

    Raises TypingError.
    """
    symbols = find_code(text, LENGTH, _is_number)
    return f"{symbols[:4]}-{symbols[4:]}"


def _is_number(symbols: str) -> bool:
    is_whole = len(symbols) == LENGTH and set(symbols) <= set(ALPHABET)
    return is_whole and symbols[-1] == _check_symbol(symbols[:-1])


@sensitive_variables()
def find_code(text: str, length: int, is_code: Callable[[str], bool]) -> str:
    """The symbols of the one code of this length in a typed or pasted text; ``is_code`` checks the last one.

    Raises TypingError.
    """
    symbols = symbols_of(text)
    if is_code(symbols):
        return symbols
    candidates = set(codes_in(text, length))
    found = set(filter(is_code, candidates))
    if len(found) != 1:
        raise TypingError(length if candidates else len(symbols))
    return found.pop()


@sensitive_variables()
def symbols_of(text: str) -> str:
    """What a person typed as symbols of ``ALPHABET``, as far as it can be folded to them.

    Case, full-width forms, spaces, dashes and other punctuation do not matter; O is 0, I and L are 1. A label
    that was pasted along is left out.
    """
    return _symbols(without_label(fold(text)))


@sensitive_variables()
def codes_in(text: str, length: int) -> Iterator[str]:
    """Symbols that may be a code of this length, in groups of four, among other words or pasted twice."""
    if len(text) > MAX_TEXT:
        return
    symbols = symbols_of(text)
    if len(symbols) == 2 * length and symbols[:length] == symbols[length:]:
        yield symbols[:length]
    groups = length // GROUP - 1
    code = rf"[A-Z0-9]{{{GROUP}}}(?:[ \n]?[-_·][ \n]?[A-Z0-9]{{{GROUP}}}){{{groups}}}"
    together = rf"(?=[A-Z ]*\d)[A-Z0-9]{{{GROUP}}}(?: ?[A-Z0-9]{{{GROUP}}}){{{groups}}}"  # else two words
    dashed = "".join("-" if is_dash(sign) else sign for sign in fold(text)).upper()
    for found in re.finditer(rf"(?<![A-Z0-9])(?<![A-Z0-9]-)(?=({code}|{together})(?!-?[A-Z0-9]))", dashed):
        yield _symbols(found[1])


def _symbols(folded: str) -> str:
    return "".join(symbol for symbol in folded.upper().translate(LOOK_ALIKES) if not _is_separator(symbol))


def without_label(text: str) -> str:
    label, _, code = text.rpartition(":")
    return code if _LABEL_END.search(label[-_LABEL_LENGTH:]) else text


def _is_separator(symbol: str) -> bool:
    """Separators, punctuation, and what cannot be seen (controls, zero-width marks)."""
    return unicodedata.category(symbol)[0] in "ZPC" or is_dash(symbol)


def _check_symbol(body: str) -> str:
    """Odd weights are units modulo 32, so every single wrong symbol is noticed."""
    return ALPHABET[sum(ALPHABET.index(symbol) * (2 * place + 1) for place, symbol in enumerate(body)) % 32]
