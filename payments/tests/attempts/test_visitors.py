"""What a page's visitor makes the shop ask of a gateway: a few questions for each payment, at any address."""

import datetime as dt
from dataclasses import replace

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from checkout import order_access
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import closing, limits, services, settlement, views
from payments.gateways import override
from payments.gateways.base import Notification, Started, Unfinished
from payments.gateways.unionpay import UnionPay
from payments.models import Payment
from payments.tests.harness.card_page import posted
from payments.tests.harness.unionpay_sandbox import encrypted_card
from payments.urls import gateway_urlpatterns, urlpatterns
from shop import clock
from shop.background import lines
from shop.tests.harness.peers import requests_are_limited

__all__ = ["requests_are_limited"]  # a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hosts")]
PAYPAL, CARD, PAGE = Payment.Method
MOST = 3


class Open:
    """A gateway of whom nothing is learnt."""

    def __init__(self, code):
        self.captures, self.asked, self.within = code == "paypal", [], lambda: None

    def start(self, purchase, card=None):
        return Started("ID")

    def fetch(self, purchase):
        self.asked.append(purchase.reference)
        self.within()
        return Unfinished("CREATED")


@pytest.fixture
def gateways(monkeypatch):
    monkeypatch.setattr(limits, "QUESTIONS", replace(limits.QUESTIONS, limit=MOST))
    told = lambda request: Notification("", (request.POST["orderId"],), code="00")  # noqa: E731
    monkeypatch.setattr(views, "_signed", told)
    both = Open("paypal"), Open("unionpay")
    with override("paypal", both[0]), override("unionpay", both[1]):
        yield both


def attempt(number, method, status="awaiting"):
    order = place(make_cart((make_goods(f"TEA-{number}"), 1)))
    made = services.get_or_create_attempt(order.pk, method=method, revision=1)
    Payment.objects.filter(pk=made.pk).update(status=status, gateway_id=f"IDENTITY{number}")
    return Payment.objects.get(pk=made.pk)


def buyer_of(order):
    """A browser that may do whatever an order's buyer may."""
    browser, answer = Client(), HttpResponse()
    order_access.grant(RequestFactory().get("/"), answer, order)
    browser.cookies = answer.cookies
    return browser


def addresses(order):
    yield from (reverse(f"payments:{each.name}", args=[order.token]) for each in urlpatterns)
    yield from (reverse(f"gateways:{each.name}") for each in gateway_urlpatterns if each.name != "notify")


def come_again_and_again(payment):
    """To each address, in each way. Yields after each."""
    browser = buyer_of(payment.order)
    told = {"orderId": payment.reference, "respCode": "00", "token": payment.gateway_id, views.BACK: "1"}
    for address in addresses(payment.order):
        for visit in (browser.get, browser.post):
            for _ in range(MOST + 2):
                visit(address, told)
                yield address


@pytest.mark.parametrize(
    ("method", "status"),
    [(PAYPAL, "awaiting"), (PAYPAL, "capturing"), (CARD, "capturing"), (PAGE, "awaiting")],
)
def test_no_address_makes_the_shop_ask_without_end(gateways, method, status):
    """Those of now and whichever come later."""
    payment = attempt(800, method, status)
    for _ in come_again_and_again(payment):
        pass
    asked = gateways[0].asked + gateways[1].asked
    assert 0 < len(asked) <= MOST


def test_attempts_that_have_ended_are_left_to_the_sweep(gateways):
    """Unless UnionPay has signed what the browser brings: then money may have come that nobody expects."""
    for number, (method, status) in enumerate([(PAYPAL, "expired"), (PAGE, "superseded"), (PAGE, "expired")]):
        payment = attempt(800 + number, method, status)
        signed = 0
        for address in come_again_and_again(payment):
            signed += "unionpay" in address
        asked = gateways[0].asked.count(payment.reference) + gateways[1].asked.count(payment.reference)
        assert asked == (MOST if method == PAGE else 0)
        assert signed


