"""The heart of payments against the real stand-in over HTTP.

Whatever comes, in any order, any number of times: one paid order, or the money back.
"""

import datetime as dt

import pytest

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments import tasks
from payments.attempts import closing, outcomes, services, settlement
from payments.gateways.base import (
    Captured,
    Declined,
    EncryptedCard,
    GatewayError,
    Pending,
)
from payments.models import Payment, Refund
from payments.models import payment as attempts
from payments.tests.attempts.scenes import books, start
from shop import clock
from shop.background import breakers
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db

PAYPAL, CARD, PAGE = Payment.Method


def test_an_approved_payment_is_captured_and_pays_the_order_however_often_it_is_settled(
    gateway, order, approve
):
    payment = start(order)
    assert payment.status == Payment.Status.AWAITING
    assert settlement.settle(payment).status == Payment.Status.AWAITING  # nobody has approved yet
    approve(payment.approve_url)
    for _ in range(3):
        payment = settlement.settle(payment)
    order.refresh_from_db()
    assert payment.status == Payment.Status.CAPTURED
    assert order.status == Order.Status.PAID
    assert books(order) == [order.total]
    assert OutboxMessage.objects.filter(topic="mail.order_confirmation").count() == 1


def test_many_clicks_on_pay_are_one_attempt(gateway, order):
    attempts = {start(order).pk for _ in range(5)}
    assert len(attempts) == 1
    assert Payment.objects.count() == 1


def test_a_stale_revision_never_pays(gateway, order):
    with pytest.raises(services.OrderChanged):
        services.pay(order.pk, method=PAYPAL, revision=order.revision + 1)
    assert not Payment.objects.exists()


