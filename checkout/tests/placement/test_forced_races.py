"""Buyers who want the last piece at the same moment: first without the defences, then as it is."""

import threading
from contextlib import suppress

import pytest
from django.db import connection

from checkout import services, stock
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from shop.devstack import failpoints
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = times(1, 5)


def buyers_of(variant, count):
    """Carts that were filled while there was still enough."""
    return [make_cart((variant, 1)) for _ in range(count)]


def test_without_lock_and_check_two_buyers_get_the_last_piece(monkeypatch):
    last = make_goods(on_hand=1)
    carts = buyers_of(last, 2)
    barrier = threading.Barrier(2)
    move = stock._move

    def together(*arguments, **options):
        with suppress(threading.BrokenBarrierError):
            barrier.wait(2)  # both have looked
        move(*arguments, **options)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'catalog_variant'::regclass AND contype = 'c'"
        )
        checks = cursor.fetchall()
        for name, _definition in checks:
            cursor.execute(f'ALTER TABLE catalog_variant DROP CONSTRAINT "{name}"')
    try:
        with nothing_is_locked(monkeypatch), monkeypatch.context() as patch:
            patch.setattr(stock, "_move", together)
            at_once(*[lambda cart=cart: place(cart) for cart in carts])
        last.refresh_from_db()
        assert last.reserved == 2 > last.on_hand
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_variant SET reserved = 0")
            for name, definition in checks:
                cursor.execute(f'ALTER TABLE catalog_variant ADD CONSTRAINT "{name}" {definition}')


@pytest.mark.failure("F57")
@pytest.mark.parametrize("_", range(AGAIN))
@pytest.mark.parametrize("buyers", [2, 50])
def test_the_last_piece_goes_to_one_buyer(buyers, _):
    last = make_goods(on_hand=1)
    carts = buyers_of(last, buyers)
    results = at_once(*[lambda cart=cart: place(cart) for cart in carts])
    last.refresh_from_db()
    assert (last.on_hand, last.reserved) == (1, 1)
    assert Order.objects.filter(status=Order.Status.PENDING).count() == 1
    lost = [result for result in results if not isinstance(result, Order)]
    assert all(isinstance(fact, stock.OutOfStock) for fact in lost), lost
    assert len(lost) == buyers - 1


@pytest.mark.failure("F56")
def test_a_price_that_changes_while_the_order_is_written_is_the_old_or_the_new_one_everywhere(monkeypatch):
    tea = make_goods(price="168.00", on_hand=5)
    cart = make_cart((tea, 2))
    barrier = threading.Barrier(2)

    def reached(point):
        if point == "after_stock_reserved":
            with suppress(threading.BrokenBarrierError):
                barrier.wait(0.3)

    def dearer():
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.3)
        type(tea).objects.filter(pk=tea.pk).update(price="999.00")

    monkeypatch.setattr(failpoints, "reached", reached)
    order, _done = at_once(lambda: place(cart), dearer)
    line = order.lines.get()
    assert order.goods_total == line.unit_price * line.quantity
    assert order.total == order.goods_total + order.services_total + order.shipping_total


@pytest.mark.parametrize("_", range(AGAIN))
def test_placing_and_cancelling_at_once_leave_no_goods_behind(_):
    tea = make_goods(on_hand=3)
    order = place(make_cart((tea, 2)))
    other = make_cart((tea, 1))
    at_once(
        lambda: services.cancel(order.pk, actor="staff"),
        lambda: services.cancel(order.pk, actor="staff"),
        lambda: place(other),
    )
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (3, 1)
