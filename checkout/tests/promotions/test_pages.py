"""Entering a promo code, seeing what it takes off everywhere, and being told when that changes."""

import re
from decimal import Decimal

import pytest
from django.core import mail
from django.test import Client

from cart.cart import Cart
from checkout.models import Order, Promotion
from checkout.promotions import views as promotion_views
from checkout.tests.promotion_scenes import make_promotion
from checkout.tests.scenes import TYPED, URL, add, make_goods, pay, post, quote_of
from shop.background import outbox
from shop.models import Try

pytestmark = pytest.mark.django_db

CART, ENTER = "/en/cart/", "/en/cart/promo/"


def enter(client, code):
    return client.post(ENTER, {"code": code})


def text(response):
    return response.content.decode()


def code_in(client):
    return Cart(client.session).promo_code


def test_a_code_is_entered_shown_and_removed(client):
    make_promotion(percent=10)
    add(client, make_goods(price="168.00"), 2)
    assert enter(client, "ｔｅｓｔ10").url == CART
    page = text(client.get(CART))
    for shown in ("Discount (TEST10)", "−HK$33.60", "HK$302.40", "Test offer"):
        assert shown in page
    assert 'name="code"' not in page
    client.post(ENTER, {"action": "remove"})
    page = text(client.get(CART))
    assert "Discount" not in page
    assert 'name="code"' in page


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "Please enter the promo code."),
        ("nosuch", "We do not know the promo code NOSUCH."),
        ("x" * 41, "too long for a promo code"),
        ("a<b", "We do not know the promo code A&lt;B."),
        ("tea3", "Please add 2 more."),
        ("\x00", "Please enter the promo code."),  # nobody sees that it is not empty
    ],
)
def test_a_code_that_cannot_be_used_is_told_at_its_field_and_stays_there(client, code, told):
    tea = make_goods()
    make_promotion("TEA3", scope="named", minimum_quantity=3, products=[tea])
    add(client, tea)
    response = enter(client, code)
    page = text(response)
    assert response.status_code == 200
    assert told in page
    assert 'href="#id_code"' in page
    assert re.search(r'<input type="text" name="code"[^>]*aria-invalid="true"', page)
    assert re.search(r"<details[^>]* open>", page)
    assert code_in(client) == ""


def test_a_wrong_code_leaves_the_right_one_in_place(client):
    make_promotion()
    add(client, make_goods())
    enter(client, "test10")
    enter(client, "nosuch")
    assert code_in(client) == "TEST10"


def test_one_code_replaces_another(client):
    make_promotion("ONE10")
    make_promotion("TWO20", percent=20)
    add(client, make_goods(price="100.00"))
    enter(client, "one10")
    client.get(CART)
    enter(client, "two20")
    page = text(client.get(CART))
    assert "−HK$20.00" in page
    assert "ONE10" not in page


def test_a_code_that_stops_applying_stays_and_says_why(client):
    tea = make_goods()
    make_promotion("TEA3", scope="named", minimum_quantity=3, products=[tea])
    add(client, tea, 3)
    enter(client, "tea3")
    client.post("/en/cart/update/", {"variant": tea.pk, "quantity": 2})
    for page in (text(client.get(CART)), text(client.get(URL))):
        assert "Please add 1 more." in page
        assert "Discount" not in page
    client.post("/en/cart/update/", {"variant": tea.pk, "quantity": 3})
    assert "Discount (TEA3)" in text(client.get(CART))


def test_codes_cannot_be_guessed(client):
    make_promotion()
    add(client, make_goods())
    for number in range(10):
        assert enter(client, f"GUESS{number}").status_code == 200
    response = enter(client, "test10")
    assert response.status_code == 429
    assert "Please try again in 15 minutes" in text(response)
    assert 'value="test10"' in text(response)
    assert code_in(client) == ""


def test_known_codes_that_do_not_apply_are_no_guesses(client):
    make_promotion(minimum_quantity=5)
    add(client, make_goods())
    for _ in range(12):
        enter(client, "test10")
    assert not Try.objects.filter(purpose=promotion_views.CODE_GUESSES.scope).exists()


def test_an_empty_cart_takes_no_code_and_begins_no_session(client):
    make_promotion()
    assert enter(client, "test10").url == CART
    assert not client.session.items()
    assert client.get(ENTER).status_code == 405


def test_a_form_of_another_site_changes_no_code():
    browser = Client(enforce_csrf_checks=True)
    assert enter(browser, "test10").status_code == 403


# --- from the checkout to the mails ---


def test_the_discount_is_shown_from_the_checkout_to_the_mails(client, settings):
    make_promotion(percent=10)
    add(client, make_goods(price="168.00"), 2)
    enter(client, "test10")
    assert "Discount (TEST10)" in text(client.get(URL))
    order = order_of(client)
    assert (order.discount_total, order.total) == (Decimal("33.60"), Decimal("332.40"))
    pay(order)
    while outbox.deliver_next():
        pass
    confirmation = next(message for message in mail.outbox if message.to == ["mei@example.com"])
    merchant = next(message for message in mail.outbox if message.to == settings.MERCHANT_EMAILS)
    html = confirmation.alternatives[0].content
    for told in (text(client.get(order.get_absolute_url())), confirmation.body, html):
        assert "Discount (TEST10)" in told
        assert "−HK$33.60" in told
    assert "折扣" in merchant.body
    assert "−HK$33.60" in merchant.body


