"""The order key belongs to the e-mail address the order has now."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from checkout.orders import corrections
from checkout.orders.corrections import Correction
from checkout.tests.scenes import make_cart, make_service, pay, place
from consulting.keys import services as keys
from consulting.tests.scenes import key_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return pay(place(make_cart((make_service(), 1))))


def test_the_key_opens_with_the_new_address_and_no_longer_with_the_old(order):
    key = key_of(order)
    corrections.correct(order.pk, Correction("right@example.com"))
    with pytest.raises(keys.NotOpened):
        keys.unlock(key, "mei@example.com")
    assert keys.unlock(key, "right@example.com").order == order


def test_a_browser_that_named_the_old_address_is_not_let_in_without_an_address(order):
    browser = Client()
    browser.post(order.get_absolute_url(), {"email": "mei@example.com"})
    corrections.correct(order.pk, Correction("right@example.com"))
    page = browser.post(reverse("consulting:unlock"), {"order_key": key_of(order), "email": ""})
    assert page.status_code == 200


def test_the_key_itself_goes_to_the_new_mailbox_only(order, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    corrections.correct(order.pk, Correction("right@example.com"))
    deliver_outbox()
    holders = [message.to for message in mail.outbox if key_of(order) in message.body]
    assert holders == [["right@example.com"]]
