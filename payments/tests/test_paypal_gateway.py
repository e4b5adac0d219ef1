"""The adapter against the sandbox over HTTP; PayPal's published API description judges every exchange."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

from payments.gateways.base import Approved, Captured, Declined, Refunded, Started, Unfinished

pytest_plugins = ["payments.tests.paypal_fixtures"]


def test_a_purchase_is_started_approved_captured_and_refunded(paypal, started, approve, parameters):
    purchase, url = started()
    assert paypal.fetch(purchase) == Unfinished("PAYER_ACTION_REQUIRED")
    assert paypal.capture(purchase) == Unfinished("ORDER_NOT_APPROVED")

    back = approve(url)
    assert back.startswith(purchase.return_url + "?token=")
    assert parameters(back)["token"] == purchase.gateway_id
    assert parameters(back)["PayerID"]
    assert paypal.fetch(purchase) == Approved()

    captured = paypal.capture(purchase)
    assert captured == Captured(captured.reference, purchase.reference, Decimal("1234.50"), "HKD", True)
    assert paypal.fetch(purchase) == captured

    refund = {"key": "a" * 32, "started_at": purchase.started_at}
    refunded = paypal.refund(purchase, captured.reference, Decimal("34.50"), **refund)
    assert refunded == Refunded(refunded.reference, Decimal("34.50"), "HKD")
    assert paypal.refund(purchase, captured.reference, Decimal("34.50"), **refund) == refunded


def test_starting_twice_gives_the_same_order(paypal, make_purchase):
    purchase = make_purchase()

    assert paypal.start(purchase) == paypal.start(purchase)
    assert isinstance(paypal.start(purchase), Started)


def test_many_captures_at_once_take_the_money_once(paypal, started, approve):
    purchase, url = started()
    approve(url)

    with ThreadPoolExecutor(6) as pool:
        outcomes = set(pool.map(paypal.capture, [purchase] * 6))

    assert len(outcomes) == 1
    assert isinstance(outcomes.pop(), Captured)


def test_an_order_captured_under_another_key_is_read_not_failed(paypal, started, approve):
    purchase, url = started()
    approve(url)
    captured = paypal.capture(purchase)

    assert paypal.capture(replace(purchase, capture_key="another")) == captured


def test_a_declined_instrument_leaves_the_order_payable(paypal, started, approve):
    purchase, url = started()
    approve(url, funding="declined")

    declined = Declined("INSTRUMENT_DECLINED", retry="same-gateway-page")
    assert paypal.capture(purchase) == declined
    assert paypal.fetch(purchase) == Unfinished("PAYER_ACTION_REQUIRED")

    approve(url)
    assert paypal.capture(purchase) == declined, "PayPal repeats its answer to the old key"
    assert isinstance(paypal.capture(replace(purchase, capture_key="new")), Captured)
