"""Orders whose hold is over: money that comes late, and expiry that asks first."""

import pytest
from django.db import transaction

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import closing, services, settlement
from payments.gateways.base import (
    Captured,
    GatewayError,
)
from payments.models import Payment, Refund
from payments.refunds import services as refunds
from payments.tests.attempts.scenes import books, start
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


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


def test_expiry_waits_while_another_process_is_asking(gateway, order):
    payment = start(order)
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")
    with payment.claim():
        closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING
