"""Answers of PayPal that are ordered to go wrong do go wrong, over real HTTP."""

import uuid
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest

from payments.gateways.base import Captured, Declined, GatewayError, Pending, Refunded
from payments.sandbox import store
from payments.sandbox.faults.kinds import ISSUES
from payments.tests.harness.rehearsal import act, arm, disarm, struck
from shop import clock

pytestmark = [pytest.mark.prove, pytest.mark.usefixtures("nothing_armed")]

CAPTURE = {"gateway": "paypal", "on": "capture"}
SHOW = {"gateway": "paypal", "on": "show"}


# --- PayPal's answers


@pytest.mark.failure("F32")
def test_an_ordered_refusal_of_a_capture_takes_no_money(sandbox, order, captures_of, approve):
    for number, (issue, status) in enumerate(ISSUES["capture"].items()):
        if store.get("paypal-order", order.purchase.gateway_id)["status"] != "APPROVED":  # declined just now
            approve(f"{sandbox}/checkoutnow?token={order.purchase.gateway_id}")
        arm(sandbox, **CAPTURE, fault="decline", issue=issue)

        refused = order("POST", "/capture", f"k{number}")

        assert (refused.status_code, refused.json()["details"][0]["issue"]) == (status, issue)
        assert captures_of(order.purchase) == [], issue


def test_a_declined_instrument_leads_the_buyer_back_to_paypal(sandbox, paypal, approved, approve):
    purchase = approved()
    arm(sandbox, **CAPTURE, fault="decline")

    declined = paypal.capture(purchase)

    assert isinstance(declined, Declined)
    assert store.get("paypal-order", purchase.gateway_id)["status"] == "PAYER_ACTION_REQUIRED"
    approve(f"{sandbox}/checkoutnow?token={purchase.gateway_id}")
    assert isinstance(paypal.capture(replace(purchase, capture_key=uuid.uuid4().hex)), Captured)


def test_a_final_refusal_stays_with_its_key_and_a_passing_one_does_not(sandbox, order):
    arm(sandbox, **CAPTURE, fault="decline", issue="TRANSACTION_REFUSED")
    assert [order("POST", "/capture", "k1").status_code for _ in range(2)] == [422, 422]

    arm(sandbox, **CAPTURE, fault="decline", issue="ORDER_COMPLETION_IN_PROGRESS")
    assert [order("POST", "/capture", "k2").status_code for _ in range(2)] == [422, 201]


def test_a_decline_waits_for_a_capture_that_could_succeed(sandbox, paypal, started, approve):
    purchase, url = started()
    arm(sandbox, **CAPTURE, fault="decline")

    paypal.capture(purchase)  # not approved yet
    approve(url)

    assert isinstance(paypal.capture(purchase), Declined)


@pytest.mark.parametrize("on", ["create", "refund"])
def test_an_order_or_a_refund_is_refused_on_demand(sandbox, paypal, approved, make_purchase, on):
    purchase = approved()
    capture = paypal.capture(purchase)
    for issue, status in ISSUES[on].items():
        number = arm(sandbox, gateway="paypal", on=on, fault="decline", issue=issue)
        with suppress(GatewayError):
            if on == "create":
                paypal.start(make_purchase())
            else:
                paypal.refund(
                    purchase,
                    capture.reference,
                    Decimal("1.00"),
                    key=uuid.uuid4().hex,
                    started_at=clock.now(),
                )
        assert struck(sandbox, number)[0]["status"] == status, issue
    assert store.get("paypal-order", purchase.gateway_id)["refunds"] == []


@pytest.mark.parametrize(("then", "event"), [("completed", "COMPLETED"), ("denied", "DENIED")])
@pytest.mark.failure("F33")
def test_money_under_review_is_decided_when_the_shops_clock_says_so(
    sandbox, paypal, approved, inbox, later, then, event
):
    purchase = approved()
    arm(sandbox, **CAPTURE, fault="pending", reason="ECHECK", minutes=30, then=then)

    assert paypal.capture(purchase).reason == "ECHECK"
    inbox("PAYMENT.CAPTURE.PENDING", purchase.reference)
    later(minutes=29)
    assert isinstance(paypal.fetch(purchase), Pending)
    later(minutes=31)
    inbox(f"PAYMENT.CAPTURE.{event}", purchase.reference)

    assert isinstance(paypal.fetch(purchase), Captured if then == "completed" else Declined)


def test_a_clock_that_jumps_is_seen_by_the_very_next_question(sandbox, paypal, approved, later):
    purchase = approved()
    arm(sandbox, **CAPTURE, fault="pending", minutes=60 * 24 * 2)
    paypal.capture(purchase)

    later(days=2, minutes=1)

    assert isinstance(paypal.fetch(purchase), Captured)


def test_a_review_without_an_end_waits_for_the_act(sandbox, paypal, approved, later):
    purchase = approved()
    arm(sandbox, **CAPTURE, fault="pending", minutes=0)
    paypal.capture(purchase)
    later(days=30)
    assert isinstance(paypal.fetch(purchase), Pending)

    act(sandbox, gateway="paypal", act="decide", reference=purchase.reference, outcome="completed")

    assert isinstance(paypal.fetch(purchase), Captured)


def test_a_refund_can_be_left_open_and_fail(sandbox, paypal, approved, inbox, later):
    purchase = approved()
    capture = paypal.capture(purchase)
    arm(sandbox, gateway="paypal", on="refund", fault="pending", minutes=10, then="failed")
    args = {"key": uuid.uuid4().hex, "started_at": clock.now()}

    told = paypal.refund(purchase, capture.reference, Decimal("1.00"), **args)
    later(minutes=11)
    inbox("PAYMENT.REFUND.FAILED", capture.reference)

    assert not isinstance(told, Refunded)
    (refund,) = store.get("paypal-order", purchase.gateway_id)["refunds"]
    assert store.get("paypal-refund", refund)["status"] == "FAILED"


@pytest.mark.parametrize(
    ("lie", "differs"),
    [
        ({"amount": "1.00"}, lambda told, true: told.amount == Decimal("1.00") != true.amount),
        ({"currency": "USD"}, lambda told, true: told.currency == "USD" != true.currency),
        ({"told": "ANOTHER1"}, lambda told, true: told != true),
        ({"payee": "ANTHERMERCHNT"}, lambda told, true: told != true),
    ],
    ids=["amount", "currency", "reference", "payee"],
)
@pytest.mark.failure("F40")
def test_a_payment_tells_untruths_until_they_are_taken_back(
    sandbox, paypal, approved, lie, differs, captures_of
):
    purchase, other = approved(), approved()
    arm(sandbox, **CAPTURE, fault="tamper", reference=purchase.reference, **lie)

    lies = [paypal.capture(purchase), paypal.fetch(purchase)]
    assert isinstance(paypal.capture(other), Captured)
    disarm(sandbox)
    true = paypal.fetch(purchase)

    assert isinstance(true, Captured)
    assert all(differs(told, true) for told in lies)
    (taken,) = captures_of(purchase)
    assert store.get("paypal-capture", taken)["amount"]["value"] == str(purchase.amount)


def test_a_single_answer_may_lie(sandbox, order):
    arm(sandbox, **SHOW, fault="tamper", amount="9.99")

    amounts = [order().json()["purchase_units"][0]["amount"]["value"] for _ in range(2)]

    assert amounts == ["9.99", "1234.50"]
