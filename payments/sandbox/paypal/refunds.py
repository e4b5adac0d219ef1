"""Payments v2: captures and refunds."""

import datetime as dt
from decimal import Decimal
from typing import Any

from shop import clock

from . import webhooks
from .amounts import amount_of
from .api import DAYS_45, Exchange, endpoint
from .disputes import open_dispute_of
from .documents import Document, add_refund, find, refundable, show_capture, show_refund
from .errors import Refusal, Reply
from .reviews import refund_status
from .schemas import REFUND, check

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
    refund = add_refund(capture, amount, exchange.body, status=status)
    exchange.facts["amount"] = refund["amount"]["value"]
    event = "PAYMENT.REFUND.PENDING" if status == "PENDING" else "PAYMENT.CAPTURE.REFUNDED"
    webhooks.announce(event, "refund", show_refund(refund))
    return Reply(201, show_refund(refund))


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
    left = refundable(capture)
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


def _note(exchange: Exchange, capture: Document) -> None:
    exchange.facts |= {
        "order_id": capture["order_id"],
        "capture_id": capture["id"],
        "references": [capture["custom_id"]] if "custom_id" in capture else [],
        "amount": capture["amount"]["value"],
        "currency": capture["amount"]["currency_code"],
    }
