"""What is said about whether something can be had."""

import datetime as dt

import pytest
from django.utils.translation import override

from catalog.availability import product_label, variant_label
from catalog.models import Variant
from shop import clock

from .shelf import goods, only_variant, service

pytestmark = pytest.mark.django_db


def label(product):
    with override("en"):
        found = product_label(product)
        return found and found.text


@pytest.mark.parametrize(
    ("stock", "text"), [(0, "Sold out"), (1, "Only 1 left"), (5, "Only 5 left"), (6, "In stock")]
)
def test_the_label_follows_the_stock(stock, text):
    assert label(goods(stock=stock)) == text


def test_what_open_orders_hold_is_not_left():
    product = goods(stock=4)
    Variant.objects.filter(product=product).update(reserved=4)
    assert label(product) == "Sold out"


def test_variants_are_counted_together_and_one_by_one():
    product = goods(stock=3, variants=2)
    first, second = product.offers
    Variant.objects.filter(pk=second.pk).update(on_hand=0)
    product.refresh_from_db()
    first, second = product.offers
    with override("en"):
        assert product_label(product).text == "Only 3 left"
        assert variant_label(product, first).text == "Only 3 left"
        assert variant_label(product, second).text == "Sold out"


def test_before_its_day_goods_are_a_pre_order_and_afterwards_not():
    assert label(goods(available_from=clock.today() + dt.timedelta(days=1))) == "Pre-order"
    assert label(goods(available_from=clock.today())) == "In stock"


def test_a_sold_out_pre_order_is_sold_out():
    assert label(goods(stock=0, available_from=clock.today() + dt.timedelta(days=1))) == "Sold out"


def test_what_is_not_on_offer_yet_says_so_whatever_its_stock():
    assert label(goods(is_orderable=False)) == "Not yet available"
    assert label(goods(variants=0)) == "Not yet available"


def test_a_service_is_not_counted_and_needs_terms():
    with_terms, without = service(), service()
    without.service_terms.delete()
    without.refresh_from_db()
    assert label(with_terms) is None
    assert label(without) == "Not yet available"
    assert not without.can_be_ordered


def test_an_uncounted_variant_is_always_in_stock():
    product = goods(stock=0)
    Variant.objects.filter(product=product).update(tracks_stock=False)
    assert label(product) == "In stock"
    assert only_variant(product).available is None
