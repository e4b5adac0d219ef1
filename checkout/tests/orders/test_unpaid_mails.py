"""Whoever orders types any address: what it is mailed of orders that nobody paid is little."""

import contextlib
import re

import pytest
from django.core import mail
from django.db import transaction

from checkout import order_access, services
from checkout.models import Order, PrivacyRequest
from checkout.orders import lookup, mails, new_browsers, unpaid_mails
from checkout.privacy import requests
from checkout.tests.orders.test_lookup import later
from checkout.tests.scenes import make_cart, make_service, pay, place
from shop.background import outbox
from shop.models import Try

pytestmark = pytest.mark.django_db
MOST = unpaid_mails.MAILED.limit


@transaction.atomic
def give_up(order, *, is_begun):
    order = Order.objects.lock(order.pk)
    if is_begun:
        services.begin_payment(order, minutes=5)
    services.give_up(order)


def review(order):
    with transaction.atomic():
        services.mark_under_review(Order.objects.lock(order.pk), note="test")


def deny(order):
    with transaction.atomic():
        locked = Order.objects.lock(order.pk)
        locked.move_to(Order.Status.UNDER_REVIEW)
        services.reopen(locked, note="test")


def open_elsewhere(order):
    with contextlib.suppress(new_browsers.TooMany):
        new_browsers.note(order)


WAYS = {
    "cancelled": lambda order: give_up(order, is_begun=True),
    "denied": deny,
    "searched for": lambda order: lookup.request_link(order.email, number=order.number, language="en"),
    "copied": lambda order: requests.create_request(order, PrivacyRequest.Kind.EXPORT),
    "opened": open_elsewhere,
}


def orders(count, **typed):
    service = make_service()
    return [place(make_cart((service, 1)), **typed) for _ in range(count)]


def test_an_order_that_nobody_began_to_pay_mails_nothing(deliver_outbox):
    for order in orders(MOST):
        give_up(order, is_begun=False)
    deliver_outbox()
    assert mail.outbox == []


@pytest.mark.parametrize("way", WAYS)
def test_each_kind_of_mail_about_unpaid_orders_goes_to_an_address_so_often_a_day(way, deliver_outbox):
    placed = orders(9, email="victim@example.com")
    for order in placed:
        WAYS[way](order)
    deliver_outbox()
    most = new_browsers.NAMED.limit if way == "opened" else MOST
    assert [message.to for message in mail.outbox] == [["victim@example.com"]] * most
    assert not outbox.OutboxMessage.objects.filter(topic__startswith="mail.", delivered_at=None).exists()


def test_whoever_has_a_payment_under_review_is_told_as_whoever_paid(deliver_outbox, monkeypatch):
    """The order counted as unpaid, so three questions of a stranger silenced its owner for a day."""
    placed = orders(MOST + 2)
    *reviewed, unpaid = placed
    for order in reviewed:
        review(order)
    deliver_outbox()
    assert len(mail.outbox) == MOST + 1, "one for each payment that is looked at"
    for way, topic in {"searched for": "order_links", "copied": "privacy_link"}.items():
        for _ in range(MOST):
            WAYS[way](unpaid)
        deliver_outbox()
        mail.outbox.clear()
        for _ in range(MOST + 1):
            later(monkeypatch, minutes=31)
            WAYS[way](Order.objects.get(pk=reviewed[0].pk))
            deliver_outbox()
        assert len(mail.outbox) == MOST + 1, topic
    for _ in range(new_browsers.NAMED.limit):
        new_browsers.note(unpaid)
    new_browsers.note(Order.objects.get(pk=reviewed[0].pk))
    with pytest.raises(new_browsers.TooMany):
        new_browsers.note(unpaid)


def test_whoever_is_sent_no_link_to_what_was_never_paid_has_one_that_is_good(
    deliver_outbox, monkeypatch, client
):
    (order,) = orders(1)
    for _ in range(MOST + 1):
        lookup.request_link(order.email, number="", language="en")
        deliver_outbox()
    assert len(mail.outbox) == MOST
    assert "good for 24 hours" in mail.outbox[-1].body
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[-1].body).group(1)
    later(monkeypatch, hours=23)
    assert client.post(link).status_code == 302
    assert order.number in client.get("/en/orders/").content.decode()
    pay(order)
    assert client.post(link).status_code == 410, "what is paid has a link of half an hour"


def test_links_to_a_strangers_order_open_the_owners_too_and_none_is_counted_that_is_not_mailed(
    deliver_outbox, client
):
    """They opened only the order they named, so three of them silenced the owner of another for a day."""
    strangers, owners = orders(2)
    for number in [strangers.number] * MOST + [""]:
        lookup.request_link(strangers.email, number=number, language="en")
        deliver_outbox()
    assert len(mail.outbox) == MOST
    assert Try.objects.filter(purpose=mails.LINKS_MAILED.scope).count() == MOST
    client.post(re.search(r"https?://[^/]+(/\S+)", mail.outbox[-1].body).group(1))
    page = client.get("/en/orders/").content.decode()
    assert owners.number in page
    assert strangers.number in page


def test_a_link_renews_what_was_ended_of_an_unpaid_order(deliver_outbox, client):
    (order,) = orders(1)
    lookup.request_link(order.email, number="", language="en")
    deliver_outbox()
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[-1].body).group(1)
    for _ in range(2):
        client.post(link)
        assert order.number in client.get("/en/orders/").content.decode()
        order_access.revoke_all(order)
        assert order.number not in client.get("/en/orders/").content.decode()


def test_whoever_paid_is_told_whatever_strangers_did_with_the_address(deliver_outbox):
    for order in orders(MOST + 1):
        lookup.request_link(order.email, number=order.number, language="en")
    deliver_outbox()
    paid = pay(place(make_cart((make_service("SV-901"), 1))))
    deliver_outbox()
    mail.outbox.clear()
    lookup.request_link(paid.email, number=paid.number, language="en")
    deliver_outbox()
    assert len(mail.outbox) == 1
