"""A session is lost on the address step: the cart and what was typed come back, to this browser only."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client

from cart import recovery
from checkout.models import Draft, Order
from checkout.placement import drafts, views
from checkout.tests.scenes import TYPED, URL, add, make_goods, make_service, pay, post, quote_of
from shop.web import middleware
from shop.web.sessions import SessionStore

pytestmark = pytest.mark.django_db

CART = "/en/cart/"
KEPT = "We kept your cart and what you had typed."
FORGET = "/en/checkout/forget/"


def lose_session(client, way="row"):
    if way == "row":
        Session.objects.all().delete()
    else:
        del client.cookies["session"]


def typed_and_left(client, *things):
    """The checkout page, with wrong input: what was typed is kept in the draft."""
    for variant, quantity in things:
        add(client, variant, quantity)
    page = post(client, email="", recipient="Typed Name")
    assert page.status_code == 200
    return page


@pytest.mark.parametrize("way", ["row", "cookie"])
def test_a_form_sent_after_the_session_was_lost_becomes_the_order_all_the_same(client, way):
    tea = make_goods()
    add(client, tea, 2)
    quote = quote_of(client.get(URL))
    lose_session(client, way)
    answer = client.post(URL, {**TYPED, "quote": quote})
    order = Order.objects.get()
    assert answer.url == f"/en/pay/{order.token}/"
    assert (order.lines.get().quantity, order.email) == (2, TYPED["email"])
    assert KEPT in client.get(answer.url).content.decode()


@pytest.mark.parametrize("way", ["row", "cookie"])
def test_a_form_that_was_wrong_comes_back_as_it_was_typed(client, way):
    tea, service = make_goods(), make_service()
    add(client, tea)
    add(client, service, 2)
    quote = quote_of(client.get(URL))
    lose_session(client, way)
    typed = {**TYPED, "line1": "", f"v{service.pk}-2-name": "Second Subject", "quote": quote}
    page = client.post(URL, typed).content.decode()
    assert "Please enter the street" in page
    for text in ("Mei Chan", "+852 9123 4567", "Second Subject"):
        assert f'value="{text}"' in page


@pytest.mark.parametrize("way", ["row", "cookie"])
def test_coming_back_later_finds_cart_and_answers(client, way):
    tea, service = make_goods(), make_service()
    typed_and_left(client, (tea, 3), (service, 1))
    lose_session(client, way)
    page = client.get(CART)
    assert {line.variant: line.quantity for line in page.context["cart"].lines} == {tea: 3, service: 1}
    assert KEPT in page.content.decode()
    page = client.get(URL).content.decode()
    assert 'value="Typed Name"' in page
    assert KEPT not in page, "told once"


def test_a_price_that_rose_meanwhile_is_told(client):
    tea = make_goods(price="168.00")
    typed_and_left(client, (tea, 1))
    tea.price = Decimal("200.00")
    tea.save()
    lose_session(client)
    assert "has changed from HK$168.00 to HK$200.00" in client.get(CART).content.decode()


def test_another_browser_gets_nothing_and_a_forged_cookie_neither(client):
    tea = make_goods()
    typed_and_left(client, (tea, 1))
    token = Draft.objects.get().token
    forged = {
        "token": token,
        "items": {str(tea.pk): 1},
    }
    for cookie in ("", "x", token, signing.dumps(forged, salt="another salt", compress=True)):
        stranger = Client()
        stranger.cookies[recovery.COOKIE] = cookie
        page = stranger.get(CART)
        assert page.context["cart"].is_empty
        assert Session.objects.count() == 1


def test_after_its_days_the_cookie_is_worth_nothing(client, monkeypatch):
    typed_and_left(client, (make_goods(), 1))
    lose_session(client)
    monkeypatch.setattr(recovery, "AGE", -1)
    assert client.get(CART).context["cart"].is_empty


def test_the_cookie_begins_at_the_checkout_and_is_guarded_like_the_sessions(client):
    add(client, make_goods())
    client.get(CART)
    assert recovery.COOKIE not in client.cookies
    cookie = client.get(URL).cookies[recovery.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == 7 * 24 * 3600
    assert client.get("/en/").cookies.get(recovery.COOKIE) is None


def test_placing_the_order_and_emptying_the_cart_end_it(client):
    tea = make_goods()
    add(client, tea)
    post(client)
    assert client.cookies[recovery.COOKIE].value == ""
    client.get(URL)
    assert client.cookies[recovery.COOKIE].value
    client.post("/en/cart/remove/", {"variant": tea.pk})
    assert client.cookies[recovery.COOKIE].value == ""


def test_it_follows_what_the_cart_holds(client):
    tea = make_goods()
    typed_and_left(client, (tea, 3))
    client.post("/en/cart/update/", {"variant": tea.pk, "quantity": 2})
    lose_session(client)
    assert [line.quantity for line in client.get(CART).context["cart"].lines] == [2]


def test_what_is_added_after_the_loss_joins_what_was_there(client):
    tea, other = make_goods(), make_goods("TEA-901")
    typed_and_left(client, (tea, 1))
    lose_session(client)
    add(client, other)
    assert {line.variant for line in client.get(CART).context["cart"].lines} == {tea, other}


def test_what_was_bought_does_not_come_back(client):
    add(client, make_goods())
    post(client)
    order = Order.objects.get()
    client.get(URL)  # back from the payment page: the cookie is there again
    pay(order)
    lose_session(client)
    assert client.get(CART).context["cart"].is_empty


def test_forgetting_deletes_cart_draft_and_cookie(client):
    typed_and_left(client, (make_goods(), 1))
    assert FORGET in client.get(URL).content.decode()
    assert client.get(FORGET).status_code == 405
    page = client.post(FORGET, follow=True)
    assert "What you had typed is deleted" in page.content.decode()
    assert page.context["cart"].is_empty
    assert not Draft.objects.exists()
    assert client.cookies[recovery.COOKIE].value == ""


@pytest.mark.parametrize("way", ["row", "cookie"])
def test_forgetting_works_after_the_session_was_lost(client, way):
    typed_and_left(client, (make_goods(), 1))
    lose_session(client, way)
    client.post(FORGET)
    assert not Draft.objects.exists()
    assert client.get(CART).context["cart"].is_empty


def test_forgetting_leaves_what_was_ordered(client):
    add(client, make_goods())
    post(client)
    client.post(FORGET)
    order = Order.objects.get()
    assert order.draft.data == {}
    assert (order.email, order.status) == (TYPED["email"], "pending")


def test_the_cookie_costs_no_statement(client, django_assert_max_num_queries):
    add(client, make_goods())
    client.get(URL)
    client.get(CART)
    with django_assert_max_num_queries(3):  # as without it: the session, the lines, the absences
        client.get(CART)


def test_the_other_language_takes_along_what_is_typed(client):
    """The button in the header is the form's; the Enter key presses another, which comes first."""
    add(client, make_goods())
    page = client.get(URL).content.decode()
    assert page.index('form="checkout-form"') < page.index('formaction="/zh-hant/checkout/"')
    assert "formaction" not in page[: page.index('form="checkout-form"') + 60]
    typed = {**TYPED, "email": "half typed", "action": "quote"}
    page = client.post("/zh-hant/checkout/", typed).content.decode()
    for text in ("half typed", "Mei Chan", "1 Nathan Road"):
        assert f'value="{text}"' in page
    assert "結算" in page
    assert not Order.objects.exists()


