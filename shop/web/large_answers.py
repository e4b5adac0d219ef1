"""Answers that are large: few are made and sent at once, so that most threads are left to pages.

A thread that sends lasts as long as whoever reads. The proxy of ``docs/operations.md`` takes an answer as
fast as it is made and keeps it for slow readers; these limits hold where it has no more room, or is another.
"""

import threading
import weakref
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shop.background import slow_threads

from . import error_pages
from .client_address import client_address
from .rate_limit import network_of

PATIENCE = 10.0  # seconds that a request waits for its place
MAX_WAITING = 1  # of a lane, and of a network that has room; others are told at once

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


class Busy(Exception):
    """So many large answers are being sent that this one would wait for long."""


class Lane:
    """Places of this process for answers of one kind, some of them for one network."""

    def __init__(self, *, places: int, of_network: int) -> None:
        self._places, self._of_network = places, of_network
        self._sent: Counter[str] = Counter()  # network -> answers that are being made or sent
        self._waiting = 0
        self._changed = threading.Condition()

    def enter(self, network: str) -> None:
        """Take a place, which ``leave`` gives back. Raises Busy."""
        with self._changed:
            if not self._has_room(network):
                self._wait(network)
            self._sent[network] += 1

    def _has_room(self, network: str) -> bool:
        return self._sent.total() < self._places and self._sent[network] < self._of_network

    def _wait(self, network: str) -> None:
        if self._waiting >= MAX_WAITING or self._sent[network] >= self._of_network:
            raise Busy  # who has all places of a network takes nobody else's turn to wait
        self._waiting += 1
        try:
            if not self._changed.wait_for(lambda: self._has_room(network), timeout=PATIENCE):
                raise Busy
        finally:
            self._waiting -= 1

    def leave(self, network: str) -> None:
        with self._changed:
            self._sent[network] -= 1
            self._sent += Counter()  # forget networks that have none
            self._changed.notify_all()


# With those who wait, never more than ``slow_threads`` has seats for files.
FILES = Lane(places=3, of_network=2)
COPIES = Lane(places=1, of_network=1)


def few_at_once(lane: Lane) -> Callable[[View[Rest]], View[Rest]]:
    """Decorator of a view whose answer may be large: it keeps a place until that was sent, or given up."""

    def decorate(view: View[Rest]) -> View[Rest]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
            network = network_of(client_address(request))
            if not slow_threads.take(slow_threads.MOST_FILES):
                return error_pages.many_downloads(request)
            try:
                lane.enter(network)
            except Busy:
                slow_threads.give_back()
                return error_pages.many_downloads(request)

            def leave() -> None:
                lane.leave(network)
                slow_threads.give_back()

            try:
                response = view(request, *args, **kwargs)
            except BaseException:
                leave()
                raise
            # Servers close what they have sent; an answer that another one stands in for is only forgotten.
            over = weakref.finalize(response, leave)
            over.atexit = False
            response._resource_closers.append(over)  # type: ignore[attr-defined]
            return response

        return cast("View[Rest]", guarded)

    return decorate
