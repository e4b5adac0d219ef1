"""Refunds through the adapter, judged by PayPal's published API description."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from payments.gateways.base import (
    Refunded,
    RefundRefused,
)
from payments.sandbox import store
from shop import clock

# --- refunds


@pytest.mark.failure("F45")
def test_many_refunds_at_once_with_one_key_give_back_once(paypal, captured, refund_key):
    purchase, capture = captured()

    with ThreadPoolExecutor(6) as pool:
        refunds = pool.map(
            lambda _: paypal.refund(purchase, capture.reference, Decimal("10.00"), **refund_key), range(6)
        )

    assert len(set(refunds)) == 1


def test_no_more_is_given_back_than_was_taken(paypal, captured, refund_key):
    purchase, capture = captured()
    paypal.refund(purchase, capture.reference, Decimal("1000.00"), **refund_key)
    other = {**refund_key, "key": uuid.uuid4().hex}

    refused = paypal.refund(purchase, capture.reference, Decimal("234.51"), **other)
    assert refused == RefundRefused("REFUND_AMOUNT_EXCEEDED")
    rest = paypal.refund(purchase, capture.reference, Decimal("234.50"), **other)
    assert rest.amount == Decimal("234.50")
    more = paypal.refund(purchase, capture.reference, Decimal("0.01"), key="more", started_at=clock.now())
    assert more == RefundRefused("CAPTURE_FULLY_REFUNDED")
    assert paypal.fetch(purchase) == capture


@pytest.mark.failure("F43")
def test_money_given_back_before_we_recorded_it_was_captured_in_full(paypal, captured, refund_key):
    purchase, capture = captured()
    paypal.refund(purchase, capture.reference, Decimal("34.50"), **refund_key)

    assert paypal.fetch(purchase) == capture


@pytest.mark.failure("F45")
def test_a_refund_whose_key_paypal_has_forgotten_is_found_not_repeated(paypal, captured, refund_key, later):
    purchase, capture = captured()
    done = paypal.refund(purchase, capture.reference, Decimal("10.00"), **refund_key)
    later(days=46)

    assert paypal.refund(purchase, capture.reference, Decimal("10.00"), **refund_key) == done
    assert len(store.get("paypal-order", purchase.gateway_id)["refunds"]) == 1


def test_an_old_refund_that_was_never_made_is_made(paypal, captured, refund_key, later):
    purchase, capture = captured()
    later(days=46)

    assert isinstance(paypal.refund(purchase, capture.reference, Decimal("10.00"), **refund_key), Refunded)


def test_a_refund_too_late_is_refused(paypal, captured, later):
    purchase, capture = captured()
    later(days=181)
    key = {"key": "late", "started_at": clock.now()}

    refused = paypal.refund(purchase, capture.reference, Decimal("10.00"), **key)
    assert refused == RefundRefused("REFUND_TIME_LIMIT_EXCEEDED")


def test_a_refund_of_an_unknown_capture_is_refused(paypal, captured, refund_key):
    purchase, _ = captured()

    refused = paypal.refund(purchase, "2GG279541U471931P", Decimal("10.00"), **refund_key)
    assert refused == RefundRefused("INVALID_RESOURCE_ID")
