"""Two processes at the same moment, held at the worst place: about orders, their goods and their clicks.

Each race is first shown with its defence taken away; see ``test_forced_races``."""

from functools import partial

import pytest
from django.db import connection, transaction

from catalog.models import Variant
from checkout import services as checkout
from checkout import stock
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import closing, outcomes, services, settlement
from payments.models import LedgerEntry, Payment, Refund
from payments.refunds import services as refunds
from payments.tests.attempts.race_scenes import approved, ask, exchanges, is_whole, new_order
from shop.tests.harness.effort import times
from shop.tests.harness.races import (
    at_once,
    meeting,
    nothing_is_locked,
    while_held,
    while_held_in,
    without_index,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgresql", "gateway"),
]

AGAIN = times(1, 5)

PAYPAL, CARD, PAGE = Payment.Method


# --- expiry ---


def overdue(order):
    Order.objects.filter(pk=order.pk).update(hold_until="2020-01-01T00:00:00Z")


def test_an_expiry_that_does_not_ask_lets_go_of_paid_goods(approve, gateway, monkeypatch):
    """The defence is the question: without it the order of a buyer who has paid expires."""
    order = new_order()
    payment = approved(order, approve)
    gateway.capture(services.purchase_of(payment))
    overdue(order)
    with monkeypatch.context() as patch:
        patch.setattr(settlement, "ask", lambda payment: True)
        closing.expire_order(order.pk)
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED


@pytest.mark.parametrize("_", range(AGAIN))
def test_settling_and_expiring_at_once_leave_a_paid_order_with_its_goods(approve, meet, _):
    order = new_order(on_hand=1)
    payment = approved(order, approve)
    overdue(order)
    with meet("after_outcome_fetched", patience=0.2):
        at_once(ask(payment), lambda: closing.expire_order(order.pk), lambda: closing.expire_order(order.pk))
    settlement.settle(payment)
    assert is_whole(order)
    variant = order.lines.get().variant
    variant.refresh_from_db()
    assert (variant.on_hand, variant.reserved) == (0, 0)


def test_without_the_orders_lock_two_expiries_free_the_goods_twice(meet, monkeypatch):
    order = new_order(on_hand=5, quantity=2)
    other = place(make_cart((order.lines.get().variant, 2)))
    overdue(order)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE checkout_stockmovement DROP CONSTRAINT one_stock_movement_per_fact")
    try:
        with nothing_is_locked(monkeypatch), meet("before_expiry_committed"):
            at_once(*[lambda: closing.expire_order(order.pk)] * 2)
        variant = other.lines.get().variant
        variant.refresh_from_db()
        reserved = variant.reserved
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM checkout_stockmovement")
            cursor.execute(
                "ALTER TABLE checkout_stockmovement ADD CONSTRAINT one_stock_movement_per_fact"
                ' UNIQUE (order_id, variant_id, kind, "hold")'
            )
    assert reserved != 2, "the other order's goods were freed as well"


@pytest.mark.parametrize("_", range(AGAIN))
def test_two_expiries_free_the_goods_once(meet, _):
    order = new_order(on_hand=5, quantity=2)
    place(make_cart((order.lines.get().variant, 2)))
    overdue(order)
    with meet("before_expiry_committed", patience=0.2):
        at_once(*[lambda: closing.expire_order(order.pk)] * 2)
    variant = order.lines.get().variant
    variant.refresh_from_db()
    assert (variant.on_hand, variant.reserved) == (5, 2)


def test_without_the_orders_lock_goods_are_sold_and_let_go_at_once(approve, gateway, monkeypatch):
    """Settled and cancelled by staff: what another order holds is freed instead."""
    order = new_order(on_hand=5)
    variant = order.lines.get().variant
    place(make_cart((variant, 1)))
    payment = approved(order, approve)
    fact = gateway.capture(services.purchase_of(payment))
    with nothing_is_locked(monkeypatch):
        while_held_in(
            monkeypatch,
            stock,
            "holding",
            lambda: outcomes.record(payment, fact),
            lambda: checkout.cancel(order.pk, actor="staff"),
        )
    variant.refresh_from_db()
    assert (variant.on_hand, variant.reserved) == (4, 0), "the other order's piece is on sale again"


