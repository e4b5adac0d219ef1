"""The payment page and the ways back, over HTTP, with the real stand-in behind them."""

import datetime as dt
import itertools
import re
from dataclasses import replace

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from checkout import order_numbers
from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import limits, views
from payments.attempts import services as attempts
from payments.gateways import override
from payments.models import GatewayEvent, LedgerEntry, Payment
from shop import clock
from shop.models import Try

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _hosts(settings, sandbox):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]


@pytest.fixture
def gateway(paypal, monkeypatch, sandbox):
    monkeypatch.setattr(views, "GATEWAY_ORIGINS", [sandbox])
    with override("paypal", paypal):
        yield paypal


@pytest.fixture
def order():
    return place(make_cart((make_goods(on_hand=5), 2)))


def url(order, name="pay"):
    return reverse(f"payments:{name}", args=[order.token])


def test_pay_leads_to_paypal_and_the_return_to_the_confirmation(gateway, order, client, approve):
    response = client.post(url(order), {"method": "paypal", "revision": 1})
    assert response.status_code == 303
    assert "checkoutnow" in response.url
    back = approve(response.url)
    query = back.split("?", 1)[1]
    stranger = Client()  # another browser, no cookie at all
    returned = stranger.get(f"{url(order, 'return')}?{query}")
    assert returned.url == order.get_absolute_url()
    assert "Order Confirmation" in stranger.get(returned.url).content.decode()
    assert stranger.get(f"{url(order, 'return')}?{query}").url == order.get_absolute_url()
    assert LedgerEntry.objects.count() == 1
    assert client.get(url(order)).url == order.get_absolute_url()


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=WRONG", "?token=%00&PayerID=x", "?next=//evil.example"]
)
def test_a_forged_return_changes_nothing_and_leads_to_the_order(gateway, order, client, query):
    client.post(url(order), {"method": "paypal", "revision": 1})
    assert client.get(url(order, "return") + query).url == order.get_absolute_url()
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING


@pytest.mark.failure("F38")
def test_the_return_of_another_order_pays_nothing_here(gateway, order, client, approve):
    other = place(make_cart((make_goods("TEA-902"), 1)))
    back = approve(client.post(url(other), {"method": "paypal", "revision": 1}).url)
    query = back.split("?", 1)[1]
    assert client.get(f"{url(order, 'return')}?{query}").url == order.get_absolute_url()
    order.refresh_from_db()
    assert order.status == Order.Status.PENDING


@pytest.mark.failure("F61")
def test_coming_back_without_paying_keeps_the_order_payable(gateway, order, client):
    client.post(url(order), {"method": "paypal", "revision": 1})
    page = client.get(url(order, "cancel"), follow=True).content.decode()
    assert "No money was taken." in page
    assert "Pay HK$" in page


def test_no_method_chosen_is_told(order, client):
    page = client.post(url(order), {"revision": 1}).content.decode()
    assert "Please choose a payment method." in page
    assert not Payment.objects.exists()


@pytest.mark.parametrize("revision", ["", "x", "-1", "1e309", "٣", "99999999999999999999"])
def test_a_strange_revision_starts_no_payment(order, client, revision):
    response = client.post(url(order), {"method": "paypal", "revision": revision})
    assert response.status_code in {200, 302}
    assert not Payment.objects.exists()


@pytest.mark.parametrize("field", ["card_number", "acc_no", "last4", "method", "6221558812340000"])
def test_a_readable_card_number_is_refused_and_not_logged(order, client, field, caplog):
    response = client.post(url(order), {"method": "unionpay", "revision": 1, field: "6221 5588 1234 0000"})
    assert response.status_code in {200, 400}
    assert not Payment.objects.exists()
    assert b"6221 5588" not in response.content
    assert "6221" not in caplog.text


@pytest.mark.failure("F56")
def test_a_stale_page_never_charges(gateway, order, client):
    Order.objects.filter(pk=order.pk).update(revision=2)
    response = client.post(url(order), {"method": "paypal", "revision": 1}, follow=True)
    assert "Your order has changed." in response.content.decode()
    assert not Payment.objects.exists()


def test_paying_needs_a_csrf_token(order):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(url(order), {"method": "paypal", "revision": 1}).status_code == 403


def test_only_known_hosts_are_redirected_to(gateway, order, client, monkeypatch):
    monkeypatch.setattr(views, "GATEWAY_ORIGINS", ["https://www.paypal.com"])
    assert client.post(url(order), {"method": "paypal", "revision": 1}).status_code == 404


def test_a_stranger_who_pays_sees_no_personal_data(order):
    page = Client().get(url(order)).content.decode()
    assert "Pay HK$" in page
    for secret in ("Mei Chan", "mei@example.com", "1 Nathan Road"):
        assert secret not in page


def test_card_fields_have_no_names(order, client):
    page = client.get(url(order)).content.decode()
    for field in re.findall(r"<input[^>]*autocomplete=\"cc-[^>]*>", page):
        assert "name=" not in field


def test_a_webhook_alone_completes_the_payment(gateway, order, client, approve, inbox):
    from payments.webhooks import inbox as shop_inbox

    response = client.post(url(order), {"method": "paypal", "revision": 1})
    approve(response.url)
    payment = Payment.objects.get()
    headers, body = inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id)
    for _ in range(3):
        answer = client.post(
            "/pay/notify/paypal/",
            body,
            content_type="application/json",
            headers={name: value for name, value in headers.items() if name.lower().startswith("paypal")},
        )
        assert answer.status_code == 200
    event = GatewayEvent.objects.get()
    assert event.payment == payment
    shop_inbox.process(event)
    shop_inbox.process(GatewayEvent.objects.get())
    order.refresh_from_db()
    assert order.status == Order.Status.PAID
    assert LedgerEntry.objects.count() == 1


