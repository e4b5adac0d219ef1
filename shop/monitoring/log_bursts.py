"""What strangers can provoke fills no disk: of one kind of warning so many lines are written a minute."""

import logging
import threading
import time
from collections.abc import Callable

PER_MINUTE = 120  # lines of one kind, in each process
MAX_KINDS = 1_000  # that are remembered


class BurstFilter(logging.Filter):
    """Lets the first ``PER_MINUTE`` lines of a kind through and then counts; the next minute tells how many.

    A kind is where a line comes from and what it is about, not what it names: the same warning about
    another address is the same kind. What is told for information is never left out.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._lock = threading.Lock()
        self._minute = -1
        self._counts: dict[tuple[object, ...], int] = {}
        self._left_out: dict[tuple[object, ...], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        kind = _kind_of(record)
        with self._lock:
            self._turn_the_page()
            if kind not in self._counts and len(self._counts) >= MAX_KINDS:
                kind = ("other kinds",)
            self._counts[kind] = count = self._counts.get(kind, 0) + 1
            if count > PER_MINUTE:
                return False
            before = self._left_out.pop(kind, 0)
        if before:
            record.msg, record.args = f"{record.getMessage()} ({before} like this were left out)", ()
        return True

    def _turn_the_page(self) -> None:
        minute = int(self._now() // 60)
        if minute == self._minute:
            return
        self._left_out = {
            kind: self._left_out.get(kind, 0) + count - PER_MINUTE
            for kind, count in self._counts.items()
            if count > PER_MINUTE
        }
        self._minute, self._counts = minute, {}


def _kind_of(record: logging.LogRecord) -> tuple[object, ...]:
    error = record.exc_info[0] if record.exc_info else None
    status = getattr(record, "status_code", None)  # of Django's lines about requests
    # A text without places for names may hold one all the same: Django's about a Host is the visitor's own.
    what = str(record.msg)[:100] if record.args else f"{record.pathname}:{record.lineno}"
    return record.name, record.levelno, what, status, error
