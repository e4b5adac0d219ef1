"""The cart's own rules."""

from decimal import Decimal

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.utils.translation import override

from cart.cart import KEY, MAX_LINES, Cart, CartIsFull, holds_of_cart
from catalog.models import MAX_QUANTITY, Product, Variant
from catalog.tests.shelf import goods, only_variant, service

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return SessionStore()


@pytest.fixture
def cart(session):
    return Cart(session)


def problems(session):
    with override("en"):
        return [line.problem for line in Cart(session).lines]


def test_adding_twice_makes_one_line(cart, session):
    variant = only_variant(goods())
    assert cart.add(variant, 2) == 2
    assert cart.add(variant, 3) == 5
    assert [(line.variant, line.quantity) for line in Cart(session).lines] == [(variant, 5)]


def test_the_session_holds_a_token_quantities_and_what_was_shown(cart, session):
    variant = only_variant(goods())
    cart.add(variant, 2)
    shown = {str(variant.pk): ["10.00", 2, 1]}
    assert session[KEY] == {
        "token": cart.token,
        "items": {str(variant.pk): 2},
        "looks": {"last": shown, "pages": {}},
    }


def test_goods_and_services_are_two_groups_with_their_own_sums(cart):
    cart.add(only_variant(goods(price="12.50")), 3)
    cart.add(only_variant(service(price="880.00")), 2)
    assert (cart.goods_total, cart.services_total, cart.total) == (
        Decimal("37.50"),
        Decimal("1760.00"),
        Decimal("1797.50"),
    )
    assert cart.count == 5
    assert cart.needs_shipping


def test_services_and_unshipped_goods_need_no_shipping(cart):
    cart.add(only_variant(service()), 1)
    cart.add(only_variant(goods(ships=False)), 1)
    assert not cart.needs_shipping


def test_a_price_is_never_remembered(cart, session):
    variant = only_variant(goods(price="10.00"))
    cart.add(variant, 1)
    Variant.objects.update(price=Decimal("12.00"))
    assert Cart(session).total == Decimal("12.00")


def test_stock_limits_the_quantity(cart):
    variant = only_variant(goods(stock=3))
    assert cart.add(variant, 99) == 3
    assert cart.set(variant.pk, 50) == 3


def test_what_others_have_reserved_cannot_be_added(cart):
    variant = only_variant(goods(stock=3))
    variant.reserved = 2
    variant.save()
    assert cart.add(variant, 3) == 1


@pytest.mark.parametrize(("of_shop", "most"), [(20, 20), (500, MAX_QUANTITY)])
def test_without_a_limit_of_the_product_that_of_the_shop_counts_and_nobody_needs_more_than_ninety_nine(
    cart, settings, of_shop, most
):
    settings.MOST_PER_ORDER = of_shop
    assert cart.add(only_variant(goods(stock=500)), 500) == most


def test_the_shops_limit_counts_all_variants_of_a_product(cart):
    first, second = goods(max_per_order=3, variants=2).variants.all()
    assert cart.add(first, 2) == 2
    assert cart.add(second, 2) == 1
    assert cart.set(first.pk, 3) == 2
    assert not cart.is_blocked


def test_a_service_is_limited_by_its_subjects(cart):
    assert cart.add(only_variant(service(max_subjects=2)), 5) == 2


@pytest.mark.parametrize(
    "fields", [{"is_orderable": False}, {"is_active": False}], ids=["not orderable", "hidden"]
)
def test_what_is_not_on_offer_cannot_be_added(cart, fields):
    assert cart.add(only_variant(goods(**fields)), 1) == 0
    assert cart.is_empty
    assert cart.token == ""


def test_a_sold_out_product_cannot_be_added(cart):
    assert cart.add(only_variant(goods(stock=0)), 1) == 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"on_hand": 0}, "Sold out. Please remove it."),
        ({"on_hand": 2}, "Only 2 left. Please change the quantity."),
        ({"is_active": False}, "This is no longer available. Please remove it."),
    ],
)
def test_what_changed_in_the_shop_shows_at_its_line_and_blocks(cart, session, change, problem):
    variant = only_variant(goods(stock=5))
    cart.add(variant, 5)
    Variant.objects.filter(pk=variant.pk).update(**change)
    assert problems(session) == [problem]
    assert Cart(session).is_blocked
    assert Cart(session).count == 5


