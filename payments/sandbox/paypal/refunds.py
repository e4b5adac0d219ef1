"""Payments v2: captures and refunds."""

import datetime as dt
from decimal import Decimal
from typing import Any

from shop import clock

from . import webhooks
from .disputes import open_dispute_of
from .documents import Document, find, keep, link, new_id, now, show_capture, show_refund
from .endpoint import DAYS_45, Exchange, endpoint
from .pending import refund_status
from .refusals import Refusal, Reply
from .shapes import REFUND, check
from .sums import amount_of, money

REFUNDABLE_FOR = dt.timedelta(days=180)


@endpoint("show capture", "GET")
def show(exchange: Exchange, capture_id: str) -> Reply:
    capture = find("capture", capture_id)
    _note(exchange, capture)
    return Reply(200, show_capture(capture))


def _shown(refund_id: str) -> dict[str, Any]:
    return show_refund(find("refund", refund_id))


@endpoint("refund", "POST", key_life=DAYS_45, repeat=_shown)
def create(exchange: Exchange, capture_id: str) -> Reply:
    check(REFUND, exchange.body)
    capture = find("capture", capture_id)
    _note(exchange, capture)
    _check_state(capture)
    amount, status = _amount(exchange.body, capture), refund_status(capture)
    refund = give_back(capture, amount, exchange.body, status=status)
    exchange.facts["amount"] = refund["amount"]["value"]
    event = "PAYMENT.REFUND.PENDING" if status == "PENDING" else "PAYMENT.CAPTURE.REFUNDED"
    webhooks.announce(event, "refund", show_refund(refund))
    return Reply(201, show_refund(refund))


def given_back(capture: Document) -> Decimal:
    """What has left the merchant, or is on its way."""
    refunds = [find("refund", id) for id in find("order", capture["order_id"])["refunds"]]
    counted = [refund for refund in refunds if refund["status"] in {"COMPLETED", "PENDING"}]
    return sum((Decimal(refund["amount"]["value"]) for refund in counted), Decimal(0))


def left_of(capture: Document) -> Decimal:
    return Decimal(capture["amount"]["value"]) - given_back(capture)


def give_back(
    capture: Document, amount: Decimal, given: dict[str, Any] | None = None, *, status: str = "COMPLETED"
) -> Document:
    """Move the money. ``given`` is what the merchant told about it; the dashboard tells nothing."""
    refund = _new_refund(given or {}, capture, amount, total=given_back(capture) + amount) | {
        "status": status
    }
    if status == "PENDING":
        refund["status_details"] = {"reason": "ECHECK"}
    keep("refund", refund)
    order = find("order", capture["order_id"])
    order["refunds"].append(refund["id"])
    keep("order", order)
    show_what_is_left(capture)
    return refund


def show_what_is_left(capture: Document) -> None:
    """A capture's status follows its refunds."""
    left = left_of(capture)
    if left == 0:
        capture["status"] = "REFUNDED"
    elif left < Decimal(capture["amount"]["value"]):
        capture["status"] = "PARTIALLY_REFUNDED"
    else:
        capture["status"] = "COMPLETED"
    keep("capture", capture)


@endpoint("show refund", "GET")
def show_one(exchange: Exchange, refund_id: str) -> Reply:
    refund = find("refund", refund_id)
    _note(exchange, find("capture", refund["capture_id"]))
    return Reply(200, show_refund(refund))


def _check_state(capture: Document) -> None:
    if capture["status"] == "REFUNDED":
        raise Refusal(422, "CAPTURE_FULLY_REFUNDED")
    if open_dispute_of(capture):
        raise Refusal(422, "TRANSACTION_DISPUTED")
    if capture["status"] == "PENDING":
        raise Refusal(422, "PENDING_CAPTURE")
    if capture["status"] not in {"COMPLETED", "PARTIALLY_REFUNDED"}:
        raise Refusal(422, "REFUND_NOT_ALLOWED")
    if clock.now() > dt.datetime.fromisoformat(capture["create_time"]) + REFUNDABLE_FOR:
        raise Refusal(422, "REFUND_TIME_LIMIT_EXCEEDED")


def _amount(body: dict[str, Any], capture: Document) -> Decimal:
    """What to give back: all that is left if nothing is said."""
    left = left_of(capture)
    if "amount" not in body:
        return left
    amount = amount_of(body["amount"], "/amount", decimals_issue="DECIMALS_NOT_SUPPORTED")
    if body["amount"]["currency_code"] != capture["amount"]["currency_code"]:
        raise Refusal(422, "REFUND_CAPTURE_CURRENCY_MISMATCH", "/amount/currency_code")
    if amount == 0:
        raise Refusal(422, "CANNOT_BE_ZERO_OR_NEGATIVE", "/amount/value")
    if amount > left:
        raise Refusal(422, "REFUND_AMOUNT_EXCEEDED", "/amount/value")
    return amount


def _new_refund(body: dict[str, Any], capture: Document, amount: Decimal, *, total: Decimal) -> Document:
    id, currency = new_id(), capture["amount"]["currency_code"]
    given: dict[str, Any] = {
        name: body[name] for name in ("custom_id", "invoice_id", "note_to_payer") if name in body
    }
    return {
        "id": id,
        "capture_id": capture["id"],
        "status": "COMPLETED",
        "amount": money(amount, currency),
        "seller_payable_breakdown": {
            "gross_amount": money(amount, currency),
            "paypal_fee": money(Decimal(0), currency),
            "net_amount": money(amount, currency),
            "total_refunded_amount": money(total, currency),
        },
        **given,
        "create_time": now(),
        "links": [
            link(f"/v2/payments/refunds/{id}", "self"),
            link(f"/v2/payments/captures/{capture['id']}", "up"),
        ],
    }


def _note(exchange: Exchange, capture: Document) -> None:
    exchange.facts |= {
        "order_id": capture["order_id"],
        "capture_id": capture["id"],
        "references": [capture["custom_id"]] if "custom_id" in capture else [],
        "amount": capture["amount"]["value"],
        "currency": capture["amount"]["currency_code"],
    }
