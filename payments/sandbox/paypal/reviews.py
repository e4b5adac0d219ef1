"""Captures and refunds that begin under review, as a fault orders. ``dashboard`` ends the review."""

from functools import partial

from payments.sandbox import scheduler
from payments.sandbox.faults import registry as faults

from . import faults as paypal_faults
from .documents import Document

CAPTURE_REVIEW, REFUND_REVIEW = "paypal-review", "paypal-refund-review"


def reviewed(capture: Document) -> tuple[Document, str]:
    """Begin a capture as a fault orders; returns it and the event that tells of it."""
    fault = faults.take("paypal", "capture", partial(paypal_faults.names_of, capture), {"pending"})
    if fault is None:
        return capture, "PAYMENT.CAPTURE.COMPLETED"
    faults.note(fault, status=201)
    _appoint(CAPTURE_REVIEW, capture["custom_id"], fault)
    reviewed = capture | {"status": "PENDING", "status_details": {"reason": fault["reason"]}}
    return reviewed, "PAYMENT.CAPTURE.PENDING"


def refund_status(capture: Document) -> str:
    """The status in which a new refund is ordered to begin."""
    fault = faults.take("paypal", "refund", partial(paypal_faults.names_of, capture), {"pending"})
    if fault is None:
        return "COMPLETED"
    faults.note(fault, status=201)
    _appoint(REFUND_REVIEW, capture["custom_id"], fault)
    return "PENDING"


def _appoint(name: str, reference: str, fault: faults.Fault) -> None:
    if fault["minutes"]:
        scheduler.appoint(name, f"{reference} {fault['then']}", seconds=fault["minutes"] * 60)
