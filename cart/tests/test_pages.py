"""The cart page and its buttons, as a browser uses them."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from cart.cart import MAX_LINES
from catalog.models import Product, Variant
from catalog.tests.shelf import goods, only_variant, service

from .scenes import cart_of, html, post, said

pytestmark = pytest.mark.django_db


def test_adding_leads_back_to_the_product_and_says_so(client):
    variant = only_variant(goods(name_en="Tea <b>"))
    response = post(client, "add", variant, quantity=2)
    assert response.status_code == 302
    assert response.url == variant.product.get_absolute_url()
    page = html(client, response.url)
    assert "Tea &lt;b&gt; has been added to your shopping cart." in page
    assert re.search(r'<a href="/en/cart/">View Shopping Cart</a>', page)
    assert 'role="status"' in page
    assert cart_of(client) == {variant.pk: 2}


def test_the_cart_works_in_chinese(client):
    variant = only_variant(goods())
    client.post("/zh-hant/cart/add/", {"variant": variant.pk, "quantity": 1})
    page = html(client, "/zh-hant/cart/")
    assert "購物車" in page
    assert variant.product.name_zh_hant in page


def test_the_page_groups_goods_and_services_and_sums_them(client):
    post(client, "add", only_variant(goods(price="12.50")), quantity=3)
    post(client, "add", only_variant(service(price="880.00")), quantity=2)
    page = html(client)
    for text in ("Product list", "Service list", "HK$37.50", "HK$1,760.00", "HK$1,797.50"):
        assert text in page
    assert re.search(r'<a [^>]*href="/en/checkout/\?look=\w+"[^>]*>Checkout</a>', page)


def test_an_empty_cart_shows_ways_on_and_no_checkout(client):
    page = html(client)
    assert "/en/#products" in page
    assert "/en/checkout/" not in page


def test_a_blocked_cart_says_why_and_has_no_checkout(client):
    variant = only_variant(goods(stock=2))
    post(client, "add", variant, quantity=2)
    Variant.objects.update(on_hand=1)
    page = html(client)
    assert "Only 1 left. Please change the quantity." in page
    assert f'aria-describedby="problem-{variant.pk}"' in page
    assert "/en/checkout/" not in page


@pytest.mark.failure("F60")
@pytest.mark.parametrize("quantity", ["2", "２", " 2 ", "+2", "02", "二", "2 books", "兩本", "２件"])
def test_a_quantity_is_read_as_people_write_it(client, quantity):
    variant = only_variant(goods())
    post(client, "add", variant, quantity=quantity)
    assert cart_of(client) == {variant.pk: 2}


@pytest.mark.failure("F62")
@pytest.mark.parametrize(
    ("quantity", "told"),
    [
        ("", "Please enter the quantity."),
        ("abc", "Please enter the quantity as a whole number, for example 2."),
        ("1.5", "Please enter the quantity as a whole number, for example 2."),
        ("1e9", "Please enter the quantity as a whole number, for example 2."),
        ("--1", "Please enter the quantity as a whole number, for example 2."),
        ("-1", "The quantity cannot be less than 0."),
        ("−3", "The quantity cannot be less than 0."),
        ("\x00", None),
        ("'; DROP TABLE", "Please enter the quantity as a whole number, for example 2."),
    ],
)
@pytest.mark.parametrize("action", ["add", "update"])
def test_a_quantity_that_is_none_is_refused_in_words(client, action, quantity, told):
    variant = only_variant(goods())
    post(client, "add", variant, quantity=1)
    html(client)
    response = post(client, action, variant, quantity=quantity)
    assert response.status_code == 302
    assert cart_of(client) == {variant.pk: 1}
    assert told is None or said(response)[-1].endswith(told)
    if "whole number" in (told or ""):
        assert f"“{quantity}” cannot be read." in said(response)[-1]  # typed text is shown again
    back = variant.product.get_absolute_url() if action == "add" else "/en/cart/"
    assert response.url == back


@pytest.mark.failure("F62")
@pytest.mark.parametrize("quantity", ["1000000", "9" * 400])
def test_too_many_become_as_many_as_there_are(client, quantity):
    variant = only_variant(goods(stock=7))
    response = post(client, "add", variant, quantity=quantity)
    assert said(response)[-1].startswith("Only 7 left of Thing")
    assert said(response)[-1].endswith("Quantity in your shopping cart: 7.")
    assert cart_of(client) == {variant.pk: 7}


def test_nothing_to_add_is_said(client):
    response = post(client, "add", only_variant(goods()), quantity=0)
    assert said(response) == ["Please enter a quantity of at least 1."]


def test_the_shops_limit_is_said(client):
    variant = only_variant(goods(max_per_order=2))
    response = post(client, "add", variant, quantity=3)
    assert said(response)[-1].startswith("At most 2 of Thing")
    response = post(client, "add", variant, quantity=1)
    assert said(response)[-1].startswith("At most 2 of Thing")
    assert cart_of(client) == {variant.pk: 2}


def test_sold_out_and_withdrawn_things_are_refused_in_words(client):
    assert said(post(client, "add", only_variant(goods(stock=0)), quantity=1))[0].endswith("is sold out.")
    hidden = only_variant(goods(is_active=False))
    response = post(client, "add", hidden, quantity=1)
    assert said(response)[-1].endswith("cannot be ordered at present.")
    assert client.get(response.url).status_code == 200


@pytest.mark.parametrize("variant", ["", "0", "-1", "abc", "9" * 30, "\x00", "1 OR 1=1"])
@pytest.mark.parametrize("action", ["add", "update", "remove"])
def test_an_unknown_variant_is_refused_in_words(client, action, variant):
    response = post(client, action, variant, quantity=1)
    assert response.status_code == 302
    assert response.url == "/en/cart/"
    assert len(said(response)) == 1


def test_missing_fields_are_refused_in_words(client):
    for action in ("add", "update", "remove"):
        response = client.post(f"/en/cart/{action}/", {})
        assert response.status_code == 302
        assert said(response)


def test_the_quantity_can_be_changed(client):
    variant = only_variant(goods())
    post(client, "add", variant, quantity=2)
    assert post(client, "update", variant, quantity=5).url == "/en/cart/"
    assert cart_of(client) == {variant.pk: 5}


def test_changing_what_is_not_in_the_cart_says_so(client):
    response = post(client, "update", only_variant(goods()), quantity=2)
    assert said(response)[0].endswith("is not in your shopping cart.")
    assert cart_of(client) == {}


@pytest.mark.parametrize("way", [{"action": "remove"}, {"action": "update", "quantity": 0}])
def test_what_is_removed_can_be_put_back(client, way):
    variant = only_variant(goods())
    post(client, "add", variant, quantity=3)
    response = post(client, variant=variant, **way)
    assert cart_of(client) == {}
    page = html(client, response.url)
    fields = dict(re.findall(r'name="(variant|quantity|next)" value="([^"]*)"', page))
    assert "Undo" in page
    client.post("/en/cart/add/", fields)
    assert cart_of(client) == {variant.pk: 3}
    assert "Undo" not in html(client, response.url)


@pytest.mark.parametrize(
    "query",
    [
        "removed=",
        "removed=abc",
        "removed=99999999999999999999&quantity=1",
        "removed=1&quantity=-5",
        "removed=%00",
    ],
)
def test_a_made_up_undo_is_ignored(client, query):
    response = client.get("/en/cart/?" + query)
    assert response.status_code == 200
    assert "Undo" not in response.content.decode()


def test_the_badge_is_the_sum_of_the_lines_on_every_page(client):
    product = goods(is_featured=True)
    post(client, "add", only_variant(product), quantity=2)
    post(client, "add", only_variant(service()), quantity=1)
    for path in ("/en/", product.get_absolute_url(), "/en/cart/"):
        assert re.search(r'class="cart-count"[^>]*>3<', html(client, path)), path
        assert client.get(path).context["cart_count"] == 3


def test_a_full_cart_says_so(client):
    *fitting, last = goods(variants=MAX_LINES + 1).variants.all()
    session = client.session
    session["cart"] = {"token": "t", "items": {str(variant.pk): 1 for variant in fitting}}
    session.save()
    client.cookies["session"] = session.session_key
    response = post(client, "add", last, quantity=1)
    assert said(response) == [f"A shopping cart holds at most {MAX_LINES} different items."]


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/en/cart/", "/en/cart/"),
        ("/en/category/tea/?in_stock=1", "/en/category/tea/?in_stock=1"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example", None),
        ("javascript:alert(1)", None),
        ("\thttps://evil.example", None),
        ("", None),
    ],
)
def test_the_way_back_stays_in_the_shop(client, target, goes):
    variant = only_variant(goods())
    response = post(client, "add", variant, quantity=1, next=target)
    assert response.url == (goes or variant.product.get_absolute_url())


def test_a_visit_changes_nothing(client):
    variant = only_variant(goods())
    post(client, "add", variant, quantity=2)
    for action in ("add", "update", "remove"):
        response = client.get(f"/en/cart/{action}/", {"variant": variant.pk, "quantity": 1})
        assert response.status_code == 405
    for path in ("/en/cart/", f"/en/cart/?removed={variant.pk}&quantity=1", "/en/"):
        client.get(path)
        client.head(path)
    assert cart_of(client) == {variant.pk: 2}


def test_a_form_of_another_site_adds_nothing():
    client = Client(enforce_csrf_checks=True)
    assert post(client, "add", only_variant(goods()), quantity=1).status_code == 403
    assert Session.objects.count() == 0


def test_a_session_begins_with_the_first_item_only(client):
    html(client)
    html(client, "/en/")
    assert Session.objects.count() == 0
    post(client, "add", only_variant(goods(stock=0)), quantity=1)
    assert Session.objects.count() == 0
    post(client, "add", only_variant(goods()), quantity=1)
    assert Session.objects.count() == 1


def test_a_lost_session_is_an_empty_cart(client):
    variant = only_variant(goods())
    post(client, "add", variant, quantity=1)
    Session.objects.all().delete()
    assert html(client)
    post(client, "add", variant, quantity=1)
    assert cart_of(client) == {variant.pk: 1}


def test_the_cart_page_asks_the_database_little(client, django_assert_max_num_queries):
    for product in (goods(), goods(), service(), goods(max_per_order=3)):
        post(client, "add", only_variant(product), quantity=1)
    html(client)
    with django_assert_max_num_queries(3):  # the session, the lines, the absences that move a report
        html(client)


def test_a_deleted_product_leaves_the_cart_without_a_trace(client):
    product = goods()
    post(client, "add", only_variant(product), quantity=1)
    Product.objects.get(pk=product.pk).delete()
    response = client.get("/en/cart/")
    assert response.context["cart_count"] == 0
    assert response.context["cart"].is_empty
