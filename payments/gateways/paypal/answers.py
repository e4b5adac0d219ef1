"""What PayPal tells us, read into the outcomes the shop understands.

Only what is told counts, not what is missing.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from payments.gateways.base import (
    Approved,
    Captured,
    Declined,
    GatewayError,
    Handoff,
    Misconfigured,
    Outcome,
    Pending,
    Purchase,
    Refunded,
    RefundOutcome,
    RefundRefused,
    Started,
    Unfinished,
)

from .money import read_money

ID = re.compile(r"[A-Z0-9]{1,36}")  # of orders, captures and refunds; safe in a path
TRACKER = re.compile(r"[A-Za-z0-9-]{1,100}")  # of what is told of a parcel; safe in a path

# What was given back later was taken before: the capture's amount stays what it was.
_TAKEN = {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}
# PayPal holds money it had already given us, because somebody complains.
CONTESTED = {"BUYER_COMPLAINT", "CHARGEBACK"}
_AFTER_THE_FACT = CONTESTED | {"REFUNDED"}

UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def read_started(body: dict[str, Any]) -> Started:
    """Read a created order and its page for the buyer. There is no page if a repeat finds it approved."""
    gateway_id = str(body.get("id"))
    if not ID.fullmatch(gateway_id):
        raise GatewayError("UNREADABLE_ANSWER", about_one=True)
    try:
        links = {link["rel"]: str(link["href"]) for link in body.get("links", [])}
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER", about_one=True) from None
    if body.get("status") in {"APPROVED", "COMPLETED", "VOIDED"}:
        return Started(gateway_id)
    url = links.get("payer-action") or links.get("approve")
    if not url:
        raise GatewayError("NO_APPROVE_LINK", about_one=True)
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" not in settings.PAYPAL_BUYER_ORIGINS:
        raise Misconfigured("FOREIGN_APPROVE_LINK")  # never send a buyer to a host nobody has vouched for
    return Started(gateway_id, Handoff(url))


def read_trackers(body: dict[str, Any]) -> list[str]:
    """Read the names of the parcels that PayPal shows with the order; cancelled ones are left out."""
    try:
        unit = body["purchase_units"][0] if body.get("purchase_units") else {}
        trackers = unit.get("shipping", {}).get("trackers", [])
        return [str(tracker["id"]) for tracker in trackers if tracker.get("status") != "CANCELLED"]
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER", about_one=True) from None


def read_order(purchase: Purchase, body: dict[str, Any]) -> Outcome:
    """Read what became of the order. Its status proves nothing: COMPLETED is paid only if its capture is."""
    try:
        if body["id"] != purchase.gateway_id:
            raise GatewayError("FOREIGN_ORDER", about_one=True)
        unit = body["purchase_units"][0] if body.get("purchase_units") else {}
        captures = unit.get("payments", {}).get("captures", [])
        outcomes = [_read_capture(unit, capture) for capture in captures]
        return min(outcomes, key=_rank) if outcomes else _read_status(str(body["status"]))
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER", about_one=True) from None


def _rank(outcome: Outcome) -> int:
    """A declined capture may stand next to a later good one."""
    return [Captured, Pending, Unfinished, Declined].index(type(outcome))


def _read_status(status: str) -> Outcome:
    if status == "APPROVED":
        return Approved()
    if status in {"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"}:
        return Unfinished(status)
    if status == "VOIDED":
        return Declined(status)
    raise GatewayError("NO_CAPTURE_TOLD" if status == "COMPLETED" else "UNKNOWN_STATUS", about_one=True)


def _read_capture(unit: dict[str, Any], capture: dict[str, Any]) -> Outcome:
    status = capture["status"]
    reference = capture["id"]
    if not ID.fullmatch(reference):
        raise ValueError("id")
    reason = reason_of(capture)
    if status in _TAKEN or (status == "PENDING" and reason in _AFTER_THE_FACT):
        amount, currency = read_money(capture["amount"])
        return Captured(reference, _our_reference(unit, capture), amount, currency, _payee_matches(unit))
    if status == "PENDING":
        return Pending(reference, reason)
    if status in {"DECLINED", "FAILED"}:
        return Declined(reason or f"CAPTURE_{status}")
    raise ValueError("status")


def reason_of(document: dict[str, Any]) -> str:
    return str(document.get("status_details", {}).get("reason", ""))


def _our_reference(unit: dict[str, Any], capture: dict[str, Any]) -> str:
    """Ours if both of the order's references agree on it; two different ones match no purchase."""
    references = {owner.get(name) for owner in (unit, capture) for name in ("custom_id", "invoice_id")}
    return "/".join(sorted(reference for reference in references if reference))


def _payee_matches(unit: dict[str, Any]) -> bool:
    payee = unit.get("payee", {}).get("merchant_id")
    return not payee or not settings.PAYPAL_MERCHANT_ID or payee == settings.PAYPAL_MERCHANT_ID


def read_refund(body: dict[str, Any]) -> RefundOutcome:
    try:
        status, reference = body["status"], body["id"]
        reason = reason_of(body)
        if status == "COMPLETED" and ID.fullmatch(reference):
            amount, currency = read_money(body["amount"])
            return Refunded(reference, amount, currency)
        if status == "PENDING":
            return Unfinished(reason or "REFUND_PENDING")
        if status in {"FAILED", "CANCELLED"}:
            return RefundRefused(reason or f"REFUND_{status}")
    except UNREADABLE:
        pass
    raise GatewayError("UNREADABLE_ANSWER", about_one=True)


def refund_with_key(order: dict[str, Any], key: str) -> dict[str, Any] | None:
    """The order's refund that carries our key, if PayPal has one."""
    try:
        refunds = order["purchase_units"][0].get("payments", {}).get("refunds", [])
        return next((refund for refund in refunds if refund.get("custom_id") == key), None)
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER", about_one=True) from None
