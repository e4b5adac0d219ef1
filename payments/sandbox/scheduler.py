"""What falls due at a moment of the shop's clock: a held notification, the end of a review.

``run_due`` does it: a tick each second, and the gateways before each answer, so that a clock that jumps takes
everything with it. Appointments are documents: they survive a restart.
"""

import logging
import threading
from collections.abc import Callable

from shop import clock

from . import store

KIND = "appointment"
logger = logging.getLogger(__name__)
_actions: dict[str, Callable[[str], None]] = {}


def when_due(name: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Register what keeps appointments of this name. It gets their subject and runs in a transaction of the
    store, so it sends nothing itself: ``store.after(0, …)`` does.
    """

    def register(action: Callable[[str], None]) -> Callable[[str], None]:
        _actions[name] = action
        return action

    return register


def appoint(name: str, subject: str, *, seconds: float) -> None:
    """Make an appointment. A new one for the same replaces the old one."""
    at = clock.now().timestamp() + seconds
    store.put(KIND, f"{name} {subject}", {"name": name, "subject": subject, "at": at})


def cancel(name: str, subject: str) -> bool:
    return store.remove(KIND, f"{name} {subject}")


def is_appointed(name: str, subject: str) -> bool:
    return store.get(KIND, f"{name} {subject}") is not None


def run_due() -> None:
    """Keep every appointment whose time has come. Each is kept once, whoever asks."""
    now = clock.now().timestamp()
    for appointment in store.every(KIND):
        name, subject = appointment["name"], appointment["subject"]
        if appointment["at"] > now:
            continue
        with store.transaction():  # a crash in between leaves the appointment
            if cancel(name, subject):
                _actions[name](subject)


class Ticker(threading.Thread):
    """Looks every so many seconds, until it is stopped."""

    def __init__(self, seconds: float = 1.0) -> None:
        super().__init__(daemon=True)
        self._seconds = seconds
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(self._seconds):
            try:
                run_due()
            except Exception:  # the next appointments are to be kept all the same
                logger.exception("An appointment of the sandbox failed.")

    def stop(self) -> None:
        self._is_over.set()
        self.join()
