"""One mailbox, however its address is typed: at the checkout, and at every later door that asks for it."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core import mail
from django.test import Client
from django.urls import reverse

from checkout.models import Order
from checkout.orders import corrections
from checkout.promotions.services import offer_for
from checkout.tests.promotion_scenes import coded, make_promotion
from checkout.tests.scenes import add, make_goods, pay, place, post
from consulting.tests import scenes
from consulting.tests.scenes import KEY, unlock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db

STORED = "mei@xn--bcher-kva.example"
SPELLINGS = [
    "mei@bücher.example",
    "mei@bücher.example\u200b",
    "Mei＠Bücher。example",
    "mailto:mei@BÜCHER.example",
    "mei@xn--bcher-kva.example,",
]


@pytest.fixture
def order():
    placed = scenes.unpaid_order()
    Order.objects.filter(pk=placed.pk).update(email=STORED)
    return scenes.pay(Order.objects.get(pk=placed.pk))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_checkout_stores_one_form_and_shows_it_readable(client, spelling):
    add(client, make_goods())
    page = client.get(post(client, email=spelling).url).content.decode()
    assert Order.objects.get().email.lower() == STORED
    assert "@bücher.example" in page.lower()


def test_key_and_order_page_open_by_each_spelling(order):
    for spelling in SPELLINGS:
        assert unlock(Client(), scenes.key_of(order), spelling).status_code == 302, spelling
        assert Client().post(order.get_absolute_url(), {"email": spelling}).status_code == 302, spelling


@pytest.mark.parametrize("spelling", SPELLINGS[1:3])
def test_the_worker_finds_order_and_key_by_another_spelling(client, order, spelling, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    client.post("/en/orders/find/", {"email": spelling, "number": ""})
    client.post(reverse("consulting:lost_key"), {"email": spelling, "number": order.number})
    deliver_outbox()
    assert [message.to for message in mail.outbox] == [[STORED], [STORED]]
    assert any(KEY.search(message.body) for message in mail.outbox)


def test_staff_give_an_order_to_a_mailbox_in_any_spelling(admin_client, order):
    url = reverse("admin:consulting_orderkey_deed", args=[order.keys.get().pk, "readdress"])
    assert admin_client.post(url, {"email": "jun＠例子。香港\u200b"}).status_code == 302
    assert Order.objects.get(pk=order.pk).email == "jun@xn--fsqu00a.xn--j6w193g"


def test_another_spelling_is_no_correction(order):
    for spelling in SPELLINGS:
        corrections.correct(order.pk, corrections.Correction(spelling))
    assert not OutboxMessage.objects.filter(topic="mail.email_corrected").exists()


def test_another_spelling_is_no_second_use_and_no_first_order():
    tea = make_goods()
    make_promotion("ONCE10", once_per_email=True)
    make_promotion("FIRST10", first_order_only=True)
    pay(place(coded("ONCE10", (tea, 1)), email=STORED))
    for spelling in SPELLINGS:
        for code, sentence in (("ONCE10", "has been used with"), ("FIRST10", "is for a first order")):
            assert sentence in offer_for(coded(code, (tea, 1)), code, email=spelling).problem, spelling


def test_rows_of_before_are_brought_into_the_form_and_nothing_is_lost():
    odd = {"mei@example.com\u200b": "mei@example.com", "Mei@BÜCHER.example": "Mei@xn--bcher-kva.example"}
    kept = {"": "", "no address": "no address", "Mei@example.com": "Mei@example.com"}
    orders = {}
    for before, after in (odd | kept).items():
        order = scenes.unpaid_order()
        Order.objects.filter(pk=order.pk).update(email=before)
        orders[order.pk] = after
    import_module("checkout.migrations.0016_typed_values").normalise_addresses(apps, None)
    assert dict(Order.objects.values_list("pk", "email")) == orders