def test_an_unreachable_gateway_leaves_an_attempt_that_the_next_click_goes_on_with(
    gateway, order, monkeypatch
):
    def fail(*_):
        raise GatewayError("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "start", fail, raising=False)
        payment = start(order)
    assert (payment.status, payment.claimed_until) == (Payment.Status.CREATED, None)
    again = start(order)
    assert again.pk == payment.pk
    assert again.status == Payment.Status.AWAITING
    assert again.create_key == payment.create_key


@pytest.mark.failure("F09", "F31")
def test_a_lost_answer_to_the_capture_is_unknown_not_failed_and_never_a_second_capture(
    gateway, order, approve, monkeypatch
):
    payment = start(order)
    approve(payment.approve_url)
    captured = gateway.capture

    def capture_and_lose_the_answer(purchase):
        captured(purchase)
        raise GatewayError("reset")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", capture_and_lose_the_answer, raising=False)
        payment = settlement.settle(payment)
    assert payment.status == Payment.Status.CAPTURING
    assert payment.next_check_at is not None
    with pytest.raises(services.InProgress):
        start(order, PAGE)
    payment = settlement.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID
    assert books(order) == [order.total]


@pytest.mark.failure("F54")
def test_switching_the_method_supersedes_the_first_attempt_which_is_then_never_captured(
    gateway, order, approve, monkeypatch
):
    first = start(order)
    monkeypatch.setattr(gateway, "captures", True, raising=False)
    second = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    first.refresh_from_db()
    assert first.status == Payment.Status.SUPERSEDED
    assert second.status == Payment.Status.CREATED
    approve(first.approve_url)
    assert settlement.settle(first).status == Payment.Status.SUPERSEDED
    assert books(order) == []


@pytest.mark.failure("F33")
def test_money_under_review_is_not_paid_until_the_gateway_says_so(gateway, order, approve, monkeypatch):
    payment = start(order)
    approve(payment.approve_url)
    capture = gateway.capture

    def pending(purchase):
        return Pending(capture(purchase).reference, "PENDING_REVIEW")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", pending, raising=False)
        settlement.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.UNDER_REVIEW
    assert not OutboxMessage.objects.filter(topic="mail.order_confirmation").exists()
    settlement.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_of_two_attempts_in_one_second_the_later_one_counts(gateway, order):
    first = start(order)
    second = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    Payment.objects.update(started_at=first.started_at)
    assert order.payments.first() == second


def test_an_old_attempt_that_is_declined_does_not_reopen_an_order_under_review(gateway, order, monkeypatch):
    """Else the buyer could pay again while the second attempt's money is being checked."""
    first = start(order)
    second = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    outcomes.record(second, Pending("C1", "PENDING_REVIEW"))
    outcomes.record(first, Declined("INVALID_RESOURCE_ID"))
    order.refresh_from_db()
    assert order.status == Order.Status.UNDER_REVIEW
    outcomes.record(second, Declined("DENIED"))
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING


def test_a_claim_that_lapsed_is_not_ended_by_its_first_holder(order):
    payment = services.get_or_create_attempt(order.pk, method=PAYPAL, revision=order.revision)
    with payment.claim() as first:
        Payment.objects.update(claimed_until="2020-01-01T00:00:00Z")
        second = payment.claim()
        assert (first, second.__enter__()) == (True, True)
        taken = Payment.objects.get().claimed_until
    assert Payment.objects.get().claimed_until == taken
    second.__exit__(None, None, None)
    assert Payment.objects.get().claimed_until is None


def test_what_was_under_review_and_is_denied_can_be_paid_again_and_the_buyer_is_told(
    gateway, order, approve, deliver_outbox, mailoutbox
):
    payment = start(order)
    outcomes.record(payment, Pending("C1", "PENDING_REVIEW"))
    Order.objects.update(hold_until="2020-01-01T00:00:00Z")  # two days have gone by
    outcomes.record(payment, Declined("DENIED"))
    closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
    deliver_outbox()
    told = next(mail for mail in mailoutbox if "not accepted" in mail.subject)
    assert "No money was taken" in told.body
    assert start(order).pk != payment.pk


def test_when_an_order_is_paid_no_other_attempt_stays_live(gateway, order, approve):
    first = start(order)
    Payment.objects.update(status=Payment.Status.SUPERSEDED)
    second = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    approve(first.approve_url)
    gateway.capture(services.purchase_of(first))
    settlement.settle(first)
    second.refresh_from_db()
    assert second.status == Payment.Status.SUPERSEDED


def test_when_an_order_is_paid_an_attempt_that_is_taking_money_goes_on_until_its_outcome_is_known(
    gateway, order, approve
):
    """The money of the attempt that was given up comes late, while the card is being charged."""
    first = start(order)
    second = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    services.begin_card_charge(second, EncryptedCard("a", "b", "1", "0048"))
    approve(first.approve_url)
    gateway.capture(services.purchase_of(first))
    settlement.settle(first)
    order.refresh_from_db()
    second.refresh_from_db()
    assert (order.status, second.status) == (Order.Status.PAID, Payment.Status.CAPTURING)
    assert second.next_check_at is not None
    outcomes.record(
        second, Captured("Q1", second.reference, second.amount, second.currency, payee_matches=True)
    )
    assert Refund.objects.get().payment == second


def test_a_silent_gateway_is_asked_a_few_times_per_sweep_and_soon_again(gateway, monkeypatch):
    asked = []

    def fail(purchase):
        asked.append(purchase.reference)
        raise GatewayError("timeout")

    for number in range(6):
        start(place(make_cart((make_goods(f"TEA-80{number}", on_hand=5), 1))))
    Payment.objects.update(next_check_at="2020-01-01T00:00:00Z")
    monkeypatch.setattr(gateway, "fetch", fail, raising=False)
    tasks.sweep()
    assert len(asked) == breakers.PATIENCE
    soon = clock.now() + attempts.UNREACHABLE_WAIT
    assert Payment.objects.filter(problem=attempts.UNREACHABLE, next_check_at__lte=soon).count() == 3
    for _ in range(3):
        breakers.of("paypal")._open_until = clock.now()
        tasks.sweep()
    assert len(set(asked)) == 6  # those that were left come first


def test_a_changed_cart_waits_while_money_of_its_order_may_be_on_its_way(monkeypatch):
    cart = make_cart((make_goods(on_hand=5), 2))
    order = place(cart)
    payment = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    services.begin_card_charge(payment, EncryptedCard("a", "b", "1", "0048"))
    with pytest.raises(checkout.AlreadyOrdered) as fact:
        place(cart, email="other@example.com")
    assert fact.value.order == order
    assert Order.objects.count() == 1


def test_a_capture_whose_process_died_is_asked_about_within_a_minute_however_late_the_approval(
    gateway, order
):
    payment = start(order)
    Payment.objects.update(checks=6, next_check_at=clock.now() + dt.timedelta(minutes=30))
    assert settlement._may_capture(payment)
    payment.refresh_from_db()
    assert payment.next_check_at <= clock.now() + dt.timedelta(seconds=50)
