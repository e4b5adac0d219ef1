"""The order key: 19 random symbols (95 bits) and a check symbol, in five groups of four.

A person types it from a mail or reads it out, so the alphabet has no look-alikes and the check symbol catches
every single wrong symbol and every swap of any two.
"""

from collections.abc import Iterable

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from checkout.order_numbers import ALPHABET, find_code, random_symbols
from checkout.order_numbers import TypingError as TypingError
from shop import crypto

LENGTH = 20
GROUP = 4

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}


@sensitive_variables()
def make() -> str:
    """A new key in its canonical form: 20 symbols, no separators."""
    body = random_symbols(LENGTH - 1)
    return body + ALPHABET[_times_generator(_weighted_sum(body))]


@sensitive_variables()
def parse(text: str) -> str:
    """The canonical form of what a person typed, or pasted with words around it. Raises TypingError."""
    return find_code(text, LENGTH, _is_key)


@sensitive_variables()
def _is_key(symbols: str) -> bool:
    return len(symbols) == LENGTH and set(symbols) <= _VALUES.keys() and not _weighted_sum(symbols)


def _weighted_sum(symbols: Iterable[str]) -> int:
    """The symbols as digits of a number in base g, over GF(32). A valid key has the sum 0.

    g generates the field, so the 20 weights (its powers) all differ: one error e at place i adds g^i·e, a
    swap adds (g^i + g^j)·(a + b), and neither can be 0.
    """
    total = 0
    for symbol in symbols:
        total = _times_generator(total) ^ _VALUES[symbol]
    return total


def _times_generator(value: int) -> int:
    """Times x in GF(2)[x] modulo x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


@sensitive_variables()
def groups(canonical: str) -> list[str]:
    return [canonical[start : start + GROUP] for start in range(0, LENGTH, GROUP)]


@sensitive_variables()
def grouped(canonical: str) -> str:
    """As people see it: WWZ2-9T3W-4T4X-MJGQ-4A2X."""
    return "-".join(groups(canonical))


def pepper_id(pepper: str) -> str:
    """A name for the pepper that says nothing about it: 16 hexadecimal digits."""
    return crypto.digest("", key=pepper, purpose="order-key-pepper-id-v1")[:8].hex()


def newest_pepper() -> str:
    return str(settings.ORDER_KEY_PEPPERS[0])


def pepper_named(identity: str) -> str | None:
    """The pepper with this id, unless it was retired."""
    return next((pepper for pepper in settings.ORDER_KEY_PEPPERS if pepper_id(pepper) == identity), None)


@sensitive_variables()
def lookup(canonical: str, pepper: str) -> bytes:
    """What finds the key's row: 32 bytes that are worthless without the pepper."""
    return crypto.digest(canonical, key=pepper, purpose="order-key-lookup-v1")


@sensitive_variables()
def lookups(canonical: str) -> list[bytes]:
    """One look-up per pepper in use, newest first."""
    return [lookup(canonical, pepper) for pepper in settings.ORDER_KEY_PEPPERS]
