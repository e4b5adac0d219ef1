"""What a buyer agrees to is kept with the order: which text, which version, in which language, when."""

import pytest

from checkout.models import Order
from checkout.tests.scenes import TYPED, URL, add, make_cart, make_goods, pay, place, quote_of
from shop import clock

pytestmark = pytest.mark.django_db

VERSIONS = ["TERMS_VERSION", "REFUND_VERSION", "PRIVACY_VERSION"]


def versions_of(order):
    order = Order.objects.get(pk=order.pk)
    return [order.terms_version, order.refund_version, order.privacy_version]


@pytest.fixture
def numbered(settings):
    for number, name in enumerate(VERSIONS):
        setattr(settings, name, f"v1-{number}")
    return settings


def test_an_order_keeps_its_versions_when_the_texts_change(numbered):
    before = clock.now()
    order = place(make_cart((make_goods(), 1)), language="zh-hant")
    for name in VERSIONS:
        setattr(numbered, name, "v2")
    order = pay(order)
    assert versions_of(order) == ["v1-0", "v1-1", "v1-2"]
    assert order.language == "zh-hant"
    assert before <= order.agreed_at <= clock.now()


def test_a_changed_order_agrees_to_the_versions_of_that_moment(numbered):
    cart = make_cart((make_goods(), 1))
    first = place(cart)
    for name in VERSIONS:
        setattr(numbered, name, "v2")
    second = place(cart, email="other@example.com")
    assert second.pk == first.pk
    assert versions_of(second) == ["v2"] * 3
    assert second.agreed_at > first.agreed_at


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("TERMS_VERSION", "Our terms have a new version."),
        ("REFUND_VERSION", "Our rules for returns and refunds have a new version."),
        ("PRIVACY_VERSION", "Our privacy notice has a new version."),
    ],
)
def test_a_text_that_changed_meanwhile_is_told_before_anything_is_ordered(client, settings, name, sentence):
    add(client, make_goods())
    quote = quote_of(client.get(URL))
    setattr(settings, name, "v9")
    response = client.post(URL, {**TYPED, "quote": quote})
    assert sentence in response.content.decode()
    assert not Order.objects.exists()
    client.post(URL, {**TYPED, "quote": quote_of(response)})
    assert "v9" in versions_of(Order.objects.get())


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_checkout_page_says_what_one_agrees_to_and_links_to_it(client, language):
    add(client, make_goods())
    page = client.get(f"/{language}/checkout/").content.decode()
    links = [f"/{language}/terms/", f"/{language}/terms/#returns", f"/{language}/privacy/"]
    assert [link for link in links if f'href="{link}"' not in page] == []
    assert 'id="returns"' in client.get(f"/{language}/terms/").content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_each_text_shows_its_version(client, numbered, language):
    terms = client.get(f"/{language}/terms/").content.decode()
    assert "v1-0" in terms
    assert "v1-1" in terms
    assert "v1-2" in client.get(f"/{language}/privacy/").content.decode()


def test_the_merchant_sees_what_was_agreed_to(merchant, numbered):
    order = pay(place(make_cart((make_goods(), 1))))
    page = merchant.get(f"/en/admin/checkout/order/{order.pk}/change/").content.decode()
    assert "Terms v1-0 · Returns and refunds v1-1 · Privacy v1-2 · English" in page
