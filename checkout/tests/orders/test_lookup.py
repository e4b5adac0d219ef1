"""Finding one's orders again: everybody gets the same answer, only a mailbox with orders gets a link."""

import datetime as dt
import re
from urllib.parse import urlsplit

import pytest
from django.core import mail, signing
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory

from checkout import order_access, services
from checkout.models import Order, OrderSearch, PrivacyRequest
from checkout.order_numbers import new_number
from checkout.orders import lookup, mails
from checkout.orders.mailed_link import InvalidLink
from checkout.privacy import mailbox_doubts, requests
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place, placed_in
from shop import clock
from shop.models import OutboxMessage, Try
from shop.monitoring.masking import masked

pytestmark = pytest.mark.django_db

FIND = "/en/orders/find/"
LIST = "/en/orders/"


@pytest.fixture
def order():
    return pay(place(make_cart((make_goods(), 1))))


def ask(client, email="mei@example.com", number="", **extra):
    return client.post(FIND, {"email": email, "number": number}, **extra)


def links():
    """Paths of the links in the mails, oldest first."""
    found = [re.search(r"https?://\S+/orders/link/\S+", message.body) for message in mail.outbox]
    return [urlsplit(link.group()).path for link in found if link]


@pytest.fixture
def link(order, client, deliver_outbox):
    mail.outbox.clear()
    ask(client)
    deliver_outbox()
    return links()[-1]


def later(monkeypatch, **time):
    moment = clock.now() + dt.timedelta(**time)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_a_mailed_link_opens_the_orders_of_the_address(order, link):
    second = pay(place(make_cart((make_goods("TEA-901"), 1)), email="MEI@example.com"))
    strange = pay(place(make_cart((make_goods("TEA-902"), 1)), email="other@example.com"))
    browser = Client()
    response = browser.post(link)
    assert response.url == LIST
    page = browser.get(LIST).content.decode()
    assert page.index(second.number) < page.index(order.number)
    assert strange.number not in page
    assert "Processing" in page
    assert "Mei Chan" in browser.get(order.get_absolute_url()).content.decode()


def test_what_strangers_order_in_somebodys_name_hides_nothing_that_was_paid(order, client, deliver_outbox):
    """Orders that nobody pays are made for nothing: they come last, and take the place of no other."""
    deliver_outbox()
    placed_in(client, *[place(make_cart((make_service("SV-901"), 1)), email="me@example.com")])
    friend = pay(place(make_cart((make_goods("TEA-905"), 1)), email="friend@example.com"))
    client.post(friend.get_absolute_url(), {"email": "friend@example.com"})
    (mine,) = Order.objects.filter(email="me@example.com")
    tea = make_goods("TEA-906", on_hand=90)
    waiting = [place(make_cart((tea, 1))) for _ in range(order_access.MAX_ORDERS + 5)]
    for each in waiting[3:]:
        services.cancel(each.pk, actor="nobody paid")
    under_review = place(make_cart((tea, 1)))
    with transaction.atomic():
        services.mark_under_review(Order.objects.lock(under_review.pk), note="test")
    mail.outbox.clear()
    ask(client)
    deliver_outbox()
    client.post(links()[-1])
    page = client.get(LIST).content.decode()
    wanted = [order, under_review, friend, mine, *waiting[:3]]
    assert [each.number for each in wanted if each.number not in page] == []
    assert "Mei Chan" in client.get(order.get_absolute_url()).content.decode()


def test_what_a_browser_placed_is_not_dropped_for_what_was_named(order, client):
    tea = make_goods("TEA-907", on_hand=90)
    named = [pay(place(make_cart((tea, 1)))) for _ in range(order_access.MAX_ORDERS + 1)]
    placed_in(client, order)
    for each in named:
        answer = HttpResponse()
        request = RequestFactory().get("/")
        request.COOKIES[order_access.COOKIE] = client.cookies[order_access.COOKIE].value
        order_access.grant(request, answer, each)
        client.cookies[order_access.COOKIE] = answer.cookies[order_access.COOKIE].value
    page = client.get(LIST).content.decode()
    shown = [each.number for each in [order, *named] if each.number in page]
    assert shown == [order.number, *(each.number for each in named[1:])]
    assert len(client.cookies[order_access.COOKIE].value) < 2048


def test_a_mailbox_in_doubt_is_sent_no_link_and_a_link_opens_nothing_of_it(order, link, deliver_outbox):
    second = pay(place(make_cart((make_goods("TEA-908"), 1))))
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    browser = Client()
    browser.post(link)
    page = browser.get(LIST).content.decode()
    assert (order.number in page, second.number in page) == (False, True)
    deliver_outbox()
    mail.outbox.clear()
    ask(browser, number=order.number)
    deliver_outbox()
    assert mail.outbox == []


def test_looking_at_the_link_grants_nothing(order, link):
    """Programs that read mail open every link."""
    scanner = Client()
    for _ in range(3):
        assert scanner.get(link).status_code == 200
    assert order.number not in scanner.get(LIST).content.decode()
    assert not scanner.cookies.get(order_access.COOKIE)


