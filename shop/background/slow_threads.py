"""Threads of this process that wait or send for long: never so many that none is left to pages.

Each kind has limits of its own (``large_answers``, ``lines``, ``apart``), which together are more than a
process has. So each of them takes a seat here first, and is refused like any that comes too late.
"""

import threading

OF_PROCESS = 8  # gunicorn's ``--threads``
MOST = OF_PROCESS - 1
MOST_FILES = 5  # large answers and files that are opened: they may last, and whoever pays finds a seat

_lock = threading.Lock()
_taken = 0


def take(most: int = MOST) -> bool:
    """Take a seat, which ``give_back`` gives back, where fewer than ``most`` are taken."""
    global _taken
    with _lock:
        is_free = _taken < most
        _taken += is_free
    return is_free


def give_back() -> None:
    global _taken
    with _lock:
        _taken -= 1
