"""The pages on which a client looks after the key: lost, replaced; and what looking at them does: nothing."""

import datetime as dt
import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from checkout.models import Order
from checkout.order_numbers import new_number
from consulting import key_format
from consulting.keys import lifecycle
from consulting.models import AccessLog
from consulting.tests import scenes
from consulting.tests.scenes import KEY, give_back, unlock, wrong_key
from shop import clock
from shop.models import OutboxMessage, Try
from shop.web.rate_limit import RateLimit

pytestmark = pytest.mark.django_db

LOST, SENT, NEW = "/en/report/lost-key/", "/en/report/lost-key/sent/", "/en/report/new-key/"


def ask(client, number, email=scenes.EMAIL, **extra):
    return client.post(LOST, {"number": number, "email": email}, **extra)


@pytest.fixture
def mails(order, deliver_outbox):
    def fresh_mails():
        mail.outbox.clear()
        deliver_outbox()
        return list(mail.outbox)

    fresh_mails()
    return fresh_mails


# --- a lost key ---


def test_number_and_e_mail_bring_the_same_key_again(client, order, key, mails):
    response = ask(client, order.number.lower().replace("-", " "), scenes.EMAIL.upper())
    assert response.url == SENT
    (message,) = mails()
    assert message.to == [scenes.EMAIL], "to the order's own address, not to what was typed"
    assert KEY.findall(message.body) == [key]
    assert AccessLog.objects.filter(what="key_sent", who="").count() == 1
    assert key not in client.get(SENT).content.decode()


def test_both_are_needed(client, order, mails):
    for number, email in [("", scenes.EMAIL), (order.number, ""), ("A7K3-92QX", scenes.EMAIL), ("x", "y")]:
        page = ask(client, number, email)
        assert page.status_code == 200
        assert "error" in page.content.decode()
    assert mails() == []
    assert not Try.objects.exists()


def seen(response):
    """All that a stranger could compare."""
    headers = {name: value for name, value in response.items() if name not in {"X-Request-ID", "Expires"}}
    return response.status_code, headers, sorted(response.cookies)


def statements(browser, number, email):
    with CaptureQueriesContext(connection) as queries:
        answer = ask(browser, number, email)
    return seen(answer), [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries.captured_queries]


def test_every_request_gets_the_same_answer_and_costs_the_same(order, mails):
    """Whether there is such an order only the worker finds out."""
    other = scenes.paid_order()
    Order.objects.filter(pk=other.pk).update(email="other@shop.example")
    revoked = scenes.paid_order()
    lifecycle.revoke(revoked.keys.get(), actor="boss")
    goods = scenes.paid_order(subjects=0, goods=1)
    tries = [
        (order.number, scenes.EMAIL),
        (other.number, "mei.chan@shop.exampl"),
        (revoked.number, "somebody@shop.example"),
        (goods.number, "nobody@shop.example"),
        (scenes.unpaid_order().number, "anybody@shop.example"),
    ]
    answers = [statements(Client(), *each) for each in tries]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("what", ["other address", "other order", "unpaid", "goods"])
def test_nothing_is_mailed_for_what_does_not_belong_together(client, order, mails, what):
    number, email = order.number, scenes.EMAIL
    if what == "other address":
        email = "mei.chan@shop.exampl"
    elif what == "other order":
        foreign = scenes.paid_order()
        Order.objects.filter(pk=foreign.pk).update(email="other@shop.example")
        number = foreign.number
    else:
        number = (
            scenes.unpaid_order() if what == "unpaid" else scenes.paid_order(subjects=0, goods=1)
        ).number
    mails()
    assert ask(client, number, email).url == SENT
    assert mails() == []


def test_at_most_three_mails_a_day_go_to_an_address_and_the_answer_does_not_tell(order, mails, monkeypatch):
    for last in range(5):
        assert ask(Client(), order.number, REMOTE_ADDR=f"10.0.0.{last}").url == SENT
    assert len(mails()) == 3
    later = clock.now() + dt.timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    ask(Client(), order.number)
    assert len(mails()) == 1


def test_a_stranger_cannot_have_the_owner_go_without_a_mail(order, mails):
    """Wrong pairs count against the network that asks, and against nobody else."""
    for number in range(30):
        wrong = ask(Client(), new_number(), REMOTE_ADDR=f"10.0.{number}.1")
        foreign = ask(Client(), order.number, f"nobody{number}@shop.example", REMOTE_ADDR=f"10.1.{number}.1")
        assert (wrong.url, foreign.url) == (SENT, SENT)  # none was only a typing error
    assert mails() == []
    ask(Client(), order.number)
    (message,) = mails()
    assert KEY.search(message.body)


def test_who_asks_about_one_order_takes_no_mail_from_another_of_the_same_address(order, mails):
    other = scenes.paid_order()
    mails()
    for number in range(5):
        ask(Client(), order.number, REMOTE_ADDR=f"10.0.{number}.1")
    assert len(mails()) == 3
    ask(Client(), other.number)
    assert len(mails()) == 1


