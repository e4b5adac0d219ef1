"""Refunds at the same moment, in real threads on PostgreSQL: first without the lock, then with it.

The threads meet at the worst place: after looking, before writing. With the lock the second one cannot get
there, and the first one stops waiting for it.
"""

import threading
import uuid
from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.models import Sum

from checkout.models import Order
from payments import disputes
from payments.attempts import settlement
from payments.models import LedgerEntry, Payment, Refund
from payments.refunds import services as refunds
from payments.refunds.plan import DisputeOpen, NothingToRefund, RefundRequest, TooMuch, refundable_of
from payments.sandbox.paypal import dashboard
from payments.tests.harness.refund_scenes import (
    TEA,
    TOTAL,
    ask_for,
    assert_books_agree,
    at_paypal,
    paid_order,
    some,
)
from shop.devstack import failpoints
from shop.models import OutboxMessage
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked, while_held, while_held_in

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = times(1, 5)
PATIENCE = 0.7  # seconds in which a thread that is not locked out arrives


def meet(patch, module, name, *, before=False):
    """Two threads that have done this, or are about to, wait for each other as long as there is hope."""
    barrier = threading.Barrier(2, timeout=PATIENCE)
    does = getattr(module, name)

    def wait():
        with suppress(threading.BrokenBarrierError):
            barrier.wait()

    def do(*args, **details):
        if before:
            wait()
        result = does(*args, **details)
        if not before:
            wait()
        return result

    patch.setattr(module, name, do)


def without_lock(patch):
    patch.setattr(Order.objects, "lock", lambda order_id: Order.objects.get(pk=order_id))
    patch.setattr(Payment, "lock", lambda payment: Payment.objects.get(pk=payment.pk))


def promised(order) -> Decimal:
    """The sum of all refunds that were not refused."""
    rows = Refund.objects.filter(payment__order=order).exclude(status="failed")
    return rows.aggregate(sum=Sum("amount"))["sum"]


def two_members_of_staff(order):
    return at_once(*[lambda: ask_for(order, refundable_of(order).everything())] * 2)


def test_without_the_lock_two_members_of_staff_promise_the_money_twice(approve, gateway, monkeypatch):
    order = paid_order(approve)
    without_lock(monkeypatch)
    meet(monkeypatch, refunds, "plan_refund")
    two_members_of_staff(order)
    assert promised(order) == 2 * TOTAL


def test_two_members_of_staff_at_once_never_promise_more_than_was_taken(approve, gateway, monkeypatch):
    assert connection.vendor == "postgresql"
    for _ in range(ROUNDS):
        order = paid_order(approve)
        with monkeypatch.context() as patch:
            meet(patch, refunds, "plan_refund")
            results = two_members_of_staff(order)
        made = [result for result in results if isinstance(result, Refund)]
        (late,) = [result for result in results if not isinstance(result, Refund)]
        assert isinstance(late, NothingToRefund | TooMuch)
        refunds.execute_refund(made[0].pk)
        assert promised(order) == at_paypal(order.payments.get()) == TOTAL
        assert_books_agree(order)


def two_clicks(order):
    key = uuid.uuid4().hex
    return at_once(*[lambda: ask_for(order, some(order, tea=2), key=key)] * 2)


def test_without_the_lock_a_double_click_is_an_error_page(approve, gateway, monkeypatch):
    order = paid_order(approve)
    without_lock(monkeypatch)
    meet(monkeypatch, refunds, "plan_refund")
    assert any(isinstance(result, IntegrityError) for result in two_clicks(order))


def test_a_double_click_is_one_refund(approve, gateway, monkeypatch):
    for _ in range(ROUNDS):
        order = paid_order(approve)
        with monkeypatch.context() as patch:
            meet(patch, refunds, "plan_refund")
            first, second = two_clicks(order)
        assert first == second == Refund.objects.get(payment__order=order)


def two_workers(order):
    refund = ask_for(order, some(order, tea=2))
    at_once(*[lambda: refunds.execute_refund(refund.pk)] * 2)
    return order.payments.get()


def test_without_the_lock_two_workers_find_the_money_booked_already_and_call_a_person(
    approve, gateway, monkeypatch
):
    order = paid_order(approve)
    with monkeypatch.context() as patch:
        without_lock(patch)
        meet(patch, Refund, "move_to", before=True)
        payment = two_workers(order)
    assert payment.needs_attention
    assert LedgerEntry.objects.filter(payment=payment, amount=-TEA).count() == 1  # the constraint holds


def test_two_workers_with_one_refund_book_it_once(approve, gateway, monkeypatch):
    for _ in range(ROUNDS):
        order = paid_order(approve)
        OutboxMessage.objects.all().delete()
        with monkeypatch.context() as patch:
            meet(patch, Refund, "move_to", before=True)
            payment = two_workers(order)
        assert not payment.needs_attention
        assert at_paypal(payment) == TEA
        assert OutboxMessage.objects.filter(topic="mail.payment_refunded").count() == 1
        assert_books_agree(order)


