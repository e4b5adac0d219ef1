"""Session limits, retried transactions and the kinds of database errors that pass by themselves.

1. ``limit_sessions``: no session of the web or of a worker holds up others for long.
2. ``retry_transaction``: a transaction that lost a race, or its connection, runs again where that is safe.
3. ``is_unavailable``: tells an error that passes from one of our own; the buyer reads a page that says so.
4. ``lock_names``: one at a time where there is no row yet to lock.
"""

import functools
import hashlib
import logging
import random
import select
import time
from collections.abc import Callable
from enum import Enum
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import Error, connection, connections, transaction

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 4  # of a transaction that others were in the way of
PATIENCE = 10.0  # seconds, after which no further try begins: a person is waiting
GRACE = 5.0  # seconds beyond the server's own limit, until a server that says nothing is given up
CONNECTING = 20  # psycopg2's status of a connection that is not there yet; it has no name for it


class TransientError(Enum):
    BUSY = "busy"  # rolled back because of others: may be tried again
    LOST = "lost"  # no connection: whether a COMMIT on its way was heard is unknown
    UNAVAILABLE = "unavailable"  # too slow, full, read only, or out of connections


_BUSY_CODES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
# Classes: connection exception, insufficient resources, system error. Codes: shut down, crashed, starting,
# idle in a transaction, cancelled for its time, read only (a standby after a failover).
_LOST_CODES = ("08", "57P01", "57P02", "57P03", "25P03")
_UNAVAILABLE_CODES = ("53", "58", "57014", "25006")
_SQLITE_ERRORS = {
    "is locked": TransientError.BUSY,
    "is full": TransientError.UNAVAILABLE,
    "unable to open database file": TransientError.UNAVAILABLE,
    "disk I/O error": TransientError.UNAVAILABLE,
    "readonly database": TransientError.UNAVAILABLE,
}


def classify_error(error: BaseException | None) -> TransientError | None:
    """The kind of a database error that passes by itself. None: a mistake of ours, or no database error."""
    if not isinstance(error, Error):
        return None
    cause = error.__cause__
    if connection.vendor == "sqlite":
        return next((kind for text, kind in _SQLITE_ERRORS.items() if text in str(error)), None)
    code = getattr(cause, "pgcode", None)
    if code is None:  # the server said nothing: there is no connection
        is_ours = type(cause).__name__ in {"OperationalError", "InterfaceError"}
        return TransientError.LOST if is_ours else None
    if code in _BUSY_CODES:
        return TransientError.BUSY
    if code.startswith(_LOST_CODES):
        return TransientError.LOST
    return TransientError.UNAVAILABLE if code.startswith(_UNAVAILABLE_CODES) else None


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the error passes by itself: nothing is wrong with the request, it may be sent again."""
    return classify_error(error) is not None


def retry_transaction(function: Callable[P, T]) -> Callable[P, T]:
    """Run the function as one transaction, and again when it fails with an error that passes.

    Busy: three more tries; connection lost: one. Inside an outer transaction it runs once, because only the
    whole could be repeated.

    Needs: a function that begins by looking whether its work is done already; after a connection that broke
    during COMMIT nobody knows, and the second run finds out. It may call no gateway
    (``assert_no_transaction``).
    """
    whole = transaction.atomic(function)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.in_atomic_block:
            return whole(*args, **kwargs)
        tries = _Tries(function.__qualname__)
        while True:
            try:
                return whole(*args, **kwargs)
            except Error as error:
                if not tries.may_go_on(error):
                    raise

    return run


class _Tries:
    """The failed tries of one call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = time.monotonic()
        self.busy = self.lost = 0

    def may_go_on(self, error: Error) -> bool:
        """Whether the call may be tried once more. Sleeps before it returns True."""
        match classify_error(error):
            case TransientError.BUSY:
                self.busy += 1
                wait = random.uniform(0.01, 0.05) * 2**self.busy  # noqa: S311 - no secret
                goes_on = self.busy < TRIES
            case TransientError.LOST:
                connection.close()
                self.lost += 1
                wait = random.uniform(0.3, 0.9)  # noqa: S311 - a server that restarts needs a moment
                goes_on = self.lost == 1
            case _:
                return False
        if not goes_on or time.monotonic() - self.began > PATIENCE:
            return False
        logger.warning("%s is tried again: %s", self.name, str(error).partition("\n")[0])
        time.sleep(wait)
        return True


def limit_sessions(kind: str) -> None:
    """Give new connections of this process the limits of ``settings.DATABASE_LIMITS[kind]`` (seconds).

    Called where web and worker processes begin. A process that does not call it, such as a migration, may
    take its time.
    """
    if connection.vendor != "postgresql":
        return
    limits: dict[str, int] = settings.DATABASE_LIMITS[kind]
    options = connection.settings_dict["OPTIONS"]
    ours = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
    options["options"] = (
        f"{ours} {settings.DATABASE_SESSION_OPTIONS}".strip()
    )  # the address has the last word
    _give_up_on_silence(float(options["connect_timeout"]), limits["statement_timeout"] + GRACE)


def _give_up_on_silence(connecting: float, answering: float) -> None:
    """Bound the wait for a server that vanished without a word, or stands still. Units: seconds."""
    import psycopg2  # type: ignore[import-untyped]
    from psycopg2 import extensions

    def wait(session: Any) -> None:
        seconds = connecting if session.status == CONNECTING else answering
        deadline = time.monotonic() + seconds
        poller = select.poll()
        while (state := session.poll()) != extensions.POLL_OK:
            poller.register(session, select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
            is_limited = "statement_timeout" in session.dsn
            left = max(0.0, deadline - time.monotonic()) * 1000 if is_limited else None
            if not poller.poll(left):
                raise psycopg2.OperationalError(f"the database has said nothing for {seconds:.0f} s")

    extensions.set_wait_callback(wait)


def lock_names(*names: str) -> None:
    """Wait until no other transaction holds one of these names, and hold them until this one ends.

    What others have committed before is seen by the next statement. Needs a transaction; on SQLite that is
    the lock already, for each of ours begins as a writer.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("lock_names() belongs inside the transaction that it guards")
    if locks := name_locks(*names):
        with connection.cursor() as cursor:
            cursor.execute(locks)


def name_locks(*names: str) -> str:
    """The statements with which ``lock_names`` does so, to be sent together with what they guard."""
    if connection.vendor != "postgresql":
        return ""
    digests = (hashlib.sha256(name.encode()).digest() for name in names)
    numbers = {int.from_bytes(digest[:8], "big", signed=True) for digest in digests}
    # Sorted: two that need the same names do not wait for each other.
    return "".join(f"SELECT pg_advisory_xact_lock({number});" for number in sorted(numbers))


class OpenTransaction(Exception):
    """A database transaction was open when another machine was about to be called."""


def assert_no_transaction() -> None:
    """Raise OpenTransaction if a transaction is open: a slow peer would hold its locks.

    Called before every outgoing call. The transaction that wraps a test does not count.
    """
    for each in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in each.atomic_blocks):
            raise OpenTransaction
