"""Calls to peers. In a web process each gateway may have some of the threads only, so that pages go on.

Whoever cannot get a line is told so at once where the gateway is slow, else after a moment: nothing was sent.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from . import peers

PER_PEER = 3  # calls at the same time from the requests of one process; it has eight threads
SLOW = 1.5  # seconds; a call that takes longer says that others would wait in vain

_limits_requests = False
_held: ContextVar[frozenset[str]] = ContextVar("lines", default=frozenset())


class Busy(Exception):
    """Too many requests wait for this gateway. Nothing was sent."""


class Lines:
    """The calls of one process's requests to one peer."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._began: list[float] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises Busy."""
        with self._change:
            asked_at = time.monotonic()
            while len(self._began) >= PER_PEER:
                left = min(asked_at, self._began[0]) + SLOW - time.monotonic()
                if left <= 0:
                    raise Busy
                self._change.wait(left)
            began = time.monotonic()
            self._began.append(began)
        try:
            yield
        finally:
            with self._change:
                self._began.remove(began)
                self._change.notify()


_lines = {peer: Lines() for peer in peers.ALL}


def limit_requests() -> None:
    """This process serves requests: called once, by ``shop.wsgi``."""
    global _limits_requests
    _limits_requests = True


def serves_requests() -> bool:
    """Whether somebody waits in front of a browser for what this process does."""
    return _limits_requests


@contextmanager
def line(peer: str) -> Iterator[None]:
    """Talk to the peer within the block; whoever holds the line already may do so again.

    Raises Busy (from requests only) and WrongPeer.
    """
    peers.check(peer)
    if not _limits_requests or peer in _held.get():
        yield
        return
    with _lines[peer].one():
        token = _held.set(_held.get() | {peer})
        try:
            yield
        finally:
            _held.reset(token)
