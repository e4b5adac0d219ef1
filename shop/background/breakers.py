"""Peers that do not answer are left alone, and what waits for them is woken by their first answer.

A breaker is memory of this process. After ``PATIENCE`` silences in a row it is open: nobody asks, and what is
to be asked stays due in its rows, not counted as a try and not delayed. One looks again every ``PAUSE``.
"""

import datetime as dt
import logging
import threading
from collections import defaultdict
from collections.abc import Callable

from shop import clock

from . import peers

logger = logging.getLogger(__name__)

PATIENCE = 3  # silences in a row
PAUSE = dt.timedelta(seconds=10)  # between two looks at a peer that does not answer
LONGEST_LOOK = dt.timedelta(seconds=120)  # then whoever went to look has died

_when_back: dict[str, list[Callable[[], object]]] = defaultdict(list)


def when_back(peer: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register what is to be done once the peer answers again."""

    def register(act: Callable[[], object]) -> Callable[[], object]:
        _when_back[peers.known(peer)].append(act)
        return act

    return register


class Breaker:
    def __init__(self, peer: str) -> None:
        self.peer = peer
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """As in a process that has just begun: it does not know what was silent before."""
        self._silences = 0
        self._open_until: dt.datetime | None = None
        self._looks_since: dt.datetime | None = None
        self._was_silent = True

    def may_ask(self) -> bool:
        """Whether to ask the peer now. Whoever does tells ``answered``, ``silent`` or ``unasked``."""
        now = clock.now()
        with self._lock:
            if self._open_until is None:
                return True
            if now < self._open_until <= now + PAUSE + clock.SKEW:  # further ahead: the clock was put back
                return False
            if self._looks_since is not None and self._looks_since <= now < self._looks_since + LONGEST_LOOK:
                return False
            self._looks_since = now
            return True

    def unasked(self) -> None:
        """There was nothing to ask, or somebody else does."""
        with self._lock:
            self._looks_since = None

    def silent(self, *, for_all: bool = False) -> None:
        """Note that no answer came. ``for_all``: it cannot lie in what was asked, so once is enough."""
        with self._lock:
            self._silences = PATIENCE if for_all else self._silences + 1
            self._looks_since = None
            if self._silences >= PATIENCE:
                if self._open_until is None:
                    logger.error("No answer from %s: it is asked every %s only", self.peer, PAUSE)
                self._open_until, self._was_silent = clock.now() + PAUSE, True

    def answered(self) -> None:
        """Note an answer. The first after silence wakes all that waits. Needs no transaction open."""
        with self._lock:
            is_back = self._was_silent
            if self._open_until is not None:
                logger.error("%s answers again", self.peer)
            self._silences, self._open_until, self._looks_since, self._was_silent = 0, None, None, False
        for act in _when_back[self.peer] if is_back else ():
            try:
                act()
            except Exception:
                logger.exception("What waits for %s could not be woken", self.peer)


_breakers = {peer: Breaker(peer) for peer in peers.ALL}


def of(peer: str) -> Breaker:
    return _breakers[peer]


def reset() -> None:
    """Forget everything; for tests."""
    for breaker in _breakers.values():
        breaker.reset()
