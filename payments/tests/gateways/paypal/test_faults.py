"""PayPal slow, silent, confused or lying: what the shop makes of it, over HTTP."""

import time
from decimal import Decimal

import pytest

from checkout.models import Order
from payments import disputes
from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.gateways.base import GatewayError
from payments.models import Dispute, Payment, Refund
from payments.refunds import services as refunds
from payments.sandbox import store
from payments.sandbox.paypal import dashboard
from payments.tests.harness import rehearsal
from payments.tests.harness.paypal_scenes import awaiting, books, order_of, sent
from shop import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("spoiled_shop")]

# Faults that leave us without an answer; after some of them PayPal has done the work.
UNDONE = ["error", "reset", "html", "hang"]
DONE = ["error_after", "reset_after", "late", "garbage", "empty"]


@pytest.fixture
def arm(sandbox, spoiled_shop):
    def order(on, fault, **parameters):
        if fault in {"hang", "late"}:
            parameters["seconds"] = 1
            spoiled_shop.timeout = (1, 0.5)
        return rehearsal.arm(sandbox, gateway="paypal", on=on, fault=fault, **parameters)

    yield order
    rehearsal.disarm(sandbox)


def orders_at_paypal(payment):
    return [one for one in store.every("paypal-order") if one["unit"]["custom_id"] == payment.reference]


def captures_at_paypal(payment):
    return [capture for order in orders_at_paypal(payment) for capture in order["captures"]]


def refunds_at_paypal(payment):
    return [refund for order in orders_at_paypal(payment) for refund in order["refunds"]]


@pytest.fixture
def approved(approve):
    def pay(number=900):
        payment = awaiting(number)
        approve(payment.approve_url)
        return payment

    return pay


@pytest.fixture
def paid(approved):
    return settlement.settle(approved())


# --- create


@pytest.mark.failure("F30")
@pytest.mark.parametrize("fault", [*UNDONE, "error_after", "reset_after", "late"])
def test_a_start_that_fails_twice_succeeds_in_the_same_request_as_one_order(arm, fault):
    arm("create", fault, times=2)

    payment = awaiting()

    assert (payment.status, bool(payment.approve_url)) == ("awaiting", True)
    assert len(orders_at_paypal(payment)) == 1


@pytest.mark.failure("F30")
@pytest.mark.parametrize("fault", ["error", "reset_after", "hang", "empty"])
def test_a_start_that_goes_on_failing_ends_soon_and_keeps_the_order_payable(arm, sandbox, fault):
    arm("create", fault, times=0)
    started = time.monotonic()
    payment = awaiting()

    assert time.monotonic() - started < 4
    assert (payment.status, order_of(payment).status) == ("created", Order.Status.PENDING)
    rehearsal.disarm(sandbox)
    again = attempts.pay(payment.order_id, method=Payment.Method.PAYPAL, revision=order_of(payment).revision)
    assert (again.pk, again.status) == (payment.pk, "awaiting")
    assert len(orders_at_paypal(payment)) == 1


@pytest.mark.failure("F30")
def test_too_many_questions_are_not_asked_sooner_than_paypal_wishes(arm):
    arm("create", "rate_limit", retry_after=1)
    started = time.monotonic()
    assert awaiting(901).status == "awaiting"
    assert time.monotonic() - started >= 1

    arm("create", "rate_limit", retry_after=3600)
    assert awaiting(902).status == "created"


# --- capture


@pytest.mark.failure("F31", "F09")
@pytest.mark.parametrize("fault", DONE)
def test_a_capture_whose_answer_is_lost_is_found_and_never_made_again(arm, approved, fault):
    payment = approved()
    arm("capture", fault)
    arm("show", "error", times=0)  # the order cannot be read either
    with_hope = settlement.settle(payment)
    assert with_hope.status != "captured"
    assert order_of(payment).status == Order.Status.PENDING


@pytest.mark.failure("F31", "F09")
@pytest.mark.parametrize("fault", DONE)
def test_a_capture_whose_answer_is_lost_is_settled_once_when_paypal_answers_again(arm, approved, fault):
    payment = approved()
    arm("capture", fault)
    for _ in range(3):
        payment = settlement.settle(payment)

    assert payment.status == "captured"
    assert order_of(payment).is_paid
    assert books(payment) == [("capture", str(payment.amount))]
    assert len(captures_at_paypal(payment)) == 1
    assert sent("mail.order_confirmation") == 1