@pytest.mark.parametrize("_", range(AGAIN))
def test_settling_and_cancelling_by_staff_end_paid_or_without_money(approve, gateway, meet, _):
    order = new_order()
    payment = approved(order, approve)
    with meet("before_capture", patience=0.2):
        at_once(ask(payment), lambda: checkout.cancel(order.pk, actor="staff"))
    settlement.settle(payment)
    for refund in Refund.objects.all():
        refunds.execute_refund(refund.pk)
    order.refresh_from_db()
    kept = sum(entry.amount for entry in LedgerEntry.objects.filter(payment__order=order))
    assert (order.status, kept) in {(Order.Status.PAID, order.total), (Order.Status.CANCELLED, 0)}


# --- two attempts, two orders of one cart ---


def captured_twice(order, approve, gateway):
    """By an attempt that was given up and by the one that followed. Returns what writes them down."""
    records = []
    for _ in range(2):
        order.payments.live().update(status=Payment.Status.SUPERSEDED)
        payment = approved(order, approve)
        fact = gateway.capture(services.purchase_of(payment))
        records.append(partial(outcomes.record, payment, fact))
    return records


def test_without_lock_and_index_an_order_keeps_the_money_of_two_attempts(approve, gateway, monkeypatch):
    """Of a thing that is not counted: the stock's own rows would be one more line of defence."""
    order = new_order()
    order.stock_movements.all().delete()
    Variant.objects.update(tracks_stock=False, reserved=0)
    records = captured_twice(order, approve, gateway)
    repair = "UPDATE payments_payment SET pays_order = false"
    index = without_index("one_payment_pays_an_order", repair=repair)
    with index, nothing_is_locked(monkeypatch):
        while_held_in(monkeypatch, outcomes, "apply_to_order", *records, before=True)
        assert order.payments.filter(pays_order=True).count() == 2
    kept = LedgerEntry.objects.filter(payment__order=order)
    assert sum(entry.amount for entry in kept) == 2 * order.total
    assert not Refund.objects.exists()


@pytest.mark.failure("F54")
@pytest.mark.parametrize("_", range(AGAIN))
def test_two_attempts_captured_at_once_keep_one_payment(approve, gateway, meet, _):
    order = new_order()
    records = captured_twice(order, approve, gateway)
    with meet("before_outcome_committed", patience=0.2):
        at_once(*records)
    for refund in Refund.objects.all():
        refunds.execute_refund(refund.pk)
    kept = LedgerEntry.objects.filter(payment__order=order)
    assert sum(entry.amount for entry in kept) == order.total
    assert order.payments.filter(pays_order=True).count() == 1


def late_money_for_two_orders(gateway, approve):
    cart = make_cart((make_goods(f"TEA-{Order.objects.count():03}", on_hand=5), 1))
    orders, payments = [], []
    for _ in range(2):
        order = place(cart)
        payment = approved(order, approve)
        gateway.capture(services.purchase_of(payment))
        with transaction.atomic():
            checkout.expire(Order.objects.lock(order.pk))
        orders.append(order)
        payments.append(payment)
    return orders, payments


def paid(orders):
    return Order.objects.filter(pk__in=[order.pk for order in orders], status=Order.Status.PAID).count()


def test_without_the_lock_on_the_draft_two_orders_of_a_cart_come_back_to_life(
    gateway, approve, meet, monkeypatch
):
    orders, payments = late_money_for_two_orders(gateway, approve)
    with monkeypatch.context() as patch:
        patch.setattr(Order.objects, "lock", lambda pk: Order.objects.select_for_update().get(pk=pk))
        with meet("before_outcome_committed"):
            at_once(*map(ask, payments))
    assert paid(orders) == 2


@pytest.mark.parametrize("_", range(AGAIN))
def test_late_money_for_two_orders_of_a_cart_revives_one(gateway, approve, meet, _):
    orders, payments = late_money_for_two_orders(gateway, approve)
    with meet("before_outcome_committed", patience=0.2):
        at_once(*map(ask, payments))
    for payment in payments:
        settlement.settle(payment)
    assert paid(orders) == 1


