"""Refunds of the shop through UnionPay: all of a payment is undone on its day, a part is refunded.

Every test ends with the stand-in's own books.
"""

import datetime as dt
from decimal import Decimal

import pytest

from checkout.tests.scenes import make_cart, make_goods, make_service, place
from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.models import Payment, Refund
from payments.refunds import services as refunds
from payments.refunds.plan import plan_refund, refundable_of
from payments.sandbox import store
from payments.tests.harness.refund_scenes import ask_for, assert_books_agree, some
from payments.tests.harness.unionpay_sandbox import (
    encrypted_card,
    until,
)
from shop import clock

pytestmark = pytest.mark.django_db

real_now = clock.now


@pytest.fixture(autouse=True)
def _noon(settings):
    """The clearing day has begun twelve hours ago, whenever the tests run."""
    local = real_now().astimezone(dt.timezone(dt.timedelta(hours=8)))
    settings.UNIONPAY_DAY_ENDS = f"{local + dt.timedelta(hours=12):%H:%M}"


@pytest.fixture
def order(unionpay):
    """Paid with a card: tea, a consultation for two, the shipping fee."""
    placed = place(make_cart((make_goods(on_hand=10), 2), (make_service(), 2)))
    payment = attempts.pay(
        placed.pk, method=Payment.Method.UNIONPAY_CARD, revision=placed.revision, card=encrypted_card()
    )
    until(lambda: (paid := settlement.settle(payment), paid.status == Payment.Status.CAPTURED))
    placed.refresh_from_db()
    return placed


@pytest.fixture
def later(monkeypatch):
    """Move the one clock of shop and stand-in."""

    def move(**time):
        monkeypatch.setattr(clock, "now", lambda: real_now() + dt.timedelta(**time))

    return move


def execute(refund: Refund) -> Refund:
    """As the outbox does, however often UnionPay says that it does not know yet."""

    def look():
        try:
            refunds.execute_refund(refund.pk)
        except refunds.RefundNotKnown:
            return None, False
        return None, True

    until(look)
    refund.refresh_from_db()
    return refund


def moved(order) -> list[tuple[str, Decimal]]:
    """What the stand-in has given back: 31 is a payment undone, 04 a refund."""
    query_id = order.payments.get().capture_reference
    done = [one for one in store.every("unionpay") if one["fields"].get("origQryId") == query_id]
    return [
        (one["fields"]["txnType"], Decimal(one["fields"]["txnAmt"]) / 100)
        for one in done
        if one["code"] == "00"
    ]


def test_all_of_a_payment_is_undone_on_its_day_and_the_preview_says_so(order):
    wanted = refundable_of(order).everything()
    assert plan_refund(order, wanted).is_undone
    assert execute(ask_for(order, wanted)).status == "done"
    assert moved(order) == [("31", order.total)]
    order.refresh_from_db()
    assert order.is_refunded
    assert_books_agree(order)


def test_all_of_a_payment_is_refunded_on_another_day(order, later):
    later(hours=25)
    wanted = refundable_of(order).everything()
    assert not plan_refund(order, wanted).is_undone
    assert execute(ask_for(order, wanted)).status == "done"
    assert moved(order) == [("04", order.total)]
    assert_books_agree(order)


def test_a_part_is_refunded_and_so_is_what_was_left(order):
    assert not plan_refund(order, some(order, tea=1)).is_undone
    first = execute(ask_for(order, some(order, tea=1)))
    rest = refundable_of(order).everything()
    assert not plan_refund(order, rest).is_undone
    second = execute(ask_for(order, rest))
    assert sorted(moved(order)) == [("04", first.amount), ("04", second.amount)]
    order.refresh_from_db()
    assert order.is_refunded
    assert_books_agree(order)


@pytest.mark.failure("F45")
def test_an_answer_that_was_lost_is_asked_for_and_the_money_moves_once(order, monkeypatch):
    from payments.gateways.unionpay import client

    post = client._post

    def lose(url, body):
        answer = post(url, body)
        if b"txnType=04&" in body:
            raise client.requests.Timeout
        return answer

    refund = ask_for(order, some(order, tea=1))
    with monkeypatch.context() as patch:
        patch.setattr(client, "_post", lose)
        for _ in range(2):
            with pytest.raises(attempts.GatewayError):
                refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    assert refund.status == "created"
    assert execute(refund).status == "done"
    assert moved(order) == [("04", refund.amount)]
    assert_books_agree(order)
