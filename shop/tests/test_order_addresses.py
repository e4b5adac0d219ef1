"""Addresses with a token are listed by no search engine and kept by no cache, also where nothing is there."""

import pytest
from django.urls import reverse

from checkout.tests.scenes import make_cart, make_goods, place
from shop.tests.harness.access.world import doors

pytestmark = pytest.mark.django_db
UNKNOWN = "x" * 32


def with_token() -> list[str]:
    return sorted({name for name, pattern in doors() if "token" in pattern.pattern.regex.groupindex})


@pytest.mark.parametrize("name", with_token())
def test_no_page_with_a_token_is_listed_or_kept(client, name):
    order = place(make_cart((make_goods(), 1)))
    parts = next(set(pattern.pattern.regex.groupindex) for each, pattern in doors() if each == name)
    for token in (order.token, UNKNOWN):
        values = {"token": token} | dict.fromkeys(parts - {"token"}, 1)
        answer = client.get(reverse(name, kwargs=values))
        assert answer["X-Robots-Tag"] == "noindex, nofollow", answer.status_code
        assert "no-store" in answer["Cache-Control"], answer.status_code


def test_what_is_no_token_is_not_kept_either(client):
    answer = client.get("/en/order/short/")
    assert answer.status_code == 404
    assert "no-store" in answer["Cache-Control"]


def test_a_product_is_listed(client):
    goods = make_goods()
    assert "X-Robots-Tag" not in client.get(goods.product.get_absolute_url())
