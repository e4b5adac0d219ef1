"""What happens at PayPal without the shop: in the merchant's dashboard, at a bank, by a buyer's complaint.

``reference`` is the shop's reference of the payment (custom_id). Each act is all or nothing, announces its
webhook, and returns the ids it made. ``NotPossible`` says why an act makes no sense now.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from decimal import Decimal
from typing import Any

from payments.sandbox import scheduler, store

from . import disputes, webhooks
from .documents import (
    Document,
    add_refund,
    find,
    is_expired,
    keep,
    now,
    refundable,
    show_capture,
    show_refund,
    update_status,
)
from .errors import Refusal
from .reviews import CAPTURE_REVIEW, REFUND_REVIEW

REASONS = {
    "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED",
    "UNAUTHORISED",
    "CREDIT_NOT_PROCESSED",
    "DUPLICATE_TRANSACTION",
    "INCORRECT_AMOUNT",
    "OTHER",
}
# Outcome -> whether the buyer gets the money.
OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": True,
    "ACCEPTED": True,
    "RESOLVED_SELLER_FAVOUR": False,
    "CANCELED_BY_BUYER": False,
    "DENIED": False,
}


# By what a reversal is known: the refund's note, the kind of its webhook, the reason of its capture.
SIGNS = frozenset({"note", "webhook", "reason"})


class NotPossible(Exception):
    """The reason, in one line."""


def dashboard_refund(
    reference: str, amount: Decimal | None = None, *, status: str = "COMPLETED"
) -> dict[str, Any]:
    """Give money back as the merchant in PayPal's dashboard: all that is left, or ``amount``.

    With ``status="PENDING"`` it waits for ``decide_refund``.
    """
    with store.transaction():
        capture = _captured(reference)
        refund = add_refund(capture, _part(capture, amount), status=status)
        event = "PAYMENT.REFUND.PENDING" if status == "PENDING" else "PAYMENT.CAPTURE.REFUNDED"
        webhooks.announce(event, "refund", show_refund(refund))
    return {"capture": capture["id"], "refund": refund["id"], "amount": refund["amount"]["value"]}


def decide_refund(reference: str, outcome: str) -> dict[str, Any]:
    """End a pending refund: ``completed`` or ``failed``."""
    status, event = {
        "completed": ("COMPLETED", "PAYMENT.CAPTURE.REFUNDED"),
        "failed": ("FAILED", "PAYMENT.REFUND.FAILED"),
    }.get(outcome, ("", ""))
    if not status:
        raise NotPossible(f"unknown outcome {outcome}")
    with store.transaction():
        capture = _capture(reference)
        refunds = [find("refund", id) for id in find("order", capture["order_id"])["refunds"]]
        refund = next((each for each in refunds if each["status"] == "PENDING"), None)
        if refund is None:
            raise NotPossible("no refund is pending")
        del refund["status_details"]
        keep("refund", refund | {"status": status})
        update_status(capture)
        webhooks.announce(event, "refund", show_refund(find("refund", refund["id"])))
    return {"capture": capture["id"], "refund": refund["id"], "status": status}


def reversal(reference: str, amount: Decimal | None = None, sign: str = "all") -> dict[str, Any]:
    """Take the money back as PayPal or the buyer's bank: all that is left, or ``amount``.

    ``sign``: the only one of ``SIGNS`` by which it can be known; without it, it looks like a refund.
    """
    with store.transaction():
        capture = _captured(reference)
        signs = SIGNS if sign == "all" else {sign}
        refund = _take_back(capture, _part(capture, amount), "CHARGEBACK", signs)
    return {"capture": capture["id"], "refund": refund["id"], "amount": refund["amount"]["value"]}


def dispute(reference: str, reason: str = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED") -> dict[str, Any]:
    """Open a complaint of the buyer. PayPal holds the money until the dispute is resolved."""
    if reason not in REASONS:
        raise NotPossible(f"unknown reason {reason}")
    with store.transaction():
        capture = _captured(reference)
        if disputes.open_dispute_of(capture):
            raise NotPossible("a dispute is open already")
        new = disputes.new_dispute(capture, reason)
        disputes.keep(new)
        if capture["status"] == "COMPLETED":
            keep("capture", capture | {"status": "PENDING", "status_details": {"reason": "BUYER_COMPLAINT"}})
        webhooks.announce("CUSTOMER.DISPUTE.CREATED", "dispute", disputes.show_dispute(new))
    return {"capture": capture["id"], "dispute": new["dispute_id"]}


def escalate_dispute(reference: str) -> dict[str, Any]:
    """Turn the buyer's complaint into a claim that PayPal looks into."""
    with store.transaction():
        running = _open_dispute(_capture(reference))
        running |= {"status": "UNDER_REVIEW", "dispute_life_cycle_stage": "CHARGEBACK"}
        disputes.keep(running)
        webhooks.announce("CUSTOMER.DISPUTE.UPDATED", "dispute", disputes.show_dispute(running))
    return {"dispute": running["dispute_id"]}


