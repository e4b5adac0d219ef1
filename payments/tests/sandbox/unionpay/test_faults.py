"""What is ordered to go wrong at UnionPay does go wrong, over real HTTP; its books stay true."""

import uuid
from contextlib import suppress
from decimal import Decimal

import pytest
import requests

from payments.gateways.base import (
    Captured,
    CodeSent,
    Declined,
    GatewayError,
    Refunded,
    RefundRefused,
    Started,
    Unfinished,
)
from payments.gateways.unionpay import client, renew_encryption_certificate
from payments.sandbox import store
from payments.sandbox.faults.kinds import ANSWER_FORGERIES, LINE
from payments.sandbox.unionpay import transactions
from payments.tests.harness.rehearsal import act, arm, disarm, log, struck
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
    notifications_about,
)
from shop import clock
from shop.tests.harness.stacks.stack import wait_for

pytestmark = [pytest.mark.prove, pytest.mark.usefixtures("nothing_armed")]

PURCHASE = {"gateway": "unionpay", "on": "purchase"}
QUERY = {"gateway": "unionpay", "on": "query"}


def books(purchase):
    """The sandbox's own transaction, or None."""
    transactions = [t for t in store.every("unionpay") if t["fields"]["orderId"] == purchase.reference]
    return transactions[0] if transactions else None


# --- the line


@pytest.mark.parametrize("fault", [name for name in LINE if name not in {"slow", "late"}])
def test_the_adapter_calls_every_fault_on_the_line_unknown(
    url, gateway, pay, make_purchase, monkeypatch, fault
):
    monkeypatch.setattr(client, "READ_SECONDS", 0.4)
    purchase = make_purchase()
    number = arm(url, **PURCHASE, fault=fault, reference=purchase.reference)

    with pytest.raises(GatewayError):
        pay(purchase)

    assert struck(url, number)
    monkeypatch.undo()
    did_work = fault in {"error_after", "reset_after", "garbage", "empty"}
    assert (books(purchase) is not None) == did_work
    outcome = decided(gateway, purchase) if did_work else gateway.fetch(purchase)
    assert isinstance(outcome, Captured if did_work else Unfinished)


def test_a_late_answer_comes_after_the_work_and_a_slow_one_before(url, make_purchase, pay, monkeypatch):
    monkeypatch.setattr(client, "READ_SECONDS", 0.4)
    late, slow = make_purchase(), make_purchase()
    arm(url, **PURCHASE, fault="late", seconds=0.6, reference=late.reference)
    arm(url, **PURCHASE, fault="slow", seconds=1.5, reference=slow.reference)  # a busy machine looks late

    for purchase in (late, slow):
        with pytest.raises(GatewayError):
            pay(purchase)

    assert books(late)["code"] == "00"
    assert books(slow) is None
    wait_for(lambda: books(slow), "the slow work")


def test_other_payments_do_not_notice(url, pay, make_purchase):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="error", times=0, reference=purchase.reference)

    assert isinstance(pay()[1], Started)
    with pytest.raises(GatewayError):
        pay(purchase)


def test_the_front_door_can_fail_too(url, gateway, make_purchase, settings):
    settings.UNIONPAY_MODE = "redirect"
    handoff = gateway.start(make_purchase()).handoff
    arm(url, gateway="unionpay", on="front", fault="html")
    arm(url, gateway="unionpay", on="front", fault="code", code="31")

    answers = [
        requests.post(handoff.url, data=handoff.fields, allow_redirects=False, timeout=5) for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [502, 400, 303]
    assert "31" in answers[1].text


# --- codes


@pytest.mark.parametrize("code", ["65", "61", "64", "30", "38", "60"])
@pytest.mark.failure("F32")
def test_a_card_is_refused_on_demand_and_stays_refused(url, gateway, make_purchase, pay, code):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="code", code=code, reference=purchase.reference)

    _, answer = pay(purchase)

    assert isinstance(answer, Declined)
    assert books(purchase)["code"] == code
    assert isinstance(gateway.fetch(purchase), Declined)
    assert log(url, "purchase", purchase.reference)[-1]["status"] == code


def test_a_code_of_the_front_layer_leaves_no_trace(url, pay, make_purchase):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="code", code="06", reference=purchase.reference)

    with suppress(GatewayError):
        pay(purchase)

    assert books(purchase) is None
    assert isinstance(pay(purchase)[1], Started)


def test_a_wrong_code_of_the_text_message_may_be_typed_again(url, gateway, make_purchase, settings):
    settings.UNIONPAY_SMS = True
    purchase = make_purchase()
    assert isinstance(gateway.send_code(purchase, encrypted_card(phone="13800000000")), CodeSent)
    arm(url, **PURCHASE, fault="code", code="71", reference=purchase.reference)
    card = encrypted_card(phone="13800000000", sms_code="111111")

    wrong = gateway.start(purchase, card)
    right = gateway.start(purchase, card)

    assert isinstance(wrong, Declined)
    assert isinstance(right, Started)


def test_the_text_message_can_be_refused(url, gateway, make_purchase, settings):
    settings.UNIONPAY_SMS = True
    purchase = make_purchase()
    arm(url, gateway="unionpay", on="sms", fault="code", code="66", reference=purchase.reference)

    assert isinstance(gateway.send_code(purchase, encrypted_card(phone="13800000000")), Declined)


