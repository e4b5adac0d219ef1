"""What goes wrong on purpose: faults are ordered here and strike when a matching exchange comes by.

The interface for tests and scripts (``payments/tests/rehearsal.py`` speaks it; people use ``/rehearsal/``):

``POST /faults``         ``{"gateway", "on", "fault", "times": 1, "reference": "", …}`` → 201 ``{"id": n}``
``GET /faults``          the armed ones, oldest first → 200 ``{"faults": [{"id": n, "left": 1, …}]}``
``DELETE /faults/<id>``  take one back → 204
``DELETE /faults``       take all back; held notifications go out, payments that lied tell the truth → 204
``POST /acts``           ``{"gateway", "act", "reference", …}`` → 200, see ``control/actions.py``

Bodies are JSON with ``Content-Type: application/json``. Whatever is wrong is answered 400
``{"error": "<member>: <reason>"}``.

``times``      how many exchanges it spoils, then it is spent; 0 = until it is taken back.
``reference``  whose exchanges: our reference of the payment (PayPal custom_id, UnionPay orderId), the
               gateway's own number (PayPal order, capture or refund id, UnionPay queryId), or the order
               number with or without its dash. Empty = everybody's; token and certificate are nobody's.

At most one fault on the line and one in the answer strike the same exchange; of notifications one of timing,
one of number and one of content. Of several the one that was ordered first.

Faults on the line, for every operation but notifications
    PayPal: token, create, show (an order, a capture, a refund), capture, refund, track, verify, dispute.
    UnionPay: front, purchase, sms, query, refund, void, certificate.

``hang`` {seconds: 30}         no work, no answer; drops the connection then, or when the caller gives up
``slow`` {seconds: 3}          waits, then does the work and answers
``late`` {seconds: 3}          does the work, then waits, then answers
``error`` {status: 500}        no work; an error document
``error_after`` {status: 500}  does the work, answers with the error
``reset``                      no work; drops the connection without a byte
``reset_after``                does the work, drops the connection
``rate_limit`` {retry_after: 5}  no work; 429 with Retry-After, null = without that header
``unauthorized``               no work; 401
``html`` {status: 502}         no work; a proxy's page
``garbage`` {status: 200}      does the work; bytes that mean nothing
``empty`` {status: 200}        does the work; no byte in the body

Faults in the answer: of the right form, and signed where the gateway signs

PayPal create, capture, refund: ``decline`` {issue}
    422 (403, 404) with that issue; no money moves. Capture: INSTRUMENT_DECLINED unless said otherwise, which
    leads the buyer back to PayPal as a real one does. Refund: REFUND_FAILED_INSUFFICIENT_FUNDS. Create:
    PAYEE_ACCOUNT_RESTRICTED. ``kinds.ISSUES`` lists them all.
PayPal capture: ``decline`` {leaves: "PAYER_ACTION_REQUIRED"|"APPROVED"}
    What INSTRUMENT_DECLINED makes of the order: it waits for the buyer again, or it keeps the approval and
    could be captured once more at once. Nobody has said which of them PayPal does.
PayPal capture: ``pending`` {reason: "PENDING_REVIEW", minutes: 5, then: "completed"|"denied"}
    Under review for so many minutes of the shop's clock, 0 = until the act ``decide``.
PayPal refund: ``pending`` {minutes: 5, then: "completed"|"failed"}
    The same, 0 = until the act ``decide_refund``.
PayPal capture, show: ``tamper`` {amount, currency, told, payee: at least one of them}
    Other values are told than those of the payment; ``told`` stands in place of our reference. On capture the
    payment lies from then on, in each answer to capture and show, until ``DELETE /faults``; the money was
    taken truly. On show only that answer lies.
UnionPay, every operation but notifications: ``code`` {code: "65"}
    That response code; no money moves. A purchase, refund or void is recorded with it, unless the code is one
    of those that are said before the bank is asked (``unionpay.faults.WITHOUT_TRACE``). On query it is
    the code of the query itself.
UnionPay purchase: ``late_code`` {code: "73"}
    Accepted with 00; moments later the bank says no, in queries and by a notification.
UnionPay purchase, front, refund, void: ``unknown`` {code: "05", minutes: 5, then: "completed"|"failed"}
    Accepted with that code, and queries say so for the minutes, 0 = until the act ``decide``; then it has
    happened, or not. On front it begins when the buyer pays.
UnionPay purchase, front, query: ``tamper`` as above
    On purchase and front every later query about it lies.
UnionPay purchase, sms, query, refund, void, certificate: ``forged`` {variant: "signature"}
    Does the work; the signature of the answer does not hold: signature, certificate, unsigned.

Notifications
    PayPal: on webhook, if wanted only {event: "PAYMENT.CAPTURE.COMPLETED"}. UnionPay: on notification.

``lost``                           never sent
``delay`` {seconds: 60}            of the shop's clock
``reorder``                        held until the gateway has sent another one, or 5 seconds
``duplicate`` {copies: 5}          sent so often in all, at once
``forged`` {variant: "signature"}  arrives forged first; refused, it is sent again as it should be

Each fault that strikes leaves a line in log.jsonl: kind "fault", with on, fault, fault_id, references, and
status (0 = no answer). The other lines of an exchange that a fault on the line spoils carry ``fault`` too, as
does its request (``request.fault``): such an exchange proves nothing about anybody's form.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from payments.sandbox import store

from .kinds import checked

Fault = store.Document
KIND = "fault"
SHORTEST_PREFIX = 8  # of a reference: the order number
_truths: list[Callable[[], None]] = []


class NotPossible(Exception):
    """Why an act makes no sense now, in one line."""


def arm(order: Any) -> int:
    """Order a fault; returns its number. Raises Invalid."""
    fault = checked(order)
    with store.transaction():
        number = store.next_number(KIND)
        store.put(KIND, str(number), {"id": number, "left": fault["times"], **fault})
    store.log(fault["gateway"], "armed", **_told(fault | {"id": number}))
    return number


def armed() -> list[Fault]:
    """The faults that may still strike, oldest first."""
    return sorted(store.every(KIND), key=lambda fault: int(fault["id"]))


def disarm(number: int) -> bool:
    """Take a fault back; whether it was armed."""
    return store.remove(KIND, str(number))


def disarm_all() -> None:
    for fault in armed():
        disarm(fault["id"])
    for restore in _truths:
        restore()


def on_disarm_all(restore: Callable[[], None]) -> Callable[[], None]:
    """Register what undoes the lasting part of a fault."""
    _truths.append(restore)
    return restore


def take(
    gateway: str,
    on: str,
    names: Callable[[], Iterable[str]] | Iterable[str],
    among: Collection[str],
    *,
    event: str = "",
) -> Fault | None:
    """The fault that strikes this exchange, used up by this call; None as a rule.

    ``names`` are the references by which the exchange may be meant; they are only asked for when a fault is
    armed. Inside a transaction of the store the fault stays unspent if that fails.
    """
    with store.transaction():
        candidates = [
            fault
            for fault in armed()
            if (fault["gateway"], fault["on"]) == (gateway, on) and fault["fault"] in among
        ]
        if not candidates:
            return None
        references = {name for name in (names() if callable(names) else names) if name}
        for fault in candidates:
            if is_meant(fault["reference"], references) and fault.get("event", "") in {"", event}:
                _spend(fault)
                return fault | {"names": sorted(references)}
    return None


def note(fault: Fault, *, status: int | str, **more: Any) -> None:
    """Write a line about a fault that strikes into the log."""
    fields = {**_told(fault), "references": fault["names"], "status": status, **more}
    store.log(fault["gateway"], "fault", **fields)


def is_meant(reference: str, names: Collection[str]) -> bool:
    """Whether a fault for this reference concerns an exchange known by these names."""
    prefix = reference.replace("-", "")
    if not prefix or reference in names:
        return True
    return len(prefix) >= SHORTEST_PREFIX and any(name.startswith(prefix) for name in names)


def _spend(fault: Fault) -> None:
    if fault["times"] == 0:
        return
    if fault["left"] <= 1:
        disarm(fault["id"])
    else:
        store.put(KIND, str(fault["id"]), fault | {"left": fault["left"] - 1})


def _told(fault: Fault) -> dict[str, Any]:
    references = [fault["reference"]] if fault["reference"] else []
    return {"on": fault["on"], "fault": fault["fault"], "fault_id": fault["id"], "references": references}
