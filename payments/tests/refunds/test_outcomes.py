"""Refunds that the gateway does not answer, or refuses, or may undo instead."""

import datetime as dt

import pytest
from django.db import transaction

from checkout.models import StockMovement
from payments.gateways.base import GatewayError, Refunded, RefundRefused
from payments.models import Refund
from payments.models.payment import InvalidTransition
from payments.refunds import services as refunds
from payments.refunds.plan import (
    TooMuch,
    refundable_of,
)
from payments.tests.harness.refund_scenes import (
    SHIPPING,
    TEA,
    TOTAL,
    ask_for,
    assert_books_agree,
    at_paypal,
    give,
    silent,
    some,
    tea_of,
)
from shop import clock
from shop.background import outbox
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


# --- the gateway does not answer, or refuses ---


@pytest.mark.failure("F45")
def test_a_refund_without_an_answer_is_unknown_and_repeated_with_the_same_key(
    order, payment, gateway, monkeypatch
):
    refund = ask_for(order, some(order, tea=2))
    with monkeypatch.context() as patch:
        asked = silent(gateway, patch, after_work=True)
        for _ in range(2):
            with pytest.raises(GatewayError):
                refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.CREATED
    assert payment.refundable_amount == TOTAL - TEA
    refunds.execute_refund(refund.pk)
    order.refresh_from_db()
    assert asked == [refund.key] * 2
    assert at_paypal(payment) == order.refunded_total == TEA
    assert_books_agree(order)


@pytest.mark.failure("F45")
def test_the_outbox_asks_again_within_five_minutes_however_long_it_lasts(order, gateway, monkeypatch):
    refund = ask_for(order, some(order, tea=2))
    message = OutboxMessage.objects.get(topic="payment.refund")
    waits = []
    with monkeypatch.context() as patch:
        asked = silent(gateway, patch)
        for _ in range(8):
            OutboxMessage.objects.exclude(pk=message.pk).delete()
            OutboxMessage.objects.update(due_at=clock.now() - dt.timedelta(seconds=1))
            assert outbox.deliver_next()
            message.refresh_from_db()
            waits.append((message.due_at - clock.now()).total_seconds())
    assert len(asked) == 8
    assert max(waits) <= 300
    OutboxMessage.objects.update(due_at=clock.now())
    outbox.deliver_next()
    refund.refresh_from_db()
    assert refund.status == Refund.Status.DONE


@pytest.mark.failure("F45")
def test_a_refund_that_is_unknown_for_a_day_calls_a_person_once(order, gateway, monkeypatch):
    refund = ask_for(order, some(order, tea=2))
    Refund.objects.update(started_at=clock.now() - dt.timedelta(hours=25))
    silent(gateway, monkeypatch)
    for _ in range(3):
        with pytest.raises(GatewayError):
            refunds.execute_refund(refund.pk)
    alarms = OutboxMessage.objects.filter(topic="mail.payment_alarm")
    assert [alarm.payload["note"].endswith("still unknown") for alarm in alarms] == [True]


def refused(order, wanted, gateway, monkeypatch, code="REFUND_FAILED_INSUFFICIENT_FUNDS"):
    refund = ask_for(order, wanted)
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "refund", lambda *_, **__: RefundRefused(code), raising=False)
        refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    return refund


def test_a_refused_refund_moves_nothing_and_calls_a_person_who_can_try_again_once(
    order, payment, gateway, monkeypatch
):
    refund = refused(order, some(order, tea=2, shipping=SHIPPING), gateway, monkeypatch)
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, refund.problem) == ("failed", "REFUND_FAILED_INSUFFICIENT_FUNDS")
    assert payment.needs_attention
    assert order.refunded_total == 0
    assert OutboxMessage.objects.filter(topic="mail.payment_alarm").count() == 1
    assert refunds.can_be_retried(refund)

    again = {refunds.retry_refund(refund, actor="mei").pk for _ in range(3)}
    assert not refunds.can_be_retried(refund)
    refunds.execute_refund(*again)
    order.refresh_from_db()
    payment.refresh_from_db()
    assert order.refunded_total == at_paypal(payment) == TEA + SHIPPING
    assert tea_of(order).is_refunded
    assert (payment.needs_attention, payment.problem) == (False, "")
    assert StockMovement.objects.filter(kind="return").count() == 1
    assert_books_agree(order)


def test_only_what_was_definitely_refused_is_tried_under_a_new_key(order):
    refund = ask_for(order, some(order, tea=2))
    with pytest.raises(refunds.NotRefused):
        refunds.retry_refund(refund, actor="mei")
    refunds.execute_refund(refund.pk)
    with pytest.raises(refunds.NotRefused):
        refunds.retry_refund(refund, actor="mei")


def test_what_has_gone_back_otherwise_meanwhile_is_not_tried_again(order, gateway, monkeypatch):
    refund = refused(order, some(order, tea=2), gateway, monkeypatch)
    give(order, some(order, tea=1))
    with pytest.raises(TooMuch):
        refunds.retry_refund(refund, actor="mei")


def test_the_gateway_has_the_last_word_about_a_refund_that_it_refused_first(order, gateway, monkeypatch):
    refund = refused(order, some(order, tea=2), gateway, monkeypatch)
    with transaction.atomic():
        refunds.record_done(refund, Refunded("R-LATE", TEA, "HKD"))
    assert_books_agree(order)
    with pytest.raises(InvalidTransition):
        Refund.objects.get().move_to(Refund.Status.CREATED)


@pytest.mark.parametrize(
    ("old", "new"),
    [(old, new) for old in Refund.Status for new in Refund.Status if new not in Refund.TRANSITIONS[old]],
)
def test_a_forbidden_move_of_a_refund_is_refused(order, old, new):
    refund = ask_for(order, some(order, tea=1))
    Refund.objects.update(status=old)
    refund.refresh_from_db()
    with pytest.raises(InvalidTransition):
        refund.move_to(new)
    refund.refresh_from_db()
    assert refund.status == old


def test_the_whole_of_an_untouched_capture_may_be_undone_at_every_repetition_alike(
    order, payment, gateway, monkeypatch
):
    told = []

    def listen(*_, captured_at=None, **__):
        told.append(captured_at)
        raise GatewayError("timeout")

    monkeypatch.setattr(gateway, "refund", listen, raising=False)
    whole = ask_for(order, refundable_of(order).everything())
    for _ in range(2):
        with pytest.raises(GatewayError):
            refunds.execute_refund(whole.pk)
        Refund.objects.create(
            payment=payment, origin="gateway", amount=1, status="done", started_at=clock.now()
        )
    assert told == [payment.captured_at] * 2


def test_a_part_and_what_is_left_after_it_are_never_undone(order, payment, gateway, monkeypatch):
    give(order, some(order, tea=1))
    told = []
    does = gateway.refund

    def listen(*args, captured_at=None, **details):
        told.append(captured_at)
        return does(*args, **details)

    monkeypatch.setattr(gateway, "refund", listen, raising=False)
    give(order, refundable_of(order).everything())
    assert told == [None]
