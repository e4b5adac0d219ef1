"""What was seen is what is ordered: cart and prices that change between the look, the click and the order.

The defence is the digest of the quote that the page showed. It is first taken away.
"""

from unittest.mock import ANY

import pytest
from django.test import Client

from catalog.models import Variant
from checkout.models import Order
from checkout.placement import views
from checkout.tests.scenes import TYPED, URL, add, make_goods, quote_of
from shop.tests.harness.races import while_held

pytestmark = pytest.mark.django_db(transaction=True)

SEEN = 2 * 168


def edit_the_cart(client: Client) -> None:
    """In another tab of the same browser."""
    tab = Client()
    tab.cookies = client.cookies
    add(tab, make_goods("TEA-901", price="50.00"))


def raise_the_price(client: Client) -> None:
    Variant.objects.filter(sku="TEA-900").update(price="999.00")


changes = pytest.mark.parametrize("change", [edit_the_cart, raise_the_price])


@pytest.fixture
def click(client):
    """The page has been seen; what pressing its button posts."""
    add(client, make_goods(price="168.00", on_hand=5), 2)
    typed = {**TYPED, "quote": quote_of(client.get(URL))}
    return lambda: client.post(URL, typed)


def ordered() -> list[tuple[str, int]]:
    return [(line.sku, line.unit_price * line.quantity) for line in Order.objects.get().lines.all()]


@changes
def test_without_the_digest_something_is_ordered_that_nobody_saw(client, click, change, monkeypatch):
    class NeverDifferent:
        digest = ANY

    monkeypatch.setattr(views, "read_signed", lambda text: NeverDifferent)
    change(client)
    click()
    assert ordered() != [("TEA-900", SEEN)]


@pytest.mark.failure("F51", "F56")
@changes
def test_a_change_after_the_look_is_shown_and_nothing_is_ordered(client, click, change):
    change(client)
    answer = click()
    assert "This has changed since you last looked" in answer.content.decode()
    assert not Order.objects.exists()


@pytest.mark.failure("F53", "F56")
@changes
def test_a_change_while_the_order_is_written_leaves_it_as_it_was_seen(client, click, change, monkeypatch):
    answer, _done = while_held(monkeypatch, "before_order_placed", click, lambda: change(client))
    assert answer.status_code == 302
    assert ordered() == [("TEA-900", SEEN)]
    order = Order.objects.get()
    assert (order.goods_total, order.total) == (SEEN, SEEN + order.shipping_total)
