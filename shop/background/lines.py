"""Calls to peers. In a web process each gateway may have some of the threads only, so that pages go on.

Who came first is first, but a network that talks already comes after those that do not, and the last line is
left to another. Whoever cannot get one is told so at once where the gateway is slow, else after a moment:
nothing was sent.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from . import peers, slow_threads

PER_PEER = 3  # calls at the same time from the requests of one process; it has eight threads
PER_NETWORK = 2  # of these; an office, or a street's telephones, may be one network
SLOW = 1.5  # seconds; a call that takes longer says that others would wait in vain

_limits_requests = False
_held: ContextVar[frozenset[str]] = ContextVar("lines", default=frozenset())
_network: ContextVar[str] = ContextVar("network", default="")


class Busy(Exception):
    """Too many requests wait for this gateway. Nothing was sent."""


@dataclass(eq=False)
class _Call:
    network: str
    since: float = field(default_factory=time.monotonic)  # it came, and then: it began


class Lines:
    """The calls of one process's requests to one peer."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._waiting: list[_Call] = []  # as they came
        self._begun: list[_Call] = []

    @contextmanager
    def one(self, network: str = "") -> Iterator[None]:
        """Raises Busy."""
        call = _Call(network)
        with self._change:
            self._waiting.append(call)
            try:
                self._wait_for_turn(call)
            finally:
                self._waiting.remove(call)
                self._change.notify_all()  # another may be the next one now
            call.since = time.monotonic()
            self._begun.append(call)
        try:
            yield
        finally:
            with self._change:
                self._begun.remove(call)
                self._change.notify_all()

    def _wait_for_turn(self, call: _Call) -> None:
        while self._next() is not call:
            longest = min([call.since, *(each.since for each in self._begun)])
            left = longest + SLOW - time.monotonic()
            if left <= 0:
                raise Busy
            self._change.wait(left)

    def _next(self) -> _Call | None:
        """Who gets a line now: of those whose network has the fewest, the first."""
        if len(self._begun) >= PER_PEER:
            return None
        first = min(self._waiting, key=self._lines_of)
        return first if self._lines_of(first) < PER_NETWORK else None

    def _lines_of(self, call: _Call) -> int:
        return sum(each.network == call.network for each in self._begun)


_lines = {peer: Lines() for peer in peers.ALL}


def limit_requests() -> None:
    """This process serves requests: called once, by ``shop.wsgi``."""
    global _limits_requests
    _limits_requests = True


def serves_requests() -> bool:
    """Whether somebody waits in front of a browser for what this process does."""
    return _limits_requests


@contextmanager
def asked_from(network: str) -> Iterator[None]:
    """Within the block, lines are asked for by a request of this network."""
    token = _network.set(network)
    try:
        yield
    finally:
        _network.reset(token)


@contextmanager
def line(peer: str) -> Iterator[None]:
    """Talk to the peer within the block; whoever holds the line already may do so again.

    Raises Busy (from requests only) and WrongPeer.
    """
    peers.check(peer)
    if not _limits_requests or peer in _held.get():
        yield
        return
    if not slow_threads.take():
        raise Busy
    try:
        with _lines[peer].one(_network.get()):
            token = _held.set(_held.get() | {peer})
            try:
                yield
            finally:
                _held.reset(token)
    finally:
        slow_threads.give_back()
