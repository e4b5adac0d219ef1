"""What PayPal tells about money after it was taken: given back, taken back, complained about."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any, Literal

from payments.gateways.base import DisputeFact, GatewayError, Movement

from .answers import CONTESTED, ID, UNREADABLE, reason_of
from .money import read_money

_REVERSED = "payment reversed"  # PayPal's note of what it takes back; we write none, the dashboard's are free
DISPUTE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # safe in a path


def read_movements(order: dict[str, Any], capture_reference: str) -> tuple[Movement, ...]:
    """Read the money that has left us after a capture: each completed refund that PayPal lists.

    Unverified, because no public text tells how a reversal looks in this list: that it is listed as a refund.
    It is one if its note says so, as in PayPal's notifications, or if its capture gives CHARGEBACK or
    BUYER_COMPLAINT as its reason. A refund that carries our key was asked for by us, whatever the capture
    says. The third sign, the kind of the notification, is not in this list.

    Raises GatewayError while a capture that is called refunded lists less than its amount: something has left
    us, and what it is has still to be told.
    """
    try:
        payments = order["purchase_units"][0].get("payments", {})
        capture = next(each for each in payments.get("captures", []) if each["id"] == capture_reference)
        refunds = [each for each in payments.get("refunds", []) if _is_of(each, capture_reference)]
        good = [refund for refund in refunds if refund["status"] in {"COMPLETED", "PENDING"}]
        refunded = sum((read_money(refund["amount"])[0] for refund in good), Decimal(0))
        if capture["status"] == "REFUNDED" and refunded < read_money(capture["amount"])[0]:
            raise GatewayError("REFUND_NOT_TOLD", about_one=True)
        return tuple(_movement(refund, capture) for refund in refunds if refund["status"] == "COMPLETED")
    except StopIteration:
        raise GatewayError("CAPTURE_NOT_TOLD", about_one=True) from None
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER", about_one=True) from None


def _is_of(refund: dict[str, Any], capture_reference: str) -> bool:
    """Whether it gives back this capture. An order of ours has one; a link may be missing."""
    up = [str(link["href"]) for link in refund.get("links", []) if link.get("rel") == "up"]
    return not up or up[0].rstrip("/").endswith(f"/captures/{capture_reference}")


def _movement(refund: dict[str, Any], capture: dict[str, Any]) -> Movement:
    amount, currency = read_money(refund["amount"])
    if not ID.fullmatch(refund["id"]) or amount <= 0:
        raise ValueError("refund")
    key = str(refund.get("custom_id") or "")
    is_marked = str(refund.get("note_to_payer") or "").strip().casefold() == _REVERSED
    is_ours = bool(key) and key != capture.get("custom_id") and not is_marked
    is_reversal = is_marked or (reason_of(capture) in CONTESTED and not is_ours)
    kind: Literal["refund", "reversal"] = "reversal" if is_reversal else "refund"
    return Movement(refund["id"], kind, amount, currency, key=key if is_ours else "", is_marked=is_marked)


def read_dispute(body: dict[str, Any]) -> DisputeFact:
    """Read a dispute: open until PayPal calls it resolved, also in a status that is not known here."""
    try:
        due = body.get("seller_response_due_date")
        amount, currency = read_money(body["dispute_amount"]) if "dispute_amount" in body else (None, "")
        captures = [each.get("seller_transaction_id") for each in body["disputed_transactions"]]
        if not DISPUTE_ID.fullmatch(body["dispute_id"]):
            raise ValueError("dispute_id")
        return DisputeFact(
            reference=body["dispute_id"],
            captures=tuple(id for id in captures if isinstance(id, str) and ID.fullmatch(id)),
            reason=str(body.get("reason", "")),
            status=str(body["status"]),
            is_open=body["status"] != "RESOLVED",
            opened_at=_moment(body["create_time"]),
            outcome=str(body.get("dispute_outcome", {}).get("outcome_code", "")),
            amount=amount,
            currency=currency,
            respond_until=_moment(due) if due else None,
        )
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER", about_one=True) from None


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        raise ValueError("time zone")
    return moment
