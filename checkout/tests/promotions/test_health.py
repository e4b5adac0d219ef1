"""What money health tells of discounts and of the uses of promo codes: broken, found, right again."""

import pytest

from checkout.models import Order, OrderLine, Redemption
from checkout.tests.health_scenes import ours, reds, repair
from checkout.tests.promotion_scenes import coded, make_promotion, used
from checkout.tests.scenes import make_goods, make_service, pay, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def promotion():
    return make_promotion(percent=15, max_uses=5)


@pytest.fixture
def order(promotion):
    return pay(place(coded("TEST10", (make_goods(price="33.33"), 3), (make_service(), 1))))


@pytest.mark.parametrize(
    "change",
    [
        lambda order: Order.objects.update(total="1.00"),
        lambda order: Order.objects.update(discount_total="15.01"),
        lambda order: OrderLine.objects.filter(kind="goods").update(discount_total="14.99"),
        lambda order: OrderLine.objects.filter(kind="goods").update(unit_price="33.34"),
        lambda order: OrderLine.objects.filter(kind="goods").delete(),
    ],
)
def test_an_order_that_does_not_add_up_is_found(order, change):
    assert ours()["order-sums"].state == "ok"
    change(order)
    finding = ours()["order-sums"].findings[0]
    assert order.number in finding.text
    assert finding.repair is None  # only a person can say what is right


def test_a_use_that_is_not_counted_is_found_and_counted(order, promotion, boss):
    Redemption.objects.all().delete()
    assert "promo-uses" in reds()
    repair(boss, "promo-uses")
    assert reds() == set()
    assert used(promotion) == 1


def test_a_closed_order_that_still_counts_is_found_and_counts_no_more(promotion, boss):
    place(coded("TEST10", (make_goods(), 1)))
    Order.objects.update(status=Order.Status.EXPIRED)
    assert "promo-uses" in reds()
    repair(boss, "promo-uses")
    assert "promo-uses" not in reds()
    assert used(promotion) == 0


def test_a_revived_order_beyond_the_limit_is_no_finding(order, promotion):
    promotion.max_uses = 1
    promotion.save()
    pay(revived(promotion))
    assert used(promotion) == 2
    assert ours()["promo-uses"].state == "ok"


def revived(promotion):
    """An order that expired before the last use went to another."""
    Redemption.objects.update(released_at=promotion.redemptions.get().at)
    order = place(coded("TEST10", (make_goods("TEA-902"), 1)), email="jun@example.com")
    Redemption.objects.update(released_at=None)
    return order