def test_a_forged_webhook_changes_nothing_but_its_own_row(gateway, order, client, approve, inbox):
    from payments.webhooks import inbox as shop_inbox

    response = client.post(url(order), {"method": "paypal", "revision": 1})
    approve(response.url)
    payment = Payment.objects.get()
    headers, body = inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id)
    forged = body.replace(b'"event_version"', b'"event_Version"')
    assert forged != body
    client.post(
        "/pay/notify/paypal/",
        forged,
        content_type="application/json",
        headers={name: value for name, value in headers.items() if name.lower().startswith("paypal")},
    )
    shop_inbox.process(GatewayEvent.objects.get())
    order.refresh_from_db()
    assert GatewayEvent.objects.get().is_verified is False
    assert order.status == Order.Status.PENDING


@pytest.mark.parametrize("gateway_name", ["paypal", "unionpay"])
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"x" * 70_000, b"a=1&a=2", b"{" * 10_000]
)
def test_a_broken_notification_is_refused(client, gateway_name, body):
    response = client.post(f"/pay/notify/{gateway_name}/", body, content_type="application/json")
    assert response.status_code == 400
    assert not GatewayEvent.objects.exists()


def test_notifications_are_only_posted_and_only_by_known_gateways(client):
    assert client.get("/pay/notify/paypal/").status_code == 405
    assert client.post("/pay/notify/other/").status_code == 404


@pytest.mark.parametrize("data", [{}, {"orderId": "x"}, {"orderId": "a\x00b"}])
def test_a_forged_unionpay_return_leads_home(client, data):
    assert client.post("/pay/unionpay/return/", data).status_code == 302


def test_an_expired_order_cannot_be_paid(order, client):
    with transaction.atomic():
        checkout.expire(Order.objects.lock(order.pk))
    assert client.get(url(order)).url == order.get_absolute_url()
    assert client.post(url(order), {"method": "paypal", "revision": 1}).url == order.get_absolute_url()


def test_a_return_in_another_form_encoding_is_no_failure_of_ours(order, client):
    payment = attempts.get_or_create_attempt(order.pk, method=Payment.Method.UNIONPAY_PAGE, revision=1)
    response = client.post("/pay/unionpay/return/", {"orderId": payment.reference, "respCode": "00"})
    assert (
        response.status_code == 302
    )  # multipart, as the test client posts: not UnionPay's, so believed nothing
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CREATED


# --- how many payments may be begun ---


def begin(order, method, address="127.0.0.1"):
    return Client(REMOTE_ADDR=address).post(url(order), {"method": method, "revision": 1})


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Your order stays as it is"), ("zh-hant", "您的訂單維持不變")]
)
def test_one_order_begins_so_many_payments_and_its_buyer_reads_what_to_do(
    gateway, monkeypatch, settings, language, words
):
    """By turns in two ways, for each is asked about at its gateway for days."""
    monkeypatch.setattr(limits, "PER_ORDER", replace(limits.PER_ORDER, limit=3))
    order = place(make_cart((make_goods(on_hand=5), 2)))
    for method in ("paypal", "unionpay", "paypal"):
        assert begin(order, method).status_code != 429
    live = order.payments.live().get()
    with translation.override(language):
        refused = begin(order, "unionpay")
    page = refused.content.decode()
    assert (refused.status_code, order.payments.count()) == (429, 3)
    assert words in page
    assert settings.CUSTOMER_SERVICE_EMAIL in page
    assert re.search(r'value="unionpay"[^>]* checked', page), "nothing that was chosen is lost"
    assert order.payments.live().get() == live
    assert begin(order, "paypal").status_code == 303, "the one under way goes on, however often"
    Try.objects.update(at=clock.now() - dt.timedelta(minutes=limits.MINUTES + 1))
    assert begin(order, "unionpay").status_code != 429
    assert order.payments.count() == 4


def test_one_network_begins_so_many_payments_and_neighbours_their_first_ones(gateway, monkeypatch):
    """Whoever repeats takes of what their network has, and leaves each of its orders the first two."""
    monkeypatch.setattr(limits, "PER_NETWORK", replace(limits.PER_NETWORK, limit=2))
    first, second, neighbour = (place(make_cart((make_goods(f"TEA-90{number}"), 1))) for number in range(3))
    for order, begun in ((first, 4), (second, 2), (neighbour, 2)):
        codes = [begin(order, way).status_code for way in ["paypal", "unionpay"] * 3]
        assert order.payments.count() == begun
        assert 429 not in codes[:2]
        assert 429 in codes
    assert begin(neighbour, "paypal", "192.0.2.7").status_code == 303


def test_a_reference_that_is_taken_is_made_anew(gateway, order, monkeypatch):
    drawn = itertools.chain(["1" * 10] * 3, ["2" * 10])
    monkeypatch.setattr(order_numbers, "random_symbols", lambda count: next(drawn)[:count])
    for method in (Payment.Method.PAYPAL, Payment.Method.UNIONPAY_PAGE):
        made = attempts.get_or_create_attempt(order.pk, method=method, revision=1)
        assert re.fullmatch("[A-Za-z0-9]{8,32}", made.reference)
    assert made.reference.endswith("2" * 10)