def test_a_query_can_be_refused(url, gateway, pay):
    purchase, _ = pay()
    arm(url, **QUERY, fault="code", code="37", reference=purchase.reference)

    with suppress(GatewayError):
        assert not isinstance(gateway.fetch(purchase), Captured | Declined)
    assert isinstance(decided(gateway, purchase), Captured)


def refund(gateway, purchase, capture, amount="1.00", **more):
    return gateway.refund(
        purchase,
        capture.reference,
        Decimal(amount),
        **{"key": uuid.uuid4().hex, "started_at": clock.now(), **more},
    )


def test_a_refund_can_be_refused_and_moves_nothing(url, gateway, pay):
    purchase, _ = pay()
    capture = decided(gateway, purchase)
    arm(url, gateway="unionpay", on="refund", fault="code", code="39", reference=purchase.reference)

    assert isinstance(refund(gateway, purchase, capture), RefundRefused)
    assert books(purchase)["refunded"] == 0


# --- unknown


@pytest.mark.parametrize(("then", "end"), [("completed", Captured), ("failed", Declined)])
@pytest.mark.failure("F47")
def test_a_payment_stays_unknown_until_the_shops_clock_says_so(
    url, gateway, make_purchase, pay, until_another_arrives, later, then, end
):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="unknown", code="03", minutes=30, then=then, reference=purchase.reference)

    _, answer = pay(purchase)
    assert isinstance(answer, Started)
    later(minutes=29)
    assert gateway.fetch(purchase) == Unfinished("03")
    until_another_arrives()
    assert notifications_about(purchase) == []
    later(minutes=31)

    assert isinstance(gateway.fetch(purchase), end)
    wait_for(lambda: notifications_about(purchase), "the notification of the outcome")


@pytest.mark.parametrize(("outcome", "end"), [("completed", Captured), ("failed", Declined)])
@pytest.mark.parametrize("then", ["completed", "failed"])
def test_a_payment_that_stays_unknown_for_ever_is_decided_by_an_act(
    url, gateway, make_purchase, pay, later, then, outcome, end
):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="unknown", minutes=0, then=then, reference=purchase.reference)
    pay(purchase)
    later(days=20)
    assert gateway.fetch(purchase) == Unfinished("05")

    act(url, gateway="unionpay", act="decide", reference=purchase.reference, outcome=outcome)

    assert isinstance(gateway.fetch(purchase), end)


def test_a_refund_that_fails_in_the_end_has_moved_nothing(url, gateway, pay, later):
    purchase, _ = pay()
    capture = decided(gateway, purchase)
    arm(
        url,
        gateway="unionpay",
        on="refund",
        fault="unknown",
        minutes=5,
        then="failed",
        reference=purchase.reference,
    )
    key, started = uuid.uuid4().hex, clock.now()

    first = refund(gateway, purchase, capture, key=key, started_at=started)
    later(minutes=6)
    second = refund(gateway, purchase, capture, key=key, started_at=started)

    assert isinstance(first, Unfinished)
    assert isinstance(second, RefundRefused)
    assert books(purchase)["refunded"] == 0
    assert isinstance(refund(gateway, purchase, capture, purchase.amount), Unfinished | Refunded)


def test_a_payment_at_unionpays_own_page_can_stay_unknown(url, gateway, make_purchase, settings, later):
    settings.UNIONPAY_MODE = "redirect"
    purchase = make_purchase()
    handoff = gateway.start(purchase).handoff
    arm(url, gateway="unionpay", on="front", fault="unknown", minutes=10, reference=purchase.reference)
    arrived = requests.post(handoff.url, data=handoff.fields, timeout=5)
    card = {"number": "6250930000000002", "expiry": "12/33", "cvc": "123"}

    paid = requests.post(arrived.url, data=card, timeout=5)

    assert "respCode" in paid.text
    assert gateway.fetch(purchase) == Unfinished("05")
    later(minutes=11)
    assert isinstance(gateway.fetch(purchase), Captured)


# --- untruths


@pytest.mark.parametrize(
    "lie", [{"amount": "1.00"}, {"currency": "USD"}, {"told": "ANOTHER001"}, {"payee": "999999999999999"}]
)
@pytest.mark.failure("F40")
def test_a_payment_tells_untruths_until_they_are_taken_back(url, gateway, make_purchase, pay, lie):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="tamper", reference=purchase.reference, **lie)
    pay(purchase)
    wait_for(lambda: transactions.state(books(purchase)) == "00", "the bank")

    lying = None
    with suppress(GatewayError):
        lying = gateway.fetch(purchase)
    disarm(url)
    true = gateway.fetch(purchase)

    assert (true.amount, true.currency, true.payee_matches) == (purchase.amount, purchase.currency, True)
    assert lying != true


@pytest.mark.parametrize("variant", ANSWER_FORGERIES)
def test_an_answer_without_a_true_signature_is_unknown(url, gateway, make_purchase, pay, variant):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="forged", variant=variant, reference=purchase.reference)

    with pytest.raises(GatewayError):
        pay(purchase)

    assert isinstance(decided(gateway, purchase), Captured)


@pytest.mark.failure("F48")
def test_a_forged_encryption_certificate_is_not_taken(url, gateway):
    arm(url, gateway="unionpay", on="certificate", fault="forged")

    with pytest.raises(GatewayError):
        renew_encryption_certificate()