def test_free_shipping_by_code_says_so_on_every_page(client):
    make_promotion("POST0", kind=Promotion.Kind.FREE_SHIPPING)
    add(client, make_goods(price="168.00"))
    enter(client, "post0")
    assert "The shipping fee is taken off on the next page." in text(client.get(CART))
    assert "free with POST0" in text(client.get(URL))
    assert text(post(client, region="HK")) == ""
    order = Order.objects.get()
    assert (order.shipping_total, order.total) == (Decimal(0), Decimal("168.00"))
    assert "free with POST0" in text(client.get(order.get_absolute_url()))


# --- what changed meanwhile ---


def seen_and_typed(client, **fields):
    make_promotion(**({"percent": 10} | fields))
    add(client, make_goods(price="168.00"))
    enter(client, "test10")
    return {**TYPED, "quote": quote_of(client.get(URL))}


def test_a_code_that_expired_meanwhile_is_told_and_nothing_is_ordered(client):
    typed = seen_and_typed(client)
    Promotion.objects.update(is_active=False)
    page = text(client.post(URL, typed))
    assert "This has changed since you last looked" in page
    assert "The promo code TEST10 is not valid at present." in page
    assert "from HK$16.80 to HK$0.00" in page
    assert "from HK$181.20 to HK$198.00" in page
    assert not Order.objects.exists()
    answer = client.post(URL, {**TYPED, "quote": quote_of(client.get(URL))})
    assert answer.status_code == 302
    assert Order.objects.get().total == Decimal("198.00")


def test_the_last_use_that_goes_while_the_order_is_written_is_told(client, monkeypatch):
    """After the page's own comparison, before the count under the lock."""
    from checkout import services

    typed = seen_and_typed(client, max_uses=1)
    place_order = services.place_order

    def too_late(*arguments, **details):
        Promotion.objects.update(max_uses=0)
        monkeypatch.setattr(services, "place_order", place_order)
        return place_order(*arguments, **details)

    monkeypatch.setattr(services, "place_order", too_late)
    page = text(client.post(URL, typed))
    assert "The promo code TEST10 has been used up." in page
    assert "from HK$181.20 to HK$198.00" in page
    assert not Order.objects.exists()


def test_whose_order_it_is_counts_as_soon_as_it_is_typed(client):
    pay_first = seen_and_typed(client, first_order_only=True)
    client.post(URL, pay_first)
    pay(Order.objects.get())
    other = Client()
    add(other, make_goods("TEA-902", price="168.00"))
    enter(other, "test10")
    typed = {**TYPED, "quote": quote_of(other.get(URL))}
    answer = other.post(URL, typed)
    assert "is for a first order; it cannot be used with this e-mail address" in text(answer)
    assert Order.objects.count() == 1
    again = other.post(URL, {**TYPED, "quote": quote_of(answer)})
    assert again.status_code == 302
    assert Order.objects.latest("pk").discount_total == 0


def test_nobody_can_ask_for_many_addresses_whether_they_have_ordered(client):
    make_promotion(first_order_only=True)
    tea = make_goods()
    add(client, tea)
    pay(order_of(client))
    other = Client()
    add(other, tea)
    enter(other, "test10")
    answers = [other.post(URL, {"action": "quote", "email": "mei@example.com"}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    for number in range(3):  # a draft is read as often as anybody likes: nothing is asked about what it holds
        email = f"{'mei' if number else 'nobody'}@example.com"
        assert other.post(URL, {"action": "keep", "email": email}).status_code == 204
        page = text(other.get(URL))
        assert email in page
        assert "Discount (TEST10)" in page


@pytest.mark.parametrize("email", ["\x00@x.y", "mei@", "' OR 1=1", "x" * 5000 + "@x.y"])
def test_what_is_no_address_yet_asks_about_nobody(client, email):
    make_promotion(first_order_only=True)
    add(client, make_goods())
    enter(client, "test10")
    for fields in ({"action": "quote"}, {"quote": "x"}):
        answer = client.post(URL, {**TYPED, **fields, "email": email})
        assert answer.status_code == 200
        assert "Discount (TEST10)" in text(answer)


def order_of(client):
    client.post(URL, {**TYPED, "quote": quote_of(client.get(URL))})
    return Order.objects.get()


def test_a_made_up_discount_in_the_page_changes_nothing(client):
    """I26: only what we signed counts, and only if it is still so."""
    typed = seen_and_typed(client)
    forged = {"discount_total": "150.00", "discount": "150.00", "total": "1.00", "promo_code": "FREE"}
    client.post(URL, {**typed, **forged})
    order = Order.objects.get()
    assert (order.discount_total, order.total, order.promo_code) == (
        Decimal("16.80"), Decimal("181.20"), "TEST10",
    )  # fmt: skip