def test_the_button_needs_the_forms_token(order, link):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(link).status_code == 403
    assert not strict.cookies.get(order_access.COOKIE)


def test_the_link_is_good_for_half_an_hour_from_its_mail_and_can_be_used_again(order, link, monkeypatch):
    assert [Client().post(link).status_code for _ in range(2)] == [302, 302]
    later(monkeypatch, minutes=29)
    assert Client().post(link).status_code == 302
    later(monkeypatch, minutes=2)
    for answer in (Client().get(link), Client().post(link)):
        assert answer.status_code == 410
        assert "no longer good" in answer.content.decode()
        assert order.number not in answer.content.decode()


def test_the_time_of_a_link_begins_when_its_mail_leaves(order, client, deliver_outbox, monkeypatch):
    mail.outbox.clear()
    ask(client)
    later(monkeypatch, hours=2)  # the mail server was away
    deliver_outbox()
    assert Client().post(links()[-1]).status_code == 302


@pytest.mark.parametrize("change", [lambda t: t[:-1] + ("a" if t[-1] != "a" else "b"), lambda t: "x" * 40])
def test_a_forged_link_opens_nothing(order, link, change):
    token = link.rstrip("/").rsplit("/", 1)[1]
    assert Client().post(link.replace(token, change(token))).status_code == 410


@pytest.mark.parametrize("kind", [lookup.LINK, lookup.UNPAID_LINK])
def test_a_link_opens_no_search_of_another_address_that_has_its_id_by_now(order, kind):
    place(make_cart((make_goods("TEA-901"), 1)), email="other@example.com")
    search = lookup.save_search("other@example.com", number="", language="en")
    token = urlsplit(kind.url(search.pk, to="other@example.com", language="en")).path.split("/")[-2]
    assert lookup.open_link(token)
    OrderSearch.objects.filter(pk=search.pk).delete()
    OrderSearch.objects.create(pk=search.pk, email="mei@example.com", language="en", asked_at=clock.now())
    place(make_cart((make_goods("TEA-902"), 1)))  # not paid: a link of the day would open it
    with pytest.raises(InvalidLink):
        lookup.open_link(token)


def test_with_a_number_only_that_order_is_opened(order, client, deliver_outbox):
    other = pay(place(make_cart((make_goods("TEA-903"), 1))))
    mail.outbox.clear()
    ask(client, number=f" {order.number.lower().replace('-', ' ')}")
    deliver_outbox()
    browser = Client()
    browser.post(links()[-1])
    page = browser.get(LIST).content.decode()
    assert order.number in page
    assert other.number not in page


def seen(response):
    """All that a stranger could compare."""
    headers = {k: v for k, v in response.items() if k not in {"X-Request-ID", "Expires"}}
    return response.status_code, response.content, headers, sorted(response.cookies)