@pytest.mark.parametrize("_", range(AGAIN))
def test_late_money_and_a_new_order_of_the_same_cart_end_in_one_paid_order(gateway, approve, meet, _):
    cart = make_cart((make_goods(f"TEA-{Order.objects.count():03}", on_hand=5), 1))
    old = place(cart)
    payment = approved(old, approve)
    gateway.capture(services.purchase_of(payment))
    with transaction.atomic():
        checkout.expire(Order.objects.lock(old.pk))
    with meet("after_stock_reserved", patience=0.2):
        at_once(ask(payment), lambda: place(cart))
    settlement.settle(payment)
    for new in Order.objects.filter(draft=old.draft, status=Order.Status.PENDING):
        new_payment = approved(new, approve)
        settlement.settle(new_payment)
    for refund in Refund.objects.all():
        refunds.execute_refund(refund.pk)
    assert Order.objects.filter(draft=old.draft, status=Order.Status.PAID).count() == 1
    kept = LedgerEntry.objects.filter(payment__order__draft=old.draft)
    assert sum(entry.amount for entry in kept) == old.total


# --- Pay ---


def test_without_lock_and_index_two_clicks_are_two_attempts(meet, monkeypatch):
    order = new_order()
    click = lambda: services.get_or_create_attempt(order.pk, method=PAYPAL, revision=order.revision)  # noqa: E731
    index = without_index("one_live_payment_per_order", repair="DELETE FROM payments_payment")
    monkeypatch.setattr(checkout, "begin_payment", lambda order, minutes: None)  # its UPDATE locks as well
    with index, nothing_is_locked(monkeypatch):
        with meeting(monkeypatch, Payment.objects, "create", before=True):
            at_once(click, click)
        assert Payment.objects.filter(order=order).count() == 2


@pytest.mark.failure("F50")
@pytest.mark.parametrize("_", range(AGAIN))
def test_five_clicks_at_once_are_one_attempt_and_one_creation(meet, _):
    order = new_order()
    with meet("before_gateway_started", patience=0.2):
        at_once(*[lambda: services.pay(order.pk, method=PAYPAL, revision=order.revision)] * 5)
    payment = Payment.objects.get(order=order)
    assert payment.status == Payment.Status.AWAITING
    assert exchanges(payment, "create order") == 1


def test_without_the_orders_lock_an_attempt_is_for_an_amount_that_is_no_longer_due(monkeypatch):
    """One tab presses Pay while the other's changed cart becomes the order's second revision."""
    cart = make_cart((make_goods("TEA-000", on_hand=9), 1))
    order = place(cart)
    cart.set(order.lines.get().variant_id, 3)
    with nothing_is_locked(monkeypatch):
        while_held(
            monkeypatch,
            "after_stock_reserved",
            lambda: place(cart),
            lambda: services.get_or_create_attempt(order.pk, method=PAYPAL, revision=1),
        )
    payment = Payment.objects.get(order=order)
    order.refresh_from_db()
    assert (payment.is_live, order.revision) == (True, 2)
    assert payment.amount < order.total


@pytest.mark.parametrize("_", range(AGAIN))
def test_pay_and_a_changed_form_never_pay_for_what_was_not_seen(meet, _):
    """Cart edited and submitted again in one tab while the other presses Pay."""
    cart = make_cart((make_goods(f"TEA-{Order.objects.count():03}", on_hand=5), 1))
    order = place(cart)
    with meet("after_stock_reserved", patience=0.2):
        at_once(
            lambda: services.pay(order.pk, method=PAYPAL, revision=order.revision),
            lambda: place(cart, email="other@example.com"),
        )
    for payment in Payment.objects.filter(status__in=Payment.LIVE):
        now = Order.objects.get(pk=payment.order_id)
        if now.status == Order.Status.PENDING:  # what belongs to a replaced order is never captured
            assert (payment.amount, now.revision, now.email) == (now.total, 1, order.email)
    assert Order.objects.filter(draft=order.draft, status=Order.Status.PENDING).count() == 1
