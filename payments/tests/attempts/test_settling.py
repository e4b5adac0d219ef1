"""The heart of payments against the real stand-in over HTTP.

Whatever comes, in any order, any number of times: one paid order, or the money back.
"""

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, make_service, place
from payments import tasks
from payments.attempts import closing, decisions, movements, outcomes, services, settlement
from payments.gateways import override
from payments.gateways.base import (
    Captured,
    Declined,
    EncryptedCard,
    GatewayError,
    Misconfigured,
    Pending,
    Started,
    Unfinished,
)
from payments.models import GatewayEvent, LedgerEntry, Payment, Refund
from payments.models import payment as attempts
from payments.refunds import services as refunds
from payments.webhooks import inbox
from shop import clock
from shop.models import OutboxMessage

pytest_plugins = ["payments.tests.harness.paypal_fixtures"]
pytestmark = pytest.mark.django_db

PAYPAL, CARD, PAGE = Payment.Method


@pytest.fixture
def gateway(paypal):
    """The PayPal adapter, judged, in front of the stand-in."""
    with override("paypal", paypal):
        yield paypal


@pytest.fixture
def order():
    return place(make_cart((make_goods(on_hand=5), 2), (make_service(), 1)))


def start(order: Order, method=PAYPAL) -> Payment:
    order.refresh_from_db()
    return services.pay(order.pk, method=method, revision=order.revision)


def books(order: Order) -> list[Decimal]:
    return list(LedgerEntry.objects.filter(payment__order=order).values_list("amount", flat=True))


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


@pytest.mark.failure("F40")
@pytest.mark.parametrize(
    "lie",
    [
        {"amount": Decimal("1.00")},
        {"currency": "USD"},
        {"our_reference": "SOMEBODYELSE"},
        {"payee_matches": False},
    ],
)
def test_money_that_does_not_match_pays_nothing_and_calls_a_person(gateway, order, approve, monkeypatch, lie):
    payment = start(order)
    approve(payment.approve_url)
    capture = gateway.capture
    monkeypatch.setattr(gateway, "capture", lambda purchase: replace(capture(purchase), **lie), raising=False)
    payment = settlement.settle(payment)
    order.refresh_from_db()
    assert payment.needs_attention
    assert order.status == Order.Status.UNDER_REVIEW  # it keeps its stock, and nobody is asked to pay again
    assert not Refund.objects.exists()
    assert not payment.pays_order
    is_ours = lie.keys() <= {"amount", "currency"}
    assert len(books(order)) == is_ours  # what we hold stands in the books, whatever it is for
    with suppress(checkout.NotPayable):
        start(order)
    assert Payment.objects.count() == 1


