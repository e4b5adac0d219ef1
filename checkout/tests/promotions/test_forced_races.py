"""Buyers who want the last use of a promo code at the same moment: first without the lock, then as it is."""

import pytest

from checkout import services
from checkout.models import InvalidTransition, Order
from checkout.promotions import services as promotions
from checkout.tests.promotion_scenes import coded, make_promotion, used
from checkout.tests.scenes import make_goods, place
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, meeting, nothing_is_locked

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = times(1, 5)


def lost(results):
    return [result for result in results if not isinstance(result, Order)]


def test_without_the_lock_two_buyers_get_the_last_use(monkeypatch):
    promotion, tea = make_promotion(max_uses=1), make_goods()
    carts = [coded("TEST10", (tea, 1)) for _ in range(2)]
    with nothing_is_locked(monkeypatch), meeting(monkeypatch, promotions, "_is_used_up"):
        at_once(*[lambda cart=cart: place(cart) for cart in carts])
    assert used(promotion) == 2 > promotion.max_uses


@pytest.mark.failure("F63")
@pytest.mark.parametrize("_", range(AGAIN))
@pytest.mark.parametrize("buyers", [2, 20])
def test_the_last_use_goes_to_one_buyer(buyers, _):
    promotion, tea = make_promotion(max_uses=1), make_goods(on_hand=50)
    carts = [coded("TEST10", (tea, 1)) for _ in range(buyers)]
    results = at_once(*[lambda cart=cart: place(cart) for cart in carts])
    with_code = Order.objects.filter(promo_code="TEST10")
    assert used(promotion) == with_code.count() == 1
    # Whoever looked after the last use was gone has an order at the full price.
    assert all(isinstance(fact, promotions.CodeNotUsable) for fact in lost(results)), results
    tea.refresh_from_db()
    assert tea.reserved == Order.objects.count()


def test_without_the_lock_one_address_uses_a_code_twice(monkeypatch):
    promotion, tea = make_promotion(once_per_email=True), make_goods()
    carts = [coded("TEST10", (tea, 1)) for _ in range(2)]
    with nothing_is_locked(monkeypatch), meeting(monkeypatch, promotions, "_is_spent"):
        at_once(*[lambda cart=cart: place(cart) for cart in carts])
    assert used(promotion) == 2


@pytest.mark.failure("F63")
@pytest.mark.parametrize("_", range(AGAIN))
def test_one_address_uses_a_code_once_however_many_carts_it_has(_):
    promotion, tea = make_promotion(once_per_email=True), make_goods()
    carts = [coded("TEST10", (tea, 1)) for _ in range(5)]
    results = at_once(*[lambda cart=cart: place(cart) for cart in carts])
    assert used(promotion) == 1
    assert [isinstance(fact, promotions.CodeNotUsable) for fact in lost(results)] == [True] * 4


@pytest.mark.parametrize("_", range(AGAIN))
def test_orders_that_come_and_go_at_once_leave_the_count_right_and_nobody_hanging(_):
    """Two codes and two goods in every order of locks that carts can bring about."""
    one, two = make_promotion("ONE10", max_uses=3), make_promotion("TWO10", max_uses=3)
    tea, cup = make_goods("TEA-901", on_hand=50), make_goods("TEA-902", on_hand=50)
    carts = [coded(code, (tea, 1), (cup, 1)) for code in ("ONE10", "TWO10") for _ in range(2)]
    orders = [place(cart) for cart in carts]
    for cart in carts:
        cart.promo_code = "TWO10" if cart.promo_code == "ONE10" else "ONE10"
    results = at_once(
        *[lambda cart=cart: place(cart, email="other@example.com") for cart in carts],
        *[lambda order=order: services.cancel(order.pk, actor="staff") for order in orders],
    )
    allowed = (Order, promotions.CodeNotUsable, InvalidTransition)
    assert all(isinstance(result, allowed) for result in results), results
    for promotion in (one, two):
        pending = Order.objects.unpaid().filter(promo_code=promotion.code)
        assert used(promotion) == pending.count() <= 3