def test_known_and_unknown_addresses_get_the_same_answer(order):
    known, unknown, wrong = Client(), Client(), Client()
    answers = [
        seen(ask(known)),
        seen(ask(unknown, email="nobody@example.com")),
        seen(ask(wrong, number="0000-0000")),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert OrderSearch.objects.count() == 3


def test_known_and_unknown_addresses_cost_the_same_queries(order):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for email in ("mei@example.com", "nobody@example.com"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(Client(), email=email)
        counts.append(len(queries))
        assert not [query for query in queries if 'checkout_order"' in query["sql"]]
    assert counts[0] == counts[1]


def test_an_address_without_orders_gets_no_mail(order, client, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    ask(client, email="nobody@example.com")
    ask(client, number=_other_number(order))
    deliver_outbox()
    assert mail.outbox == []


def _other_number(order):
    return "0000-0000" if order.number != "0000-0000" else "1000-0001"


def test_a_look_alike_address_is_not_sent_the_link_to_anothers_orders(order, client, deliver_outbox):
    """Upper case of the dotless ı is I: in the database the two addresses are the same."""
    Order.objects.filter(pk=order.pk).update(email="mike@example.com")
    twin = pay(place(make_cart((make_goods("TEA-904"), 1)), email="mıke@example.com"))
    deliver_outbox()
    mail.outbox.clear()
    ask(client, email="mike@example.com")
    deliver_outbox()
    assert [message.to for message in mail.outbox] == [["mike@example.com"]]
    browser = Client()
    browser.post(links()[-1])
    assert twin.number not in browser.get(LIST).content.decode()


def test_a_typing_error_in_the_number_is_told_at_its_field(client):
    response = ask(client, number="A7K3-92QX")
    page = response.content.decode()
    assert response.status_code == 200
    assert "There is a typing error in the order number, please check it again." in page
    assert 'href="#id_number"' in page
    page = ask(client, number="A7K3-92Q").content.decode()
    assert "it has 8 letters and digits, for example A7K3-92QM, and here there are 7" in page
    page = ask(client, number="WWZ2-9T3W-4T4X-MJGQ-4A2X").content.decode()
    assert "This may be an order key." in page
    page = ask(client, number="Order confirmation 123").content.decode()  # 20 letters and digits too
    assert "This may be an order key." not in page
    assert 'value="mei@example.com"' in page
    assert not OrderSearch.objects.exists()


def test_one_network_may_ask_ten_times_in_a_quarter_of_an_hour(client, monkeypatch):
    noon = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)  # in Hong Kong
    monkeypatch.setattr(clock, "now", lambda: noon)
    codes = [ask(client, email=f"guess{number}@example.com").status_code for number in range(12)]
    assert codes == [302] * 10 + [429] * 2
    refused = ask(client)
    assert "You can try again from 12:15 (Hong Kong time)." in refused.content.decode()
    assert refused["Retry-After"] == "959"  # its minute has ended then
    assert ask(client, REMOTE_ADDR="10.9.8.7").status_code == 302


def test_a_mailbox_gets_three_mails_in_the_lifetime_of_a_link_and_the_answer_does_not_tell(
    order, deliver_outbox, monkeypatch
):
    """So whoever is sent none has a link that is good still, whoever had asked for it."""
    deliver_outbox()
    mail.outbox.clear()
    answers = {seen(ask(Client(), REMOTE_ADDR=f"10.0.0.{n}"))[0:2] for n in range(6)}
    assert len(answers) == 1
    deliver_outbox()
    assert len(mail.outbox) == 3
    assert dt.timedelta(minutes=mails.LINKS_MAILED.minutes) <= lookup.LINK.lifetime
    later(monkeypatch, minutes=31)
    ask(Client(), REMOTE_ADDR="10.0.1.1")
    deliver_outbox()
    assert len(mail.outbox) == 4


def test_a_stranger_cannot_have_the_owner_go_without_a_mail(order, deliver_outbox):
    """Wrong pairs count against the network that asks, and against nobody else."""
    deliver_outbox()
    mail.outbox.clear()
    for number in range(30):
        wrong = ask(Client(), number=new_number(), REMOTE_ADDR=f"10.0.{number}.1")
        foreign = ask(
            Client(), email=f"nobody{number}@example.com", number=order.number, REMOTE_ADDR=f"10.1.{number}.1"
        )
        assert (wrong.status_code, foreign.status_code) == (302, 302)  # none was only a typing error
    deliver_outbox()
    assert mail.outbox == []
    ask(Client(), number=order.number)
    ask(Client())
    deliver_outbox()
    assert len(mail.outbox) == 2


def test_a_mail_that_does_not_go_out_is_not_counted(order, deliver_outbox, monkeypatch):
    deliver_outbox()
    with monkeypatch.context() as patch:
        patch.setattr(mails, "send", lambda *_, **__: 1 / 0)
        for number in range(5):
            ask(Client(), REMOTE_ADDR=f"10.0.{number}.1")
        deliver_outbox()
    assert not Try.objects.filter(purpose=mails.LINKS_MAILED.scope).exists()


def test_no_address_is_kept_readable_or_travels(order, link, client):
    assert "@" not in link
    assert "mei" not in str(list(OutboxMessage.objects.values_list("payload", "key")))
    assert "mei" not in str(list(Try.objects.values_list("network", "purpose")))
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM checkout_ordersearch")
        assert b"mei" not in bytes(cursor.fetchone()[0])
    assert link.rstrip("/").rsplit("/", 1)[1] not in masked(f"GET {link} 200")


def test_searches_are_forgotten_after_a_day(order, link, monkeypatch):
    lookup.delete_old_searches()
    assert OrderSearch.objects.count() == 1
    later(monkeypatch, hours=25)
    lookup.delete_old_searches()
    assert not OrderSearch.objects.exists()


def test_the_mail_speaks_the_language_of_the_page_that_asked(order, client, deliver_outbox):
    mail.outbox.clear()
    client.post("/zh-hant/orders/find/", {"email": "mei@example.com"})
    deliver_outbox()
    assert "您的訂單連結" in mail.outbox[-1].subject
    assert "/zh-hant/orders/link/" in mail.outbox[-1].body


def test_an_address_that_was_corrected_ends_what_the_old_one_had_opened(order):
    browser = Client()
    browser.post(order.get_absolute_url(), {"email": "mei@example.com"})
    assert "Mei Chan" in browser.get(order.get_absolute_url()).content.decode()
    Order.objects.filter(pk=order.pk).update(email="right@example.com")
    assert "Mei Chan" not in browser.get(order.get_absolute_url()).content.decode()
    assert order.number not in browser.get(LIST).content.decode()


def test_links_mailed_before_are_still_good(order, monkeypatch):
    """The token's form and salts are in mailboxes: the id and the second of mailing, signed as JSON."""
    search = lookup.save_search("mei@example.com", number="", language="en")
    token = signing.dumps([search.pk, int(clock.now().timestamp())], salt="checkout.finding")
    assert lookup.open_link(token) == [order]
    erasure = requests.create_request(order, PrivacyRequest.Kind.ERASURE)
    token = signing.dumps([erasure.pk, int(clock.now().timestamp())], salt="checkout.privacy")
    assert requests.read_link(token) == erasure
    with pytest.raises(InvalidLink):
        lookup.open_link(token)
    later(monkeypatch, hours=24)
    with pytest.raises(InvalidLink):
        requests.read_link(token)
