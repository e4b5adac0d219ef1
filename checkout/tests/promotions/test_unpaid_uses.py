"""Unpaid orders keep only some of a limited code's uses from others, and not again and again."""

import pytest
from django.test import Client
from django.urls import reverse

from checkout import services
from checkout.models import Order
from checkout.promotions.services import CodeKept, offer_of
from checkout.tests.placement.test_unpaid_holds import ELSEWHERE, HERE, NEXT_DOOR, end, later, order_from
from checkout.tests.promotion_scenes import coded, make_promotion, used
from checkout.tests.scenes import URL, add, make_goods, pay, post

pytestmark = pytest.mark.django_db


def with_code(origin, tea, number=0):
    return order_from(origin, cart=coded("TEST10", (tea, 1)), email=f"m{number}@example.com")


@pytest.mark.parametrize(("max_uses", "most"), [(2, 1), (3, 1), (5, 2), (8, 4)])
def test_one_network_keeps_half_of_what_is_left_until_it_pays(max_uses, most):
    promotion, tea = make_promotion(max_uses=max_uses), make_goods(on_hand=90)
    for number in range(most):
        with_code(HERE, tea, number)
    with pytest.raises(CodeKept):
        with_code(NEXT_DOOR, tea, most)
    assert used(promotion) == most
    assert with_code(ELSEWHERE, tea)
    for order in Order.objects.all():
        pay(order)
    if max_uses > most + 1:
        assert with_code(NEXT_DOOR, tea, most), "what was paid is not kept"


def test_a_code_without_a_limit_has_none_here():
    make_promotion()
    tea = make_goods(on_hand=90)
    for number in range(4):
        with_code(HERE, tea, number)


def test_the_last_use_is_not_kept_again_and_again(monkeypatch):
    make_promotion(max_uses=1)
    tea = make_goods(on_hand=90)
    cart = coded("TEST10", (tea, 1))
    for _ in range(2):  # the same cart in one visit is one order
        end(order_from(HERE, cart=cart))
    with pytest.raises(CodeKept):
        with_code(NEXT_DOOR, tea)
    assert with_code(ELSEWHERE, tea)
    end(Order.objects.latest("pk"))
    later(monkeypatch, minutes=61)
    assert with_code(HERE, tea)


def test_the_page_says_so_and_nothing_typed_is_lost(monkeypatch):
    make_promotion(max_uses=3)
    tea = make_goods(on_hand=90)
    for is_kept in (False, True):
        browser = Client()
        add(browser, tea)
        browser.post(reverse("checkout:promo"), {"code": "test10"})
        page = post(browser, recipient="Mei Lan Chan", email=f"m{is_kept}@example.com")
        assert page.status_code == (200 if is_kept else 302)
    assert "keeps the promo code TEST10" in page.content.decode()
    assert 'value="Mei Lan Chan"' in browser.get(URL).content.decode()


@pytest.mark.parametrize("condition", ["once_per_email", "first_order_only"])
def test_a_strangers_unpaid_order_takes_nobodys_own_use_of_a_code(condition):
    """Whoever orders types any address."""
    make_promotion(**{condition: True})
    tea = make_goods(on_hand=90)
    with_code(HERE, tea)
    with pytest.raises(CodeKept):
        with_code(NEXT_DOOR, tea)
    cart = coded("TEST10", (tea, 1))
    assert not offer_of(cart, email="m0@example.com").problem
    own = order_from(ELSEWHERE, cart=cart, email="m0@example.com")
    assert own.discount_total
    pay(own)
    assert offer_of(coded("TEST10", (tea, 1)), email="m0@example.com").is_personal


def test_where_both_are_paid_the_last_word_falls_at_pay_and_money_that_is_in_is_kept():
    make_promotion(once_per_email=True)
    tea = make_goods(on_hand=90)
    strangers, own = with_code(HERE, tea), with_code(ELSEWHERE, tea)
    services.require_good_code(strangers)
    pay(own)
    services.require_good_code(Order.objects.get(pk=own.pk))
    with pytest.raises(services.CodeUsedMeanwhile):
        services.require_good_code(strangers)
    late = pay(strangers)
    assert late.is_paid
    noted = "its promo code has been used by another order of its e-mail address, too"
    assert [order.events.filter(note=noted).count() for order in (own, late)] == [0, 1]
