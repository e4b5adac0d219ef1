"""Clicks at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from cart.cart import Cart
from catalog.tests.shelf import goods, only_variant

pytestmark = pytest.mark.django_db(transaction=True)


def test_ten_clicks_at_once_are_ten_in_the_cart(client):
    first, second = only_variant(goods(stock=50)), only_variant(goods(stock=50))
    client.post("/en/cart/add/", {"variant": first.pk, "quantity": 1})

    def click(variant):
        browser_tab = Client()
        browser_tab.cookies = client.cookies
        try:
            return browser_tab.post("/en/cart/add/", {"variant": variant.pk, "quantity": 1}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(click, [first, second] * 10)) == {302}
    cart = Cart(client.session)
    assert {line.variant.pk: line.quantity for line in cart.lines} == {first.pk: 11, second.pk: 10}
