"""Money under review, and how it ends: after some minutes of the shop's clock, or by an act."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from payments.sandbox import scheduler
from payments.sandbox.faults import registry as faults

from . import faults as paypal_faults
from .documents import Document
from .errors import Refusal

_CAPTURE, _REFUND = "paypal-review", "paypal-refund-review"


def reviewed(capture: Document) -> tuple[Document, str]:
    """A new capture as it is ordered to begin, and the event that tells of it."""
    fault = faults.take("paypal", "capture", partial(paypal_faults.names_of, capture), {"pending"})
    if fault is None:
        return capture, "PAYMENT.CAPTURE.COMPLETED"
    faults.note(fault, status=201)
    _appoint(_CAPTURE, capture["custom_id"], fault)
    reviewed = capture | {"status": "PENDING", "status_details": {"reason": fault["reason"]}}
    return reviewed, "PAYMENT.CAPTURE.PENDING"


def refund_status(capture: Document) -> str:
    """The status in which a new refund is ordered to begin."""
    fault = faults.take("paypal", "refund", partial(paypal_faults.names_of, capture), {"pending"})
    if fault is None:
        return "COMPLETED"
    faults.note(fault, status=201)
    _appoint(_REFUND, capture["custom_id"], fault)
    return "PENDING"


def _appoint(name: str, reference: str, fault: faults.Fault) -> None:
    if fault["minutes"]:
        scheduler.appoint(name, f"{reference} {fault['then']}", seconds=fault["minutes"] * 60)


@scheduler.when_due(_CAPTURE)
def end_review(subject: str) -> None:
    from .dashboard import decide

    _end(subject, decide)


@scheduler.when_due(_REFUND)
def end_refund_review(subject: str) -> None:
    from .dashboard import decide_refund

    _end(subject, decide_refund)


def _end(subject: str, decide: Callable[[str, str], object]) -> None:
    from .dashboard import NotPossible

    reference, _, outcome = subject.partition(" ")
    with suppress(NotPossible, Refusal):  # somebody has decided otherwise meanwhile
        decide(reference, outcome)