def resolve_dispute(reference: str, outcome: str = "RESOLVED_SELLER_FAVOUR") -> dict[str, Any]:
    """End the complaint by one of ``OUTCOMES``. If the buyer is right, the rest of the money goes back."""
    if outcome not in OUTCOMES:
        raise NotPossible(f"unknown outcome {outcome}")
    with store.transaction():
        capture = _capture(reference)
        running = _open_dispute(capture)
        running |= {"status": "RESOLVED", "dispute_outcome": {"outcome_code": outcome}}
        running.pop("seller_response_due_date", None)
        if OUTCOMES[outcome] and refundable(capture):
            running["dispute_outcome"]["amount_refunded"] = running["dispute_amount"]
            _take_back(capture, refundable(capture), "BUYER_COMPLAINT")
        else:
            capture.pop("status_details", None)
            update_status(capture)
        disputes.keep(running)
        webhooks.announce("CUSTOMER.DISPUTE.RESOLVED", "dispute", disputes.show_dispute(running))
    return {"capture": capture["id"], "dispute": running["dispute_id"]}


def review(reference: str, reason: str = "PENDING_REVIEW") -> dict[str, Any]:
    """Put a capture under review before its money counts."""
    with store.transaction():
        capture = _capture(reference)
        capture |= {"status": "PENDING", "status_details": {"reason": reason}}
        keep("capture", capture)
        webhooks.announce("PAYMENT.CAPTURE.PENDING", "capture", show_capture(capture))
    return {"capture": capture["id"]}


def decide(reference: str, outcome: str) -> dict[str, Any]:
    """End the review of a capture: ``completed`` or ``denied``."""
    status = {"completed": "COMPLETED", "denied": "DECLINED"}.get(outcome)
    if status is None:
        raise NotPossible(f"unknown outcome {outcome}")
    with store.transaction():
        capture = _capture(reference)
        if capture["status"] != "PENDING":
            raise NotPossible("the payment is not under review")
        capture.pop("status_details", None)
        capture["status"] = status
        keep("capture", capture)
        webhooks.announce(f"PAYMENT.CAPTURE.{outcome.upper()}", "capture", show_capture(capture))
    return {"capture": capture["id"], "status": status}


def reverse_approval(reference: str) -> dict[str, Any]:
    """Undo an approval that was not captured in time; the order is gone."""
    with store.transaction():
        order = _order(reference)
        if order["status"] != "APPROVED" or is_expired(order):
            raise NotPossible("the payment is not approved")
        order["approval_reversed"] = True
        keep("order", order)
        unit = {name: order["unit"][name] for name in ("custom_id", "invoice_id") if name in order["unit"]}
        resource = {"order_id": order["id"], "purchase_units": [{"reference_id": "default", **unit}]}
        webhooks.announce("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", resource)
    return {"order": order["id"], "at": now()}


@scheduler.when_due(CAPTURE_REVIEW)
def end_review(subject: str) -> None:
    """End the review of a capture; ``subject`` is "reference outcome"."""
    _end(subject, decide)


@scheduler.when_due(REFUND_REVIEW)
def end_refund_review(subject: str) -> None:
    """End the review of a refund; ``subject`` is "reference outcome"."""
    _end(subject, decide_refund)


def _end(subject: str, decide: Callable[[str, str], object]) -> None:
    reference, _, outcome = subject.partition(" ")
    with suppress(NotPossible, Refusal):  # somebody has decided otherwise meanwhile
        decide(reference, outcome)


def _take_back(capture: Document, amount: Decimal, reason: str, signs: Collection[str] = SIGNS) -> Document:
    if "reason" in signs:
        capture["status_details"] = {"reason": reason}
    taken = add_refund(capture, amount, {"note_to_payer": "Payment reversed"} if "note" in signs else {})
    event = "PAYMENT.CAPTURE.REVERSED" if "webhook" in signs else "PAYMENT.CAPTURE.REFUNDED"
    webhooks.announce(event, "refund", show_refund(taken))
    return taken


def _part(capture: Document, amount: Decimal | None) -> Decimal:
    left = refundable(capture)
    if amount is not None and not 0 < amount <= left:
        raise NotPossible(f"only {left} is left")
    return left if amount is None else amount


def _order(reference: str) -> Document:
    """The payment's order; of several the one that was paid."""
    orders = [order for order in store.every("paypal-order") if order["unit"].get("custom_id") == reference]
    if not orders:
        raise NotPossible("no such payment")
    return max(orders, key=lambda order: len(order["captures"]))


def _capture(reference: str) -> Document:
    order = _order(reference)
    if not order["captures"]:
        raise NotPossible("nothing has been paid")
    return find("capture", order["captures"][-1])


def _captured(reference: str) -> Document:
    """A capture of which something is left."""
    capture = _capture(reference)
    under_review = capture["status"] == "PENDING" and not disputes.open_dispute_of(capture)
    if under_review or capture["status"] not in {"COMPLETED", "PENDING", "PARTIALLY_REFUNDED"}:
        raise NotPossible(f"the payment is {capture['status'].lower().replace('_', ' ')}")
    return capture


def _open_dispute(capture: Document) -> Document:
    running = disputes.open_dispute_of(capture)
    if running is None:
        raise NotPossible("no dispute is open")
    return running
