"""The heart of payments against the real stand-in over HTTP.

Whatever comes, in any order, any number of times: one paid order, or the money back.
"""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, make_service, place
from payments import refunds, services
from payments.gateways.base import Captured, Declined, GatewayError, Pending, Started, Unfinished
from payments.models import LedgerEntry, Payment, Refund
from shop.models import OutboxMessage

pytest_plugins = ["payments.tests.paypal_fixtures"]
pytestmark = pytest.mark.django_db

PAYPAL, CARD, PAGE = Payment.Method


@pytest.fixture
def gateway(paypal, monkeypatch):
    """The PayPal adapter, judged, in front of the stand-in."""
    for module in (services, refunds):
        monkeypatch.setattr(module, "get_gateway", lambda code: paypal)
    return paypal


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
    assert services.settle(payment).status == Payment.Status.AWAITING  # nobody has approved yet
    approve(payment.approve_url)
    for _ in range(3):
        payment = services.settle(payment)
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
    with pytest.raises(services.Changed):
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
        payment = services.settle(payment)
    assert payment.status == Payment.Status.CAPTURING
    assert payment.next_check_at is not None
    with pytest.raises(services.InProgress):
        start(order, PAGE)
    payment = services.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID
    assert books(order) == [order.total]


def test_switching_the_method_supersedes_the_first_attempt_which_is_then_never_captured(
    gateway, order, approve, monkeypatch
):
    first = start(order)
    monkeypatch.setattr(gateway, "captures", True, raising=False)
    second = services._attempt(order.pk, method=PAGE, revision=order.revision, card=None)
    first.refresh_from_db()
    assert first.status == Payment.Status.SUPERSEDED
    assert second.status == Payment.Status.CREATED
    approve(first.approve_url)
    assert services.settle(first).status == Payment.Status.SUPERSEDED
    assert books(order) == []


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
    payment = services.settle(payment)
    order.refresh_from_db()
    assert payment.needs_attention
    assert order.status == Order.Status.PENDING
    assert books(order) == []
    assert not Refund.objects.exists()


def test_late_money_revives_an_expired_order_while_its_goods_are_there(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    late = gateway.capture(services.purchase_of(payment))
    with transaction.atomic():
        checkout.expire(checkout.lock(order.pk))
    assert isinstance(late, Captured)
    payment = services.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_late_money_for_sold_goods_is_given_back_once_with_a_mail(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    gateway.capture(services.purchase_of(payment))
    with transaction.atomic():
        checkout.expire(checkout.lock(order.pk))
    tea = order.lines.get(kind="goods").variant
    tea.on_hand = 0
    tea.save()
    for _ in range(2):
        services.settle(payment)
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
        checkout.expire(checkout.lock(order.pk))
    approve(payment.approve_url)
    services.settle(payment)
    assert books(order) == []


def test_expiry_asks_first_and_finds_the_money(gateway, order, approve):
    payment = start(order)
    approve(payment.approve_url)
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")
    services.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_expiry_waits_while_the_gateway_cannot_be_asked(gateway, order, monkeypatch):
    start(order)
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")

    def fail(*_):
        raise GatewayError("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "fetch", fail, raising=False)
        services.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
    services.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED


def test_money_under_review_is_not_paid_until_the_gateway_says_so(gateway, order, approve, monkeypatch):
    payment = start(order)
    approve(payment.approve_url)
    capture = gateway.capture

    def pending(purchase):
        return Pending(capture(purchase).reference, "PENDING_REVIEW")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", pending, raising=False)
        services.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.UNDER_REVIEW
    assert not OutboxMessage.objects.filter(topic="mail.order_confirmation").exists()
    services.settle(payment)
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_a_card_whose_outcome_is_unknown_blocks_a_second_payment(order, monkeypatch):
    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            raise GatewayError("timeout")

        def fetch(self, purchase):
            return Unfinished("05")

    monkeypatch.setattr(services, "get_gateway", lambda code: Bank())
    from payments.gateways.base import EncryptedCard

    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    assert payment.status == Payment.Status.CAPTURING
    assert services.settle(payment).status == Payment.Status.CAPTURING
    with pytest.raises(services.InProgress):
        start(order, PAYPAL)
    again = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    assert again.pk == payment.pk


def test_a_card_is_sent_once_though_the_first_process_died_before_hearing_the_answer(order, monkeypatch):
    sent = []

    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            sent.append(purchase.reference)
            return Started(f"card-{purchase.reference}")

        def fetch(self, purchase):
            return Captured("Q1", purchase.reference, purchase.amount, purchase.currency, payee_matches=True)

    monkeypatch.setattr(services, "get_gateway", lambda code: Bank())
    from payments.gateways.base import EncryptedCard

    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    services.settle(payment)
    order.refresh_from_db()
    assert len(sent) == 1
    assert (order.status, order.paid_card_last4) == (Order.Status.PAID, "0048")


def test_of_two_attempts_in_one_second_the_later_one_counts(gateway, order):
    first = start(order)
    second = services._attempt(order.pk, method=PAGE, revision=order.revision, card=None)
    Payment.objects.update(started_at=first.started_at)
    assert order.payments.first() == second


def test_an_old_attempt_that_is_declined_does_not_reopen_an_order_under_review(gateway, order, monkeypatch):
    """Else the buyer could pay again while the second attempt's money is being checked."""
    first = start(order)
    second = services._attempt(order.pk, method=PAGE, revision=order.revision, card=None)
    services._record(second, Pending("C1", "PENDING_REVIEW"))
    services._record(first, Declined("INVALID_RESOURCE_ID"))
    order.refresh_from_db()
    assert order.status == Order.Status.UNDER_REVIEW
    services._record(second, Declined("DENIED"))
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