def test_whoever_comes_back_while_the_sweep_asks_is_asked_about_once_it_has_heard(gateways):
    """Its question may be older than their approval: they would be led to PayPal again, to approve again."""
    payment, pages = attempt(800, PAYPAL), []
    browser = buyer_of(payment.order)
    back = reverse("payments:return", args=[payment.order.token])

    def come_back():
        gateways[0].within = lambda: None
        pages.append(browser.get(back, {"token": payment.gateway_id}))
        pages.append(browser.get(pages[0].url))

    gateways[0].within = come_back
    settlement.settle(payment)
    redirected, waits = pages
    assert redirected.url.endswith(f"/progress/?{views.BACK}=1")
    assert waits.status_code == 200
    assert 'http-equiv="refresh"' in waits.content.decode()
    assert len(gateways[0].asked) == 1
    assert browser.get(redirected.url).url == reverse("payments:pay", args=[payment.order.token])
    assert len(gateways[0].asked) == 2


def test_a_buyer_s_visits_keep_no_order_from_ending(gateways):
    """Whoever comes back again and again holds the attempt, and with it the goods: a few times only."""
    payment = attempt(800, PAYPAL)
    Order.objects.update(hold_until=clock.now() - dt.timedelta(minutes=1))
    back = reverse("payments:return", args=[payment.order.token])
    tries = []

    def end():
        tries.append(1)
        closing.expire_order(payment.order_id)

    while Order.objects.get().status == Order.Status.PENDING and len(tries) < 20:
        before = len(tries)
        gateways[0].within = end
        Client().get(back, {"token": payment.gateway_id})
        gateways[0].within = lambda: None
        if len(tries) == before:  # this visit asks nobody
            end()
    assert len(tries) == MOST + 1


def test_lines_are_asked_for_by_the_visitor_s_network(gateways, requests_are_limited, monkeypatch):
    networks, one = [], lines.Lines.one
    monkeypatch.setattr(
        lines.Lines, "one", lambda self, network: networks.append(network) or one(self, network)
    )
    payment = attempt(800, PAYPAL)
    back = reverse("payments:return", args=[payment.order.token])
    Client(REMOTE_ADDR="203.0.113.9").get(back, {"token": payment.gateway_id})
    assert networks == ["203.0.113.9/32"]


def test_a_code_that_may_not_be_tried_ends_no_other_attempt(sms_contract, monkeypatch):
    monkeypatch.setattr(limits, "CODE_GUESSES", replace(limits.CODE_GUESSES, limit=1))
    order = place(make_cart((make_goods("TEA-910", on_hand=5), 2)))
    limits.CODE_GUESSES.take(str(order.pk))
    live = services.get_or_create_attempt(order.pk, method=PAYPAL, revision=1)
    guess = posted(encrypted_card(phone="85251234567")) | {"method": "unionpay", "sms_code": "123456"}
    answer = Client().post(reverse("payments:pay", args=[order.token]), guess)
    live.refresh_from_db()
    assert (answer.status_code, live.status) == (429, Payment.Status.CREATED)


def test_no_address_leads_past_the_limit_of_guesses(sms_contract, monkeypatch):
    """Two take the form with the code; whichever comes next asks the same service."""
    monkeypatch.setattr(limits, "CODE_GUESSES", replace(limits.CODE_GUESSES, limit=3))
    asked, start = [], UnionPay.start
    monkeypatch.setattr(UnionPay, "start", lambda self, *sent: asked.append(1) or start(self, *sent))
    asked_by, card = {}, posted(encrypted_card(phone="85251234567"))
    for number, pattern in enumerate(urlpatterns):
        order = place(make_cart((make_goods(f"TEA-91{number}", on_hand=5), 2)))
        url = reverse(f"payments:{pattern.name}", args=[order.token])
        client = Client(REMOTE_ADDR=f"198.51.{number}.9")
        client.post(reverse("payments:send_code", args=[order.token]), card)
        asked.clear()
        guess = card | {"method": "unionpay", "sms_code": "123456"}
        codes = [client.post(url, guess).status_code for _ in range(5)]
        asked_by[pattern.name] = len(asked)
        assert not asked or codes[3:] == [429, 429], pattern.name
    assert {name: count for name, count in asked_by.items() if count} == {"pay": 3, "pay_with_code": 3}