def test_a_limit_that_came_later_shows_at_the_line(cart, session):
    variant = only_variant(goods(stock=5))
    cart.add(variant, 5)
    Product.objects.update(max_per_order=2)
    assert problems(session) == ["At most 2 per order. Please change the quantity."]


def test_a_withdrawn_product_stays_visible_until_it_is_removed(cart, session):
    variant = only_variant(goods())
    cart.add(variant, 1)
    Product.objects.update(is_active=False)
    assert problems(session) == ["This is no longer available. Please remove it."]
    later = Cart(session)
    later.set(variant.pk, 2)
    assert later.quantity_of(variant.pk) == 1
    later.remove(variant.pk)
    assert not later.is_blocked


def test_what_was_deleted_in_the_shop_is_forgotten(cart, session):
    left, gone = only_variant(goods()), only_variant(goods())
    cart.add(left, 1)
    cart.add(gone, 2)
    gone.delete()
    later = Cart(session)
    assert [line.variant for line in later.lines] == [left]
    assert later.count == 1


def test_what_the_carts_own_order_holds_is_not_sold_out_to_it(cart, session):
    variant = only_variant(goods(stock=1))
    cart.add(variant, 1)
    Variant.objects.update(reserved=1)
    assert Cart(session).is_blocked

    def holds(sender, token, **_):
        return {variant.pk: 1} if token == cart.token else {}

    holds_of_cart.connect(holds)
    try:
        assert not Cart(session).is_blocked
    finally:
        holds_of_cart.disconnect(holds)


def test_setting_to_nothing_removes_and_what_is_not_there_stays_away(cart):
    variant, other = only_variant(goods()), only_variant(goods())
    cart.add(variant, 2)
    cart.set(other.pk, 5)
    assert cart.count == 2
    cart.set(variant.pk, 0)
    assert cart.is_empty


def test_the_token_stays_while_the_cart_changes_and_ends_with_it(cart, session):
    variant = only_variant(goods())
    cart.add(variant, 1)
    token = cart.token
    cart.set(variant.pk, 3)
    cart.remove(variant.pk)
    cart.add(variant, 1)
    assert Cart(session).token == token
    cart.clear()
    assert (cart.token, cart.count, KEY in session) == ("", 0, False)
    cart.add(variant, 1)
    assert cart.token not in ("", token)


def test_a_cart_has_room_for_so_many_different_things(cart):
    product = goods(variants=MAX_LINES + 1)
    *fitting, last = product.variants.all()
    for variant in fitting:
        cart.add(variant, 1)
    with pytest.raises(CartIsFull):
        cart.add(last, 1)
    assert cart.add(fitting[0], 1) == 2


def test_all_lines_are_read_in_one_query(cart, session, django_assert_num_queries):
    for product in (goods(), goods(variants=2), service(), goods(max_per_order=2)):
        for variant in product.variants.all():
            cart.add(variant, 1)
    with django_assert_num_queries(1):
        later = Cart(session)
        assert later.total > 0
        assert not later.is_blocked
        assert [line.variant.full_name for line in later.lines]
        assert [line.variant.product.terms for line in later.services] != [None]


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "text",
        {},
        {"items": {"1": 2}},
        {"token": "", "items": {"1": 2}},
        {"token": 5, "items": {"1": 2}},
        {"token": "t", "items": [1, 2]},
        {"token": "t", "items": {"x": 1, "-1": 1, "1.5": 1, "": 1, "９": 1, "9" * 40: 1}},
        {"token": "t", "items": {"1": -2, "2": 0, "3": True, "4": "5", "5": None, "6": 1.5}},
    ],
)
def test_nonsense_in_the_session_is_an_empty_cart(session, stored):
    session[KEY] = stored
    cart = Cart(session)
    assert (cart.count, cart.lines) == (0, [])


def test_absurd_quantities_in_the_session_are_bounded(session):
    variants = goods(variants=2, stock=500).variants.all()
    session[KEY] = {"token": "t", "items": {str(variant.pk): 10**30 for variant in variants}}
    cart = Cart(session)
    assert [line.quantity for line in cart.lines] == [MAX_QUANTITY] * 2
