"""Nothing in a cart changes silently: old and new, told once, in every tab."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client

from cart.cart import KEY, Cart
from catalog.models import Product, Variant
from catalog.tests.shelf import goods, only_variant
from shop.tests.harness.effort import times

from .scenes import cart_of, html, post, said

pytestmark = pytest.mark.django_db

BOX = "This has changed since you last looked"
CART = "/en/cart/"


def changes(page):
    """The sentences of the box; none without one."""
    box = re.search(rf"<h2>{BOX}</h2>\s*<ul>(.*?)</ul>", page, re.S)
    return re.findall(r"<li>(.*?)</li>", box.group(1)) if box else []


def look_of(page):
    return re.search(r'name="look" value="(\w+)"', page).group(1)


def tab_of(client):
    tab = Client()
    tab.cookies = client.cookies
    return tab


@pytest.fixture
def tea(client):
    """Two in the cart, at 10.00, ten on the shelf."""
    variant = only_variant(goods(name_en="Tea", price="10.00"))
    post(client, "add", variant, quantity=2)
    return variant


def price(variant, amount):
    Variant.objects.filter(pk=variant.pk).update(price=amount)


@pytest.mark.parametrize("new", ["12.00", "8.50"])
def test_a_price_that_changed_is_told_old_and_new_and_once(client, tea, new):
    html(client)
    price(tea, new)
    assert changes(html(client)) == [f"The price of Tea has changed from HK$10.00 to HK${new}."]
    assert changes(html(client)) == []


def test_a_price_that_rose_between_adding_and_the_first_look_is_told(client, tea):
    price(tea, "12.00")
    assert changes(html(client)) == ["The price of Tea has changed from HK$10.00 to HK$12.00."]


def test_more_of_it_does_not_make_the_first_price_forgotten(client, tea):
    price(tea, "12.00")
    post(client, "add", tea, quantity=1)
    assert changes(html(client)) == ["The price of Tea has changed from HK$10.00 to HK$12.00."]


def test_two_changes_between_two_looks_are_one_piece_of_news(client, tea):
    html(client)
    price(tea, "12.00")
    price(tea, "10.00")
    assert changes(html(client)) == []


def test_a_quantity_that_cannot_be_had_any_more_is_told_and_blocks(client, tea):
    html(client)
    Variant.objects.update(on_hand=1)
    page = html(client)
    assert changes(page) == ["Tea: Only 1 left. Please change the quantity."]
    assert "Please mend the marked lines first" in page
    page = html(client)
    assert changes(page) == []
    assert "Only 1 left. Please change the quantity." in page
    Variant.objects.update(on_hand=9)
    assert changes(html(client)) == ["Tea can be ordered again."]


def test_what_was_withdrawn_stays_visible_and_blocks_with_a_reason(client, tea):
    html(client)
    Product.objects.update(is_active=False)
    page = html(client)
    assert changes(page) == ["Tea: This is no longer available. Please remove it."]
    assert 'class="cart-line has-problem"' in page
    assert client.get("/en/checkout/").url == CART


def test_the_visitors_own_changes_are_no_news(client, tea):
    page = html(client)
    post(client, "update", tea, quantity=5, look=look_of(page))
    page = html(client)
    assert changes(page) == []
    cup = only_variant(goods(name_en="Cup"))
    post(client, "add", cup, quantity=1)
    page = html(client)
    post(client, "remove", cup, look=look_of(page))
    assert changes(html(client)) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.head(CART),
        lambda client: client.get(CART, headers={"Sec-Purpose": "prefetch"}),
        lambda client: client.get(CART, headers={"Sec-Purpose": "prefetch;prerender"}),
        lambda client: client.get(CART, headers={"Sec-Fetch-Dest": "empty"}),
        lambda client: client.get("/en/"),
        lambda client: client.post("/en/cart/update/", {"variant": "x"}),
    ],
)
def test_only_a_page_that_was_shown_has_been_seen(client, tea, ask):
    html(client)
    price(tea, "12.00")
    ask(client)
    assert len(changes(html(client))) == 1


def test_a_page_that_broke_has_not_been_seen(client, tea, monkeypatch):
    from cart import views

    html(client)
    price(tea, "12.00")

    def broken(*_arguments):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(views, "render", broken)
        with pytest.raises(RuntimeError):
            html(client)
    assert len(changes(html(client))) == 1


def test_the_checkout_tells_it_where_the_visitor_lands_there_first(client, tea):
    html(client)
    price(tea, "12.00")
    page = html(client, "/en/checkout/")
    assert changes(page) == ["The price of Tea has changed from HK$10.00 to HK$12.00."]
    assert changes(html(client, "/en/checkout/")) == []
    assert changes(html(client)) == []


def test_amounts_that_a_script_fetches_bring_their_news_along(client, tea):
    """It puts the quote of the answer into the page, and nothing else of it."""
    html(client, "/en/checkout/")
    price(tea, "12.00")
    sent = {"action": "quote", "region": "TW"}
    page = client.post("/en/checkout/", sent, headers={"Sec-Fetch-Dest": "empty"}).content.decode()
    quote = page.partition('id="quote"')[2]
    assert "The price of Tea has changed from HK$10.00 to HK$12.00." in quote
    assert len(changes(html(client))) == 1  # nobody knows whether that was shown


# --- two tabs ---


def test_what_another_tab_changed_is_told_in_this_one(client, tea):
    cup = only_variant(goods(name_en="Cup"))
    post(client, "add", cup, quantity=1)
    old = look_of(html(client))  # this tab shows two teas and a cup
    other = tab_of(client)
    page = html(other)
    post(other, "update", tea, quantity=5, look=look_of(page))
    plate = only_variant(goods(name_en="Plate"))
    post(other, "add", plate, quantity=1)
    assert changes(html(other)) == []

    post(client, "update", cup, quantity=2, look=old)
    assert changes(html(client)) == [
        "The quantity of Tea has changed from 2 to 5.",
        "Plate has been added to your cart.",
    ]
    assert cart_of(client) == {tea.pk: 5, cup.pk: 2, plate.pk: 1}
    assert changes(html(client)) == []


def test_what_another_tab_removed_is_told_in_this_one(client, tea):
    cup = only_variant(goods(name_en="Cup"))
    post(client, "add", cup, quantity=1)
    old = look_of(html(client))
    other = tab_of(client)
    post(other, "remove", tea, look=look_of(html(other)))
    html(other)
    response = post(client, "update", cup, quantity=3, look=old)
    assert changes(html(client, response.url)) == ["Tea is no longer in your cart."]
    response = post(client, "update", tea, quantity=3, look=old)
    assert said(response)[-1] == "Tea is not in your shopping cart."


def test_a_quantity_over_another_tabs_says_what_it_replaced(client, tea):
    old = look_of(html(client))
    other = tab_of(client)
    post(other, "update", tea, quantity=5, look=look_of(html(other)))
    html(other)
    response = post(client, "update", tea, quantity=3, look=old)
    assert "The quantity of Tea had meanwhile been changed to 5." in said(response)
    assert cart_of(client) == {tea.pk: 3}


def test_a_price_that_only_another_tab_told_of_is_told_on_the_way_to_the_checkout(client, tea):
    page = html(client)
    price(tea, "12.00")
    assert len(changes(html(tab_of(client)))) == 1
    link = re.search(r'href="(/en/checkout/\?look=\w+)"', page).group(1)
    answer = client.get(link)
    assert answer.url == "/en/checkout/"  # the address to come back to says nothing of the past
    assert len(changes(html(client, answer.url))) == 1
    assert changes(html(client, answer.url)) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(times(1, 5)))
def test_looking_and_clicking_at_once_lose_nothing(client, _):
    """A look is written to the session too: it must not undo a click."""
    tea, cup = (only_variant(goods(name_en=name, stock=50)) for name in ("Tea", "Cup"))
    post(client, "add", tea, quantity=1)

    def act(number):
        tab = tab_of(client)
        try:
            if number % 2:
                Variant.objects.filter(pk=tea.pk).update(price=10 + number)
                return tab.get(CART).status_code
            return post(tab, "add", cup, quantity=1).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(act, range(20))) == {200, 302}
    assert cart_of(client) == {tea.pk: 1, cup.pk: 10}


# --- sessions ---


def test_a_session_from_before_has_no_news_and_learns(client, tea):
    session = client.session
    session[KEY] = {"token": "t", "items": {str(tea.pk): 2}}
    session.save()
    client.cookies["session"] = session.session_key
    cup = only_variant(goods(name_en="Cup"))
    post(client, "add", cup, quantity=1)
    assert changes(html(client)) == []
    price(tea, "12.00")
    assert changes(html(client)) == ["The price of Tea has changed from HK$10.00 to HK$12.00."]


@pytest.mark.parametrize(
    "looks",
    [
        None,
        5,
        [],
        {"last": 3, "pages": 4},
        {"last": {"x": ["1", 1, 1], "1": "no", "2": ["a", 1, 1]}, "pages": {"a": 1}},
        {"last": {"1": ["NaN", 1, 1], "²": ["1", 1, 1], "9" * 30: ["1.00", -5, 7]}, "pages": {"a": {"b": 2}}},
    ],
)
def test_nonsense_in_the_session_is_no_news(looks, tea):
    session = SessionStore()
    session[KEY] = {"token": "t", "items": {str(tea.pk): 2}, "looks": looks, "code": 7}
    cart = Cart(session)
    assert cart.promo_code == ""
    assert [line.quantity for line in cart.lines] == [2]
    assert isinstance(cart.changes, list)


def test_a_session_does_not_grow_with_the_looks(client, tea):
    for number in range(12):
        price(tea, 20 + number)
        html(client)
    assert len(client.session[KEY]["looks"]["pages"]) == 5


def test_a_made_up_look_is_ignored(client, tea):
    html(client)
    for look in ("", "x" * 500, "\x00", "__proto__"):
        post(client, "update", tea, quantity=2, look=look)
        assert client.get("/en/checkout/", {"look": look}).status_code == 302
        assert changes(html(client)) == []
