"""The adapter against the sandbox over HTTP; PayPal's published API description judges every exchange."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
import requests

from payments.gateways.base import (
    Approved,
    Captured,
    Declined,
    Gateway,
    GatewayError,
    Misconfigured,
    Pending,
    Refunded,
    Started,
    Unfinished,
)
from payments.gateways.paypal import PayPal
from payments.sandbox import store
from shop import clock


def test_it_is_a_gateway(paypal):
    gateway: Gateway = paypal

    assert (gateway.code, gateway.captures) == ("paypal", True)


def test_a_purchase_is_started_approved_captured_and_refunded(
    paypal, started, approve, parameters, refund_key
):
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

    refunded = paypal.refund(purchase, captured.reference, Decimal("34.50"), **refund_key)
    assert refunded == Refunded(refunded.reference, Decimal("34.50"), "HKD")
    assert paypal.refund(purchase, captured.reference, Decimal("34.50"), **refund_key) == refunded


@pytest.mark.parametrize(
    "changes",
    [
        {"address": None, "language": "en"},
        {"amount": Decimal("1000.00")},
        {"currency": "JPY", "amount": Decimal("1200"), "shipping": Decimal("0"), "items": ()},
        {"items": ()},
    ],
    ids=["services only", "lines that do not add up", "yen", "no lines"],
)
def test_purchases_of_every_kind_are_paid(captured, changes):
    purchase, capture = captured(**changes)

    assert (capture.amount, capture.currency) == (purchase.amount, purchase.currency)


# --- repeating


def test_starting_twice_gives_the_same_order(paypal, make_purchase):
    purchase = make_purchase()

    first = paypal.start(purchase)

    assert isinstance(first, Started)
    assert paypal.start(purchase) == first


def test_starting_again_after_the_approval_gives_the_order_without_a_page(paypal, started, approve):
    purchase, url = started()
    approve(url)

    assert paypal.start(purchase) == Started(purchase.gateway_id)


def test_many_starts_at_once_make_one_order(paypal, make_purchase):
    purchase = make_purchase()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: paypal.start(purchase).gateway_id, range(6)))) == 1


def test_many_captures_at_once_take_the_money_once(paypal, started, approve):
    purchase, url = started()
    approve(url)

    with ThreadPoolExecutor(6) as pool:
        outcomes = set(pool.map(paypal.capture, [purchase] * 6))

    assert len(outcomes) == 1
    assert isinstance(outcomes.pop(), Captured)


def test_an_order_captured_under_another_key_is_read_not_failed(paypal, captured):
    purchase, capture = captured()

    assert paypal.capture(replace(purchase, capture_key="another")) == capture


def test_a_start_older_than_paypals_memory_is_not_repeated(paypal, make_purchase):
    long_ago = clock.now() - dt.timedelta(hours=6)

    assert paypal.start(make_purchase(started_at=long_ago)) == Declined("START_TOO_OLD")


# --- declined, pending, expired


@pytest.mark.failure("F32")
def test_a_declined_instrument_leaves_the_order_payable(paypal, started, approve):
    purchase, url = started()
    approve(url, funding="declined")

    declined = Declined("INSTRUMENT_DECLINED", retry="same-gateway-page")
    assert paypal.capture(purchase) == declined
    assert paypal.fetch(purchase) == Unfinished("PAYER_ACTION_REQUIRED")

    approve(url)
    assert paypal.capture(purchase) == declined, "PayPal repeats its answer to the old key"
    assert isinstance(paypal.capture(replace(purchase, capture_key="new")), Captured)


def test_after_ten_declines_the_order_is_over(paypal, started, approve):
    purchase, url = started()
    for attempt in range(10):
        approve(url, funding="declined")
        paypal.capture(replace(purchase, capture_key=f"key{attempt}"))
    approve(url)

    over = Declined("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED")
    assert paypal.capture(replace(purchase, capture_key="last")) == over


@pytest.mark.failure("F33")
def test_a_capture_under_review_is_pending_and_cannot_be_refunded_yet(paypal, captured, refund_key):
    purchase, capture = captured()
    document = store.get("paypal-capture", capture.reference)
    store.put(
        "paypal-capture",
        capture.reference,
        {**document, "status": "PENDING", "status_details": {"reason": "PENDING_REVIEW"}},
    )

    assert paypal.fetch(purchase) == Pending(capture.reference, "PENDING_REVIEW")
    refund = paypal.refund(purchase, capture.reference, Decimal("1.00"), **refund_key)
    assert refund == Unfinished("PENDING_CAPTURE")


def test_an_expired_order_is_over(paypal, started, approve, later):
    purchase, url = started()
    later(hours=3, minutes=1)
    gone = Declined("INVALID_RESOURCE_ID")

    assert paypal.fetch(purchase) == gone
    assert paypal.capture(purchase) == gone
    assert requests.get(url, timeout=5).status_code == 410


def test_a_paid_order_does_not_expire(paypal, captured, later):
    purchase, capture = captured()
    later(days=100)

    assert paypal.fetch(purchase) == capture


@pytest.mark.failure("F42")
def test_a_token_that_ended_is_renewed(paypal, captured, later):
    purchase, capture = captured()
    later(hours=10)

    assert paypal.fetch(purchase) == capture


# --- what is not ours, or not sure


def test_a_purchase_that_was_never_started_is_unfinished(paypal, make_purchase):
    assert paypal.fetch(make_purchase()) == Unfinished("NOT_STARTED")
    assert paypal.capture(make_purchase()) == Unfinished("NOT_STARTED")


@pytest.mark.parametrize("gateway_id", ["../../x", "abc", "A B", "A/capture", "A" * 37, "Ａ"])
def test_an_id_that_is_none_never_becomes_a_path(paypal, make_purchase, gateway_id, refund_key):
    purchase = make_purchase(gateway_id=gateway_id)

    for call in (paypal.fetch, paypal.capture):
        with pytest.raises(GatewayError, match="INVALID_RESOURCE_ID"):
            call(purchase)
    with pytest.raises(GatewayError, match="INVALID_RESOURCE_ID"):
        paypal.refund(purchase, gateway_id, Decimal("1.00"), **refund_key)


@pytest.mark.failure("F40")
def test_money_of_another_merchant_is_told_as_such(paypal, captured, settings):
    purchase, capture = captured()
    assert capture.payee_matches

    settings.PAYPAL_MERCHANT_ID = "ANTHERMERCH22"
    assert not paypal.fetch(purchase).payee_matches


def test_one_invoice_is_not_paid_twice(paypal, captured, started, approve):
    first, _ = captured()
    second, url = started(reference=first.reference)
    approve(url)

    with pytest.raises(Misconfigured, match="DUPLICATE_INVOICE_ID") as caught:
        paypal.capture(second)
    assert caught.value.debug_id


def test_wrong_credentials_need_a_person(make_api, make_purchase):
    with pytest.raises(Misconfigured, match="INVALID_CLIENT"):
        PayPal(make_api(client_secret="wrong")).start(make_purchase())


def test_a_foreign_approve_host_is_not_handed_to_the_buyer(paypal, make_purchase, settings):
    settings.PAYPAL_BUYER_ORIGINS = ["https://www.paypal.com"]

    with pytest.raises(Misconfigured, match="FOREIGN_APPROVE_LINK"):
        paypal.start(make_purchase())


class LosingSession(requests.Session):
    """Delivers each request, and loses the answers to those that match."""

    lost = ""

    def send(self, request, **kwargs):
        response = super().send(request, **kwargs)
        if self.lost and self.lost in request.url:
            raise requests.ReadTimeout
        return response


@pytest.mark.failure("F31")
def test_a_capture_whose_answer_was_lost_is_unknown_then_found(make_api, make_purchase, approve):
    session = LosingSession()
    paypal = PayPal(make_api(session=session))
    begun = paypal.start(make_purchase())
    purchase = make_purchase(gateway_id=begun.gateway_id)
    approve(begun.handoff.url)

    session.lost = "/capture"
    with pytest.raises(GatewayError, match="TIMEOUT"):
        paypal.capture(purchase)
    captured = paypal.fetch(purchase)
    session.lost = ""

    assert isinstance(captured, Captured)
    assert paypal.capture(purchase) == captured


@pytest.mark.failure("F30", "F04")
def test_a_start_whose_answer_was_lost_is_repeated_to_the_same_order(make_api, make_purchase):
    session = LosingSession()
    paypal = PayPal(make_api(session=session))
    purchase = make_purchase()

    session.lost = "/orders"
    with pytest.raises(GatewayError, match="TIMEOUT"):
        paypal.start(purchase)
    session.lost = ""

    orders = [
        order for order in store.every("paypal-order") if order["unit"]["custom_id"] == purchase.reference
    ]
    assert paypal.start(purchase).gateway_id == orders[0]["id"]
    assert len(orders) == 1


INVOICE_TAKEN = b'{"name":"UNPROCESSABLE_ENTITY","details":[{"issue":"DUPLICATE_INVOICE_ID"}]}'


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (201, b""),
        (201, b"{}"),
        (201, b'{"id":"5O190127TN364715T","status":"COMPLETED"}'),
        (422, INVOICE_TAKEN),
        (422, INVOICE_TAKEN.replace(b"DUPLICATE_INVOICE_ID", b"ORDER_ALREADY_CAPTURED")),
    ],
)
def test_money_that_a_capture_answer_does_not_tell_is_found_by_asking(
    peer, peer_api, make_purchase, status, answer
):
    capture = {"id": "2GG279541U471931P", "status": "COMPLETED", "custom_id": "R", "invoice_id": "R"}
    capture["amount"] = {"currency_code": "HKD", "value": "1234.50"}
    order = {"id": "5O190127TN364715T", "status": "COMPLETED"}
    order["purchase_units"] = [{"payments": {"captures": [capture]}}]

    def answers(method, path):
        if path.endswith("token"):
            return peer.token
        return (status, {}, answer) if path.endswith("/capture") else (200, {}, json.dumps(order).encode())

    peer.answer = answers

    outcome = PayPal(peer_api).capture(make_purchase(gateway_id="5O190127TN364715T"))

    assert outcome == Captured("2GG279541U471931P", "R", Decimal("1234.50"), "HKD", True)


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (502, b"<html>"), (200, b"<html>"), (429, b""), (302, b"")]
)
@pytest.mark.failure("F30", "F31")
def test_no_fault_of_the_gateway_is_ever_a_decline(peer, peer_api, make_purchase, refund_key, status, body):
    def answers(method, path):
        return peer.token if path.endswith("token") else (status, {"Location": "/"}, body)

    peer.answer = answers
    paypal, purchase = PayPal(peer_api), make_purchase(gateway_id="5O190127TN364715T")

    for call in (paypal.start, paypal.fetch, paypal.capture):
        with pytest.raises(GatewayError):
            call(purchase)
    with pytest.raises(GatewayError):
        paypal.refund(purchase, "2GG279541U471931P", Decimal("1.00"), **refund_key)