def test_a_network_may_ask_ten_times_in_a_quarter_of_an_hour(client, order):
    for number in range(10):
        assert ask(client, order.number, f"nobody{number}@shop.example").status_code == 302
    assert ask(client, order.number).status_code == 429
    assert ask(client, order.number, REMOTE_ADDR="10.9.8.7").status_code == 302


def test_the_counter_holds_no_address(client, order):
    ask(client, order.number)
    assert scenes.EMAIL.casefold() not in repr(list(Try.objects.values())).casefold()
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM checkout_ordersearch")
        assert b"shop.example" not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize("closed", ["revoked", "refunded"])
def test_the_owner_of_a_key_that_opens_nothing_is_told_so_without_it(client, order, mails, closed):
    if closed == "revoked":
        lifecycle.revoke(order.keys.get(), actor="boss")
    else:
        give_back(order, order.total)
    mails()
    ask(client, order.number)
    (message,) = mails()
    assert not KEY.search(message.body)
    assert "no order key at present" in message.body
    assert not AccessLog.objects.filter(what="key_sent").exists()


def test_a_repeated_delivery_is_the_same_mail(client, order, mails):
    ask(client, order.number)
    (first,) = mails()
    OutboxMessage.objects.filter(topic="mail.lost_key").update(delivered_at=None)
    (again,) = mails()
    assert again.extra_headers["Message-ID"] == first.extra_headers["Message-ID"]


# --- a new key ---


def test_the_owner_replaces_the_key_and_is_shut_out_until_the_mail_is_there(client, order, key, mails):
    unlock(client, key)
    mails()
    index = client.get(reverse("consulting:index")).content.decode()
    assert NEW in index
    page = client.get(NEW).content.decode()
    assert "The old key opens nothing any more, at once." in page
    assert client.get(reverse("consulting:index")).status_code == 200, "looking does nothing"
    response = client.post(NEW, follow=True)
    assert response.redirect_chain == [(reverse("consulting:unlock"), 302)]
    assert "The new one is on its way to your mailbox" in response.content.decode()
    assert not KEY.search(response.content.decode())
    assert unlock(client, key).status_code == 200
    (message,) = mails()
    assert unlock(client, KEY.search(message.body).group()).status_code == 302


def test_a_second_click_makes_no_second_key(client, order, key):
    unlock(client, key)
    for _ in range(3):
        assert client.post(NEW).url == reverse("consulting:unlock")
    assert order.keys.count() == 2


def test_strangers_replace_nothing(client, order):
    assert client.post(NEW).url == reverse("consulting:unlock")
    assert client.get(NEW).url == reverse("consulting:unlock")
    assert order.keys.count() == 1


# --- looking does nothing ---

PAGES = ["unlock", "index", "lock", "lost_key", "key_sent", "new_key"]


@pytest.mark.parametrize("is_open", [False, True])
def test_programs_that_open_every_link_change_count_and_learn_nothing(order, key, is_open):
    browser = Client()
    if is_open:
        unlock(browser, key)
    throttled = Try.objects.count()
    fields = {"order_key": key, "email": scenes.EMAIL, "number": order.number, "csrfmiddlewaretoken": "x"}
    for name in PAGES:
        for query in ({}, fields):
            for method in (browser.get, browser.head):
                with CaptureQueriesContext(connection) as queries:
                    response = method(reverse(f"consulting:{name}"), query)
                writes = ("INSERT", "UPDATE", "DELETE")
                assert [q["sql"] for q in queries.captured_queries if q["sql"].startswith(writes)] == [], name
                assert response.status_code in {200, 302, 405}
                # the links to the other language repeat the address as it was asked for
                page = re.sub('<nav class="languages".*?</nav>', "", response.content.decode(), flags=re.S)
                assert key not in page
                assert key_format.parse(key) not in page
                assert key not in response.get("Location", "")
                if not is_open:
                    assert order.number not in page
    assert Try.objects.count() == throttled
    key_row = order.keys.get()
    assert (key_row.state, key_row.use_count) == ("active", int(is_open))


@pytest.mark.parametrize("name", ["unlock", "lock", "lost_key", "new_key"])
def test_a_post_without_the_forms_token_is_refused(order, name):
    assert Client(enforce_csrf_checks=True).post(reverse(f"consulting:{name}")).status_code == 403


@pytest.mark.parametrize("name", ["unlock", "lost_key", "key_sent"])
def test_these_pages_are_kept_by_nobody(client, db, name):
    assert "no-store" in client.get(reverse(f"consulting:{name}"))["Cache-Control"]


# --- typing errors ---


def test_a_typing_error_is_told_without_a_look_up(client, order, key, monkeypatch):
    unlock(client, wrong_key())
    monkeypatch.setattr("consulting.keys.services._find_key", lambda *_: pytest.fail("it was looked up"))
    monkeypatch.setattr(RateLimit, "take", lambda *_, **__: pytest.fail("it was counted"))
    for place in (0, 7, 18):
        wrong = "2" if key.replace("-", "")[place] != "2" else "3"
        symbols = list(key.replace("-", ""))
        symbols[place] = wrong
        page = unlock(client, "".join(symbols)).content.decode()
        assert "There is a typing error in the order key" in page