@pytest.mark.failure("F43", "F45")
def test_our_refund_and_a_look_at_the_gateway_at_once_are_one_booking(approve, gateway, monkeypatch):
    """The gateway has done ours, we have not written it down, and then the sweep finds it there."""
    for _ in range(ROUNDS):
        order = paid_order(approve)
        payment = order.payments.get()
        refund = ask_for(order, some(order, tea=2))
        reached, go_on = threading.Event(), threading.Event()

        def hold(name, reached=reached, go_on=go_on):
            if name == "before_refund_recorded":
                reached.set()
                assert go_on.wait(10)

        monkeypatch.setattr(failpoints, "reached", hold)

        def look(payment=payment, reached=reached, go_on=go_on):
            assert reached.wait(10)
            try:
                return settlement.ask(payment)
            finally:
                go_on.set()

        results = at_once(lambda refund=refund: refunds.execute_refund(refund.pk), look)
        assert results == [None, True]
        refund.refresh_from_db()
        assert (refund.status, refund.origin) == ("done", "staff")
        assert_books_agree(order)


def test_without_the_lock_the_gateways_word_about_our_refund_looks_like_a_second_one(
    approve, gateway, monkeypatch
):
    """The worker and the notification of the same refund: only the ledger's constraint is left."""
    order = paid_order(approve)
    payment = order.payments.get()
    refund = ask_for(order, some(order, tea=2))
    with monkeypatch.context() as patch:
        without_lock(patch)
        meet(patch, Refund, "move_to", before=True)
        while_held(
            monkeypatch,
            "before_refund_recorded",
            lambda: refunds.execute_refund(refund.pk),
            lambda: settlement.ask(payment),
        )
    payment.refresh_from_db()
    assert payment.needs_attention
    assert LedgerEntry.objects.filter(payment=payment, amount=-TEA).count() == 1


@pytest.mark.failure("F43")
def test_our_refund_and_one_of_the_dashboard_at_once_give_back_no_more_than_was_taken(
    approve, gateway, monkeypatch
):
    for _ in range(ROUNDS):
        order = paid_order(approve)
        payment = order.payments.get()
        ours = ask_for(order, RefundRequest(amount=TOTAL - 100))
        part = Decimal("200.00")

        def elsewhere(payment=payment, part=part):
            with suppress(dashboard.NotPossible):
                dashboard.dashboard_refund(payment.reference, part)
            settlement.ask(payment)

        at_once(lambda ours=ours: refunds.execute_refund(ours.pk), elsewhere)
        settlement.ask(payment)
        order.refresh_from_db()
        assert order.refunded_total == at_paypal(payment) in {part, TOTAL - 100}
        assert_books_agree(order)


@pytest.mark.failure("F44")
def test_our_refund_and_a_reversal_at_once_take_no_more_than_was_taken(approve, gateway, monkeypatch):
    for _ in range(ROUNDS):
        order = paid_order(approve)
        payment = order.payments.get()
        ours = ask_for(order, RefundRequest(amount=TOTAL - 100))

        def taken_back(payment=payment):
            with suppress(dashboard.NotPossible):
                dashboard.reversal(payment.reference, Decimal("200.00"))
            settlement.ask(payment)

        at_once(lambda ours=ours: refunds.execute_refund(ours.pk), taken_back)
        settlement.ask(payment)
        order.refresh_from_db()
        assert order.refunded_total in {Decimal("200.00"), TOTAL - 100}
        assert_books_agree(order)


# --- a complaint begins while staff refund ---


@pytest.fixture
def complain(gateway):
    def act(order):
        reference = dashboard.dispute(order.payments.get().reference)["dispute"]
        disputes.update(reference)

    return act


def refund_meets_complaint(monkeypatch, order, complain):
    everything = refundable_of(order).everything()
    return while_held_in(
        monkeypatch,
        refunds,
        "plan_refund",
        lambda: ask_for(order, everything),
        lambda: complain(order),
    )


def is_complaint_first(order) -> bool:
    """Which of the two stands first in the order's history."""
    notes = [event.note for event in order.events.order_by("id")]
    first = next(note for note in notes if "refund of" in note or "dispute" in note)
    return "dispute" in first


def test_without_the_lock_a_refund_is_promised_in_the_middle_of_a_complaint(
    approve, gateway, complain, monkeypatch
):
    order = paid_order(approve)
    with nothing_is_locked(monkeypatch):
        refund, _done = refund_meets_complaint(monkeypatch, order, complain)
    order.refresh_from_db()
    assert order.is_disputed
    assert isinstance(refund, Refund)
    assert is_complaint_first(order), "it was known, and money was promised all the same"


@pytest.mark.failure("F44")
@pytest.mark.parametrize("_", range(ROUNDS))
def test_a_refund_and_a_complaint_at_once_never_pay_twice(approve, gateway, complain, monkeypatch, _):
    order = paid_order(approve)
    refund, _done = refund_meets_complaint(monkeypatch, order, complain)
    order.refresh_from_db()
    assert order.is_disputed
    assert isinstance(refund, Refund)
    assert not is_complaint_first(order)
    refunds.execute_refund(refund.pk)  # PayPal refuses it now, so a person hears of it
    refund.refresh_from_db()
    payment = order.payments.get()
    assert (refund.status, refund.problem, at_paypal(payment)) == ("failed", "TRANSACTION_DISPUTED", 0)
    assert payment.needs_attention
    with pytest.raises(DisputeOpen):
        ask_for(order, refundable_of(order).everything())
    assert_books_agree(order)