def test_late_money_revives_an_expired_order_while_its_goods_are_there(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    late = gateway.capture(services.purchase_of(payment))
    with transaction.atomic():
        checkout.expire(Order.objects.lock(order.pk))
    assert isinstance(late, Captured)
    payment = settlement.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_late_money_for_sold_goods_is_given_back_once_with_a_mail(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    gateway.capture(services.purchase_of(payment))
    with transaction.atomic():
        checkout.expire(Order.objects.lock(order.pk))
    tea = order.lines.get(kind="goods").variant
    tea.on_hand = 0
    tea.save()
    for _ in range(2):
        settlement.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED
    refund = Refund.objects.get()
    for _ in range(2):
        refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.DONE
    assert sum(books(order)) == 0
    assert OutboxMessage.objects.filter(topic="mail.payment_refunded").count() == 1


def test_an_approval_that_comes_after_the_hold_is_not_captured(gateway, order, approve):
    payment = start(order)
    with transaction.atomic():
        checkout.expire(Order.objects.lock(order.pk))
    approve(payment.approve_url)
    settlement.settle(payment)
    assert books(order) == []


def test_expiry_asks_first_and_finds_the_money(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")
    closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_expiry_waits_while_the_gateway_cannot_be_asked(gateway, order, monkeypatch):
    start(order)
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")

    def fail(*_):
        raise GatewayError("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "fetch", fail, raising=False)
        closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
    closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED


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


def test_a_card_whose_outcome_is_unknown_blocks_a_second_payment(order, unionpay_is):
    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            raise GatewayError("timeout")

        def fetch(self, purchase):
            return Unfinished("05")

    unionpay_is(Bank())

    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    assert payment.status == Payment.Status.CAPTURING
    assert settlement.settle(payment).status == Payment.Status.CAPTURING
    with pytest.raises(services.InProgress):
        start(order, PAYPAL)
    again = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    assert again.pk == payment.pk


def test_a_card_is_sent_once_though_the_first_process_died_before_hearing_the_answer(order, unionpay_is):
    sent = []

    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            sent.append(purchase.reference)
            return Started(f"card-{purchase.reference}")

        def fetch(self, purchase):
            return Captured("Q1", purchase.reference, purchase.amount, purchase.currency, payee_matches=True)

    unionpay_is(Bank())

    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    settlement.settle(payment)
    order.refresh_from_db()
    assert len(sent) == 1
    assert (order.status, order.paid_card_last4) == (Order.Status.PAID, "0048")


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


def late(order: Order) -> None:
    with transaction.atomic():
        checkout.expire(Order.objects.lock(order.pk))


def test_of_two_expired_orders_of_one_cart_late_money_revives_one(gateway, approve):
    cart = make_cart((make_goods(on_hand=5), 2))
    orders, payments = [], []
    for _ in range(2):
        order = place(cart)
        payment = start(order)
        approve(payment.approve_url)
        gateway.capture(services.purchase_of(payment))  # nobody told us
        late(order)
        orders.append(order)
        payments.append(payment)
    for payment in payments:
        settlement.settle(payment)
    for refund in Refund.objects.all():
        refunds.execute_refund(refund.pk)
    for order in orders:
        order.refresh_from_db()
    assert [order.status for order in orders] == [Order.Status.PAID, Order.Status.EXPIRED]
    assert sum(books(orders[1])) == 0


def test_a_card_is_not_charged_for_an_order_that_was_closed_meanwhile(order, unionpay_is):

    charged = []

    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            charged.append(purchase)
            return Started(f"card-{purchase.reference}")

    unionpay_is(Bank())
    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    checkout.cancel(order.pk, actor="staff")
    with pytest.raises(checkout.NotPayable):
        services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    services._start(payment, card)  # the click that had come just before
    assert charged == []


def test_a_card_that_never_left_us_does_not_keep_the_buyer_from_paypal(gateway, order):
    """The process died between storing the attempt and sending the card."""
    first = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    second = start(order, PAYPAL)
    first.refresh_from_db()
    assert (first.status, second.status) == (Payment.Status.SUPERSEDED, Payment.Status.AWAITING)


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


def test_a_declined_card_on_unionpays_page_is_asked_about_again_while_another_may_pay_there(order):
    payment = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    outcomes.record_start(payment, Started(f"page-{payment.reference}"))
    outcomes.record(payment, Declined("60"))
    payment.refresh_from_db()
    assert (payment.status, payment.problem) == (Payment.Status.AWAITING, "60")
    assert payment.next_check_at is not None


def test_a_person_may_accept_too_much_money_or_close_an_alarm_about_none(
    gateway, order, approve, monkeypatch
):
    payment = start(order)
    approve(payment.approve_url)
    capture = gateway.capture
    more = {"amount": order.total + 5}
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", lambda purchase: replace(capture(purchase), **more), raising=False)
        payment = settlement.settle(payment)
    with pytest.raises(decisions.NotDecidable):
        decisions.dismiss(payment, actor="mei")  # there is money: it is accepted or given back
    decisions.accept(payment, actor="mei")
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.needs_attention, payment.pays_order) == (Order.Status.PAID, False, True)
    with pytest.raises(decisions.NotDecidable):
        decisions.accept(payment, actor="mei")


def test_money_of_another_payee_is_closed_by_a_person_and_the_order_can_be_paid_again(
    gateway, order, approve, monkeypatch
):
    payment = start(order)
    approve(payment.approve_url)
    capture = gateway.capture
    with monkeypatch.context() as patch:
        lie = {"payee_matches": False}
        patch.setattr(gateway, "capture", lambda purchase: replace(capture(purchase), **lie), raising=False)
        payment = settlement.settle(payment)
    decisions.dismiss(payment, actor="mei")
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
    assert order.hold_until > clock.now()
    assert start(order).pk != payment.pk


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
    assert len(asked) == tasks.MAX_SILENCE
    soon = clock.now() + attempts.UNREACHABLE_WAIT
    assert Payment.objects.filter(problem=attempts.UNREACHABLE, next_check_at__lte=soon).count() == 3
    tasks.sweep()
    assert len(set(asked)) == 6  # those that were left come first


def test_only_staff_can_help_is_told_to_staff_once_a_day(gateway, order, monkeypatch):
    def refuse(*_):
        raise Misconfigured("PERMISSION_DENIED")

    monkeypatch.setattr(gateway, "start", refuse, raising=False)
    for _ in range(3):
        start(order)
    assert OutboxMessage.objects.filter(topic="mail.payment_alarm").count() == 1


def test_an_approval_is_left_alone_once_its_order_is_closed_although_a_capture_was_tried(
    gateway, order, approve, monkeypatch
):
    payment = start(order)
    approve(payment.approve_url)

    def lose_the_request(purchase):
        raise GatewayError("reset")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", lose_the_request, raising=False)
        settlement.settle(payment)
    checkout.cancel(order.pk, actor="staff")
    assert settlement.settle(payment).status == Payment.Status.SUPERSEDED
    assert books(order) == []


def test_a_changed_cart_waits_while_money_of_its_order_may_be_on_its_way(monkeypatch):
    cart = make_cart((make_goods(on_hand=5), 2))
    order = place(cart)
    payment = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    services.begin_card_charge(payment, EncryptedCard("a", "b", "1", "0048"))
    with pytest.raises(checkout.AlreadyOrdered) as fact:
        place(cart, email="other@example.com")
    assert fact.value.order == order
    assert Order.objects.count() == 1


def test_expiry_waits_while_another_process_is_asking(gateway, order):
    payment = start(order)
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")
    with payment.claim():
        closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING


def test_a_capture_whose_process_died_is_asked_about_within_a_minute_however_late_the_approval(
    gateway, order
):
    payment = start(order)
    Payment.objects.update(checks=6, next_check_at=clock.now() + dt.timedelta(minutes=30))
    assert settlement._may_capture(payment)
    payment.refresh_from_db()
    assert payment.next_check_at <= clock.now() + dt.timedelta(seconds=50)


def test_an_alarm_about_money_that_pays_its_order_is_no_reason_to_take_it_again(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    payment = settlement.settle(payment)
    Payment.objects.update(needs_attention=True)
    with pytest.raises(decisions.NotDecidable):
        decisions.accept(payment, actor="mei")
    assert not Refund.objects.exists()
    decisions.dismiss(payment, actor="mei")
    assert not Payment.objects.get().needs_attention


def test_a_notification_that_can_never_be_followed_up_ends_with_staff(gateway, order, approve, monkeypatch):
    payment = start(order)
    approve(payment.approve_url)
    settlement.settle(payment)
    event = GatewayEvent.objects.create(
        gateway="paypal", event_id="WH-1", received_at=clock.now(), is_verified=True, payment=payment
    )

    def fail(*_):
        raise GatewayError("REFUND_NOT_TOLD")

    monkeypatch.setattr(movements, "sync_movements", fail)
    inbox.process(event)
    assert event.processed_at is None
    event.received_at -= dt.timedelta(days=4)
    inbox.process(event)
    assert event.processed_at is not None
    assert OutboxMessage.objects.filter(topic="mail.payment_alarm").count() == 1
