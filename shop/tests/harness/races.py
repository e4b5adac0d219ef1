"""Several processes at the same moment, on PostgreSQL: threads with connections of their own, held where it
hurts.

Each race is first shown with its defence taken away, so that it is known to be real, then with the code as it
is.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from shop.devstack import failpoints

PATIENCE = 0.7  # seconds in which a thread that is not locked out arrives


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Each in a thread of its own, released together. Returns results; exceptions are results too."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


@contextmanager
def nothing_is_locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without SELECT … FOR UPDATE. Nobody is locked out then, so nobody need be given up soon."""
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "PATIENCE", 5.0)
        patch.setattr(QuerySet, "select_for_update", lambda rows, *_, **__: rows)
        yield


@contextmanager
def without_index(name: str, *, repair: str) -> Iterator[None]:
    """Without this line of defence in the database. ``repair`` puts the rows right before it comes back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
        definition = cursor.fetchone()[0]
        cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(repair)
            cursor.execute(definition)


@contextmanager
def meeting(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, before: bool = False
) -> Iterator[None]:
    """Two threads that have done this, or are about to, wait for each other as long as there is hope."""
    barrier = threading.Barrier(2, timeout=PATIENCE)
    does = getattr(module, name)

    def wait() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait()

    def do(*args: Any, **details: Any) -> Any:
        if before:
            wait()
        result = does(*args, **details)
        if not before:
            wait()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(module, name, do)
        yield


class Hold:
    """One thread stops somewhere, another acts, the first goes on."""

    def __init__(self, patience: float) -> None:
        self._patience = patience  # the other may be locked out until we are done
        self._arrived, self._go_on = threading.Event(), threading.Event()
        self._held = 0

    def stop(self) -> None:
        """For the held thread, and once: others pass."""
        if self._held == threading.get_ident() and not self._arrived.is_set():
            self._arrived.set()
            self._go_on.wait(self._patience)

    def run(self, action: Callable[[], Any], other: Callable[[], Any]) -> list[Any]:
        def first() -> Any:
            self._held = threading.get_ident()
            return action()

        def second() -> Any:
            assert self._arrived.wait(10), "the first never came there"
            try:
                return other()
            finally:
                self._go_on.set()

        return at_once(first, second)


def while_held(
    monkeypatch: pytest.MonkeyPatch, point: str, action: Callable[[], Any], other: Callable[[], Any]
) -> list[Any]:
    """``action`` stops at the crash point, ``other`` happens, ``action`` goes on. What both returned."""
    hold = Hold(PATIENCE)
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reached", lambda name: hold.stop() if name == point else None)
        return hold.run(action, other)


def while_held_in(
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    action: Callable[[], Any],
    other: Callable[[], Any],
    *,
    before: bool = False,
) -> list[Any]:
    """The same at a function: after it, or before."""
    hold, does = Hold(PATIENCE), getattr(module, name)

    def do(*args: Any, **details: Any) -> Any:
        if before:
            hold.stop()
        result = does(*args, **details)
        if not before:
            hold.stop()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(module, name, do)
        return hold.run(action, other)
