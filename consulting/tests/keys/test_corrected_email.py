"""The order key belongs to the e-mail address the order has now."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from checkout.models import Order
from checkout.orders import corrections
from checkout.orders.corrections import Correction
from checkout.signals import collect_sections
from checkout.tests.scenes import make_cart, make_service, pay, place, placed_in
from consulting import access
from consulting.keys import lifecycle
from consulting.keys import mails as key_mails
from consulting.keys import services as keys
from consulting.models import Case
from consulting.reports import services as reports
from consulting.tests.scenes import KEY, TEXT, key_of, published, staff, unlock

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return pay(place(make_cart((make_service(), 1))))


def test_the_key_that_the_wrong_mailbox_was_sent_opens_nothing_and_a_new_one_does(order):
    reader = staff("lin", "change_report")
    key = key_of(order)
    keys.open_with_key(reader, key)
    case = Case.objects.get(line__order=order)
    assert access.may_read(reader, case)
    corrections.correct(order.pk, Correction("right@example.com"))
    for email in ("mei@example.com", "right@example.com"):
        with pytest.raises(keys.NotOpened):
            keys.unlock(key, email)
    with pytest.raises(keys.NotOpened):
        keys.open_with_key(reader, key)
    assert not access.may_read(reader, case), "it was told by whoever had the key"
    with pytest.raises(keys.NotOpened):
        keys.unlock(key_of(order), "mei@example.com")
    assert keys.unlock(key_of(order), "right@example.com").order == order


def test_what_the_wrong_mailbox_has_opened_is_closed(order):
    reader = Client()
    unlock(reader, key_of(order), "mei@example.com")
    assert reader.get(reverse("consulting:index")).status_code == 200
    corrections.correct(order.pk, Correction("right@example.com"))
    corrections.correct(order.pk, Correction("mei@example.com"))
    assert reader.get(reverse("consulting:index")).status_code == 302, "not even once it is right after all"


def test_a_report_opens_with_the_new_key(order):
    case = Case.objects.get(line__order=order)
    published(case, staff("lin", "change_case", "change_report"))
    corrections.correct(order.pk, Correction("right@example.com"))
    order_key = keys.unlock(key_of(order), "right@example.com")
    assert reports.open_report(case, order_key)[1].text == TEXT


def test_a_dispute_does_not_keep_the_old_key_and_a_revoked_one_is_not_replaced(order):
    key = key_of(order)
    Order.objects.filter(pk=order.pk).update(is_disputed=True)
    corrections.correct(order.pk, Correction("right@example.com"))
    assert key_of(order) != key
    lifecycle.revoke(order.keys.get(state="active"), actor="boss")
    corrections.correct(order.pk, Correction("other@example.com"))
    assert not order.keys.filter(state="active").exists()


def test_the_browser_that_placed_the_order_shows_the_new_key(order):
    buyer, old = placed_in(Client(), order), key_of(order)
    buyer.post(reverse("checkout:correct", args=[order.token]), {"email": "right@example.com"})
    page = re.sub("<[^>]+>", "", buyer.get(order.get_absolute_url()).content.decode())
    assert set(KEY.findall(page)) == {key_of(order)} != {old}


def test_a_mail_being_made_for_the_old_mailbox_does_not_bring_it_the_new_key(order):
    as_it_was = Order.objects.get(pk=order.pk)
    corrections.correct(order.pk, Correction("right@example.com"))
    (section,) = collect_sections(as_it_was, reveal=True)
    assert "key_groups" not in section.context
    mail.outbox.clear()
    key_mails._send(as_it_was, "order_key", "x")
    assert [message.to for message in mail.outbox] == [["right@example.com"]]


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
