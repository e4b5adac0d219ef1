"""What is to happen to a notification on its way: lost, late, out of turn, many times, forged."""

from collections.abc import Callable, Iterable
from typing import Any

from payments.sandbox import scheduler, store

from . import registry as faults

REORDER_SECONDS = 5  # an overtaken notification waits so long for the next one, in real time
OPERATIONS = {"paypal": "webhook", "unionpay": "notification"}
_TIMING = {"lost", "delay", "reorder"}
_HELD = "held-notification"


def plan(gateway: str, subject: str, names: Iterable[str], *, event: str = "") -> dict[str, Any]:
    """Asked once, before the first transmission. The plan belongs into the notification's own document:

    ``lost``: never send; ``copies``; ``variant`` of the first one if that is forged. See also ``is_held``.
    """
    turn = store.next_number("notification")
    plan: dict[str, Any] = {"planned": True, "turn": turn, "lost": False, "copies": 1, "variant": ""}
    for among in (_TIMING, {"duplicate"}, {"forged"}):
        fault = faults.take(gateway, OPERATIONS[gateway], names, among, event=event)
        if fault is None:
            continue
        faults.note(fault, status=0, event=event)
        if fault["fault"] == "lost":
            plan["lost"] = True
        elif fault["fault"] in {"delay", "reorder"}:
            _hold(gateway, subject, fault, turn)
        plan["copies"] = fault.get("copies", plan["copies"])
        plan["variant"] = fault.get("variant", plan["variant"])
    return plan


def sent(gateway: str, turn: int) -> None:
    """Note that a notification has left: whatever it was to overtake may follow."""
    for held in store.every(_HELD):
        if held["gateway"] == gateway and held["fault"] == "reorder" and held["turn"] < turn:
            release(gateway, held["subject"])


def release(gateway: str, subject: str) -> None:
    """Send a held notification now; nothing if it has been."""
    if store.remove(_HELD, f"{gateway} {subject}"):
        scheduler.cancel(f"{gateway}-notification", subject)
        store.after(0, _senders[gateway], subject)


def is_held(gateway: str, subject: str) -> bool:
    return store.get(_HELD, f"{gateway} {subject}") is not None


def sender(gateway: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Register what sends a released notification."""

    def register(send: Callable[[str], None]) -> Callable[[str], None]:
        _senders[gateway] = send
        scheduler.when_due(f"{gateway}-notification")(lambda subject: release(gateway, subject))
        return send

    return register


@faults.on_disarm_all
def release_all() -> None:
    for held in store.every(_HELD):
        release(held["gateway"], held["subject"])


def resume() -> None:
    """Release what waited for the next notification: after a restart nothing waits any more."""
    for held in store.every(_HELD):
        if held["fault"] == "reorder":
            release(held["gateway"], held["subject"])


def _hold(gateway: str, subject: str, fault: faults.Fault, turn: int) -> None:
    held = {"gateway": gateway, "subject": subject, "fault": fault["fault"], "turn": turn}
    store.put(_HELD, f"{gateway} {subject}", held)
    if fault["fault"] == "delay":
        scheduler.appoint(f"{gateway}-notification", subject, seconds=fault["seconds"])
    else:
        store.after(REORDER_SECONDS, release, gateway, subject)


_senders: dict[str, Callable[[str], None]] = {}