@pytest.mark.failure("F31")
@pytest.mark.parametrize("fault", UNDONE)
def test_a_capture_that_never_arrived_is_made_when_it_is_asked_for_again(arm, approved, fault):
    payment = approved()
    arm("capture", fault, times=2 if fault == "reset" else 1)  # a broken connection is tried once more
    payment = settlement.settle(payment)
    assert (payment.status, captures_at_paypal(payment)) == ("capturing", [])
    with pytest.raises(attempts.InProgress):
        attempts.pay(payment.order_id, method="unionpay-page", revision=order_of(payment).revision)

    payment = settlement.settle(payment)
    assert (payment.status, len(captures_at_paypal(payment))) == ("captured", 1)


@pytest.mark.failure("F32")
def test_a_decline_leaves_the_same_order_to_be_paid_with_another_card(arm, approved, approve):
    payment = approved()
    arm("capture", "decline", issue="INSTRUMENT_DECLINED")
    payment = settlement.settle(payment)
    assert (payment.status, payment.problem) == ("awaiting", "INSTRUMENT_DECLINED")
    assert order_of(payment).status == Order.Status.PENDING

    approve(payment.approve_url)
    assert settlement.settle(payment).status == "captured"
    assert len(captures_at_paypal(payment)) == 1


@pytest.mark.failure("F40")
@pytest.mark.parametrize(
    "lie", [{"amount": "1.00"}, {"currency": "USD"}, {"told": "SOMEBODYELSE"}, {"payee": "ANTHERMERCH22"}]
)
def test_money_that_differs_from_ours_does_not_pay_and_calls_a_person(arm, approved, lie):
    payment = approved()
    arm("capture", "tamper", **lie)
    payment = settlement.settle(payment)

    assert payment.needs_attention
    assert not order_of(payment).is_paid
    assert sent("mail.order_confirmation") == 0
    assert sent("mail.payment_alarm") == 1


@pytest.mark.failure("F42")
@pytest.mark.parametrize("on", ["create", "show", "capture"])
def test_a_token_that_is_refused_once_is_renewed_without_a_second_effect(arm, approve, on):
    arm(on, "unauthorized")
    payment = awaiting()
    approve(payment.approve_url)
    payment = settlement.settle(payment)

    assert payment.status == "captured"
    assert (len(orders_at_paypal(payment)), len(captures_at_paypal(payment))) == (1, 1)


@pytest.mark.failure("F42")
def test_tokens_that_are_refused_for_ever_end_the_question_and_call_a_person(arm, approved, sandbox):
    payment = approved()
    arm("capture", "unauthorized", times=0)
    payment = settlement.settle(payment)

    assert captures_at_paypal(payment) == []
    assert sent("mail.payment_alarm") == 1
    rehearsal.disarm(sandbox)
    assert settlement.settle(payment).status == "captured"


# --- after the capture


@pytest.mark.failure("F45")
@pytest.mark.parametrize("fault", [*UNDONE, *DONE])
def test_a_refund_whose_answer_is_lost_is_given_back_once(arm, paid, fault):
    refund = Refund.objects.create(payment=paid, amount=Decimal("100.00"), started_at=clock.now())
    arm("refund", fault, times=2 if fault.startswith("reset") else 1)
    with pytest.raises(GatewayError):
        refunds.execute_refund(refund.pk)
    refunds.execute_refund(refund.pk)

    assert len(refunds_at_paypal(paid)) == 1
    assert books(paid)[1:] == [("refund", "-100.00")]
    assert sent("mail.payment_refunded") == 1


@pytest.mark.failure("F43")
def test_a_dashboard_refund_waits_while_paypal_cannot_be_asked(arm, paid, sandbox):
    dashboard.dashboard_refund(paid.reference, Decimal(100))
    arm("show", "error", times=0)
    assert not settlement.ask(paid)
    assert len(books(paid)) == 1

    rehearsal.disarm(sandbox)
    assert settlement.ask(paid)
    assert books(paid)[1:] == [("refund", "-100.00")]


@pytest.mark.failure("F44")
@pytest.mark.parametrize("fault", ["error", "hang", "garbage"])
def test_a_dispute_waits_while_paypal_cannot_be_asked(arm, paid, fault):
    reference = dashboard.dispute(paid.reference)["dispute"]
    arm("dispute", fault)
    with pytest.raises(GatewayError):
        disputes.update(reference)
    assert not Dispute.objects.exists()

    disputes.update(reference)
    assert order_of(paid).is_disputed
