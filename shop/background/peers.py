"""Whom background work talks to: mail server, PayPal, UnionPay, or nobody (``local``).

Each peer has its share of a worker's threads (``settings.WORKER_SHARES``), which no other may take: a task
whose share is in use leaves its thread at once, and is done by whoever gives the share back. So the threads
that wait are never more than the shares together, and one is always left (``threads``).

``task`` makes a Celery task and demands its peer, ``outbox.subscribe`` that of a topic. What talks to a peer
says so by ``shop.background.lines.line``: under the wrong share it is refused.
"""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any

from celery import shared_task
from django.conf import settings

from . import outbound

logger = logging.getLogger(__name__)

MAIL, PAYPAL, UNIONPAY, LOCAL = "mail", "paypal", "unionpay", "local"
ALL = (MAIL, PAYPAL, UNIONPAY, LOCAL)
GATEWAYS = (PAYPAL, UNIONPAY)

_current: ContextVar[str] = ContextVar("peer", default="")


class WrongPeer(RuntimeError):
    """A mistake of ours: work talks to another peer than it has declared, or has declared none."""


class Silence(Exception):
    """Base of errors that say: the peer could not be asked, or has not answered.

    ``about_one``: it has answered, and its answer is about this item only. Then nobody else has to wait.
    """

    about_one = False


def known(peer: str) -> str:
    """The peer's own name back. Raises WrongPeer for any other."""
    if peer not in ALL:
        raise WrongPeer(f"{peer!r} is no peer: {', '.join(ALL)}")
    return peer


def current() -> str:
    """Whose share the work of this thread is done under; empty outside of background work."""
    return _current.get()


@contextlib.contextmanager
def working_for(peer: str) -> Iterator[None]:
    """Within the block only this peer may be talked to."""
    token = _current.set(known(peer))
    try:
        yield
    finally:
        _current.reset(token)


def check(peer: str) -> None:
    """Refuse to talk to a peer whose share this work has not taken. Raises WrongPeer."""
    if current() not in {"", known(peer)}:
        raise WrongPeer(f"work for {current()} talks to {peer}: it would take the others' threads")


class Share:
    """Threads of this process that may work for one peer at the same time."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer, self._free = peer, threads
        self._alone: set[Hashable] = set()  # keys of what is being done and may not be done twice at once
        self._waiting: dict[Hashable, tuple[Callable[[], object], bool]] = {}
        self._lock = threading.Lock()

    def run(self, key: Hashable, act: Callable[[], object], *, alone: bool = False) -> None:
        """Do it now, or have it done by whoever gives the share back; the same ``key`` waits once.

        Once is enough, for tasks look for their work in rows, and what waits begins later than it was asked.
        ``alone``: not while the same is being done.
        """
        with self._lock:
            if not self._free or key in self._alone:
                self._waiting[key] = (act, alone)
                return
            self._free -= 1
            self._alone.update([key] if alone else [])
        try:
            self._act(act)
        finally:
            while next_one := self._next(key):
                key, act = next_one
                try:
                    self._act(act)
                except Exception:
                    logger.exception("What waited for %s failed", self.peer)

    def _act(self, act: Callable[[], object]) -> None:
        with working_for(self.peer):
            act()

    def _next(self, done: Hashable) -> tuple[Hashable, Callable[[], object]] | None:
        """What has waited longest; where nothing does, the share is free again."""
        with self._lock:
            self._alone.discard(done)
            for key, (act, alone) in self._waiting.items():
                if key not in self._alone:
                    del self._waiting[key]
                    self._alone.update([key] if alone else [])
                    return key, act
            self._free += 1
            return None


_shares = {peer: Share(peer, settings.WORKER_SHARES[peer]) for peer in ALL}


def threads() -> int:
    """How many threads a worker needs: all shares, and one that takes what is asked for in vain."""
    return sum(settings.WORKER_SHARES[peer] for peer in ALL) + 1


def task(*, peer: str | tuple[str, ...], alone: bool = False) -> Callable[[Callable[..., None]], Any]:
    """Make a Celery task that is done under the share of its peer.

    With several peers the task is done for the one that its first argument names; without an argument for
    each in turn. ``alone``: by one thread of a worker at a time. While the shop is to be silent no task does
    anything, whoever's beat has asked for it: the rows say what is left to do.
    """
    for each in (peer,) if isinstance(peer, str) else peer:
        known(each)

    def register(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def under_share(*arguments: Any) -> None:
            if outbound.is_off():
                return
            if isinstance(peer, str):
                act = functools.partial(function, *arguments)
                _shares[peer].run((function, arguments), act, alone=alone)
                return
            for each in arguments or peer:
                if each not in peer:
                    raise WrongPeer(f"{function.__name__} is not for {each}")
                _shares[each].run((function, each), functools.partial(function, each), alone=alone)

        return shared_task(ignore_result=True, peer=peer)(under_share)

    return register


def undeclared(tasks: dict[str, Any]) -> list[str]:
    """Names of tasks that declare no peer; Celery's own apart. A worker refuses to start with them."""
    return [
        name for name, each in tasks.items() if not name.startswith("celery.") and not hasattr(each, "peer")
    ]
