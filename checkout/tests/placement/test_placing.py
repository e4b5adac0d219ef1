"""From the cart to the order: one cart, one order, its own snapshot, its own stock."""

from decimal import Decimal

import pytest
from django.db import transaction

from checkout import services, stock
from checkout.models import InvalidTransition, Order, StockMovement
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


def test_an_order_is_a_snapshot_that_a_new_price_does_not_touch():
    tea = make_goods(price="168.00")
    order = place(make_cart((tea, 2)))
    tea.price = Decimal("999.00")
    tea.save()
    order.refresh_from_db()
    assert order.goods_total == Decimal("336.00")
    assert order.shipping_total == Decimal("30.00")
    assert order.total == Decimal("366.00")
    assert order.lines.get().unit_price == Decimal("168.00")


def test_placing_holds_the_stock_and_the_ledger_says_so():
    tea = make_goods(on_hand=5)
    order = place(make_cart((tea, 2)))
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (5, 2)
    movement = StockMovement.objects.get(order=order)
    assert (movement.kind, movement.quantity) == (StockMovement.Kind.RESERVE, 2)


def test_the_same_form_again_is_the_same_order():
    cart = make_cart((make_goods(), 1))
    assert place(cart) == place(cart)
    assert Order.objects.count() == 1


def test_a_changed_form_makes_a_new_revision_before_any_payment():
    tea = make_goods(on_hand=5)
    cart = make_cart((tea, 2))
    first = place(cart)
    second = place(cart, email="other@example.com")
    assert second == first
    assert second.revision == 2
    assert second.email == "other@example.com"
    tea.refresh_from_db()
    assert tea.reserved == 2


def test_a_changed_form_after_a_payment_started_supersedes_the_order():
    tea = make_goods(on_hand=5)
    cart = make_cart((tea, 2))
    first = place(cart)
    with transaction.atomic():
        services.begin_payment(Order.objects.lock(first.pk), minutes=30)
    second = place(cart, email="other@example.com")
    first.refresh_from_db()
    tea.refresh_from_db()
    assert second != first
    assert (first.status, first.is_superseded) == (Order.Status.CANCELLED, True)
    assert tea.reserved == 2


def test_a_paid_cart_cannot_be_ordered_again():
    cart = make_cart((make_goods(), 1))
    order = pay(place(cart))
    with pytest.raises(services.AlreadyOrdered) as fact:
        place(cart)
    assert fact.value.order == order


def test_too_little_stock_leaves_nothing_behind():
    tea, other = make_goods(on_hand=3), make_goods("TEA-901", on_hand=3)
    cart = make_cart((tea, 3), (other, 1))
    tea.on_hand = 2
    tea.save()
    with pytest.raises(stock.OutOfStock) as fact, transaction.atomic():
        place(cart)
    assert fact.value.available == {tea.pk: 2}
    other.refresh_from_db()
    assert other.reserved == 0
    assert not Order.objects.exists()


def test_paying_sells_the_stock_and_tells_customer_and_merchant_once():
    tea = make_goods(on_hand=5)
    order = pay(place(make_cart((tea, 2))))
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (3, 0)
    topics = OutboxMessage.objects.filter(payload__order_id=order.pk).values_list("topic", flat=True)
    assert sorted(topics) == ["mail.new_order", "mail.order_confirmation"]


def test_an_expired_order_gives_its_stock_back_and_late_money_takes_it_again():
    tea = make_goods(on_hand=5)
    order = place(make_cart((tea, 5)))
    with transaction.atomic():
        services.expire(Order.objects.lock(order.pk))
    tea.refresh_from_db()
    assert tea.reserved == 0
    pay(order)
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (0, 0)


def test_late_money_cannot_revive_an_order_whose_goods_are_gone():
    tea = make_goods(on_hand=5)
    order = place(make_cart((tea, 5)))
    with transaction.atomic():
        services.expire(Order.objects.lock(order.pk))
    pay(place(make_cart((tea, 3))))
    with pytest.raises(services.CannotRevive):
        pay(order)
    order.refresh_from_db()
    assert order.status == Order.Status.EXPIRED


def test_a_service_needs_no_address_and_promises_a_date():
    order = place(make_cart((make_service(), 2)))
    line = order.lines.get()
    assert not order.needs_shipping
    assert line.report_due_on is not None
    assert [intake.subject for intake in line.intakes.all()] == [1, 2]


def test_answers_are_not_readable_in_the_database():
    from django.db import connection

    place(make_cart((make_service(), 1)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers FROM checkout_intake")
        (stored,) = cursor.fetchone()
    assert b"Secret Person" not in bytes(stored)


@pytest.mark.parametrize("new", Order.Status)
@pytest.mark.parametrize("old", Order.Status)
def test_only_the_edges_of_the_table_can_be_walked(old, new):
    order = place(make_cart((make_goods(), 1)))
    Order.objects.filter(pk=order.pk).update(status=old)
    order.refresh_from_db()
    if new in Order.TRANSITIONS[old]:
        order.move_to(new)
        assert order.events.last().new_status == new
    else:
        events = order.events.count()
        with pytest.raises(InvalidTransition):
            order.move_to(new)
        order.refresh_from_db()
        assert (order.status, order.events.count()) == (old, events)


def test_a_parcel_holds_what_was_packed_and_the_rest_stays_to_ship():
    tea = make_goods(on_hand=5)
    order = pay(place(make_cart((tea, 3))))
    line = order.lines.get()
    fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF123", quantities={line.pk: 2}, actor="merchant"
    )
    assert fulfilment.left_to_ship(order) == {line: 1}
    with pytest.raises(fulfilment.NothingToShip):
        fulfilment.ship(
            order.pk, carrier="sf", tracking_number="SF124", quantities={line.pk: 2}, actor="merchant"
        )
    assert order.shipments.count() == 1


def test_an_unpaid_order_is_not_shipped():
    order = place(make_cart((make_goods(), 1)))
    line = order.lines.get()
    with pytest.raises(fulfilment.NothingToShip):
        fulfilment.ship(
            order.pk, carrier="sf", tracking_number="SF1", quantities={line.pk: 1}, actor="merchant"
        )