def test_what_was_typed_is_there_again_however_the_page_was_left(client):
    add(client, make_goods())
    left = client.post(URL, {**TYPED, "recipient": "Mei Ch", "action": "keep"})  # half a name, no quote
    assert (left.status_code, left.content) == (204, b"")
    assert 'value="Mei Ch"' in client.get(URL).content.decode()
    assert not Order.objects.exists()


def test_nothing_is_kept_of_what_was_typed_once_the_cart_is_empty(client):
    add(client, make_goods())
    client.get(URL)
    client.post("/en/checkout/forget/")
    assert client.post(URL, {**TYPED, "action": "keep"}).status_code == 204
    assert not Draft.objects.exists()


def test_it_stays_where_the_browser_has_another_session_already(client):
    """It was saved to the answer's session only: what locked the cart next read a row without one."""
    tea = make_goods()
    typed_and_left(client, (tea, 1))
    lose_session(client)
    other = SessionStore()
    other["unlocked"] = "a report"
    other.save()
    client.cookies["session"] = other.session_key
    for _ in range(2):
        cart = client.get(CART).context["cart"]
        assert {line.variant: line.quantity for line in cart.lines} == {tea: 1}
    assert SessionStore(other.session_key)["unlocked"] == "a report"


@pytest.mark.parametrize("limit", ["sessions", "offers"])
def test_a_form_that_is_refused_where_nothing_can_be_kept_comes_back(client, monkeypatch, limit):
    add(client, make_goods())
    client.get(URL)
    if limit == "sessions":
        monkeypatch.setattr(middleware, "NEW_SESSIONS", replace(middleware.NEW_SESSIONS, limit=1))
        lose_session(client)
    else:
        monkeypatch.setattr(views, "_asks_too_often", lambda *_: True)
        monkeypatch.setattr(drafts, "NEW_DRAFTS", replace(drafts.NEW_DRAFTS, limit=0))
    answer = client.post(URL, {**TYPED, "recipient": "Typed Name"})
    assert answer.status_code == 429
    assert "Typed Name" in answer.content.decode()
