"""Money that a person must look at, and what becomes of it once they have decided."""

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import decisions, movements, settlement
from payments.gateways.base import (
    GatewayError,
    Misconfigured,
)
from payments.models import GatewayEvent, Payment, Refund
from payments.tests.attempts.scenes import books, start
from payments.webhooks import inbox
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


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


def test_a_capture_that_is_booked_for_another_payment_pays_nothing_and_calls_a_person(
    gateway, order, approve, monkeypatch
):
    first = start(order)
    approve(first.approve_url)
    first = settlement.settle(first)
    other = place(make_cart((make_goods("TEA-901", on_hand=5), 1)))
    second = start(other)
    approve(second.approve_url)
    capture, booked = gateway.capture, {"reference": first.capture_reference}
    monkeypatch.setattr(
        gateway, "capture", lambda purchase: replace(capture(purchase), **booked), raising=False
    )
    second = settlement.settle(second)
    other.refresh_from_db()
    assert second.needs_attention
    assert "belongs to another payment" in second.problem
    assert OutboxMessage.objects.filter(topic="mail.payment_alarm").count() == 1
    assert other.status == Order.Status.UNDER_REVIEW
    assert (books(other), second.pays_order) == ([], False)
    assert books(order) == [order.total]


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


def test_only_staff_can_help_is_told_to_staff_once_a_day(gateway, order, monkeypatch):
    def refuse(*_):
        raise Misconfigured("PERMISSION_DENIED")

    monkeypatch.setattr(gateway, "start", refuse, raising=False)
    for _ in range(3):
        start(order)
    assert OutboxMessage.objects.filter(topic="mail.payment_alarm").count() == 1


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
