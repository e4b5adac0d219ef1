"""Hashing passwords: Argon2, and few at once, so that guessing cannot take the shop's processors.

Browsers in which somebody of the staff has signed in have places of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth import hashers

PATIENCE = 1.0  # seconds that a hash waits for its place
is_known_browser: ContextVar[bool] = ContextVar("is_known_browser", default=False)
_places = {False: BoundedSemaphore(1), True: BoundedSemaphore(1)}  # of this process


class Busy(Exception):
    """Too many passwords are being hashed at this moment."""

    passes = True  # by itself: wherever it comes from, the page says to try again (``error_pages``)


@contextmanager
def place() -> Iterator[None]:
    """One of the few places. Raises Busy."""
    places = _places[is_known_browser.get()]
    if not places.acquire(timeout=PATIENCE):
        raise Busy
    try:
        yield
    finally:
        places.release()


class Argon2(hashers.Argon2PasswordHasher):
    """46 MiB, twice over, in one lane: more than OWASP asks at least, and bounded memory."""

    memory_cost = 47104
    time_cost = 2
    parallelism = 1

    def encode(self, *args: Any, **options: Any) -> str:
        with place():
            return super().encode(*args, **options)

    def verify(self, *args: Any, **options: Any) -> bool:
        with place():
            return super().verify(*args, **options)


class PBKDF2(hashers.PBKDF2PasswordHasher):
    """Of before; a password is hashed anew by Argon2 at the next sign-in."""

    def encode(self, *args: Any, **options: Any) -> str:
        with place():
            return super().encode(*args, **options)
