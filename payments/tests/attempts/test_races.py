"""Twenty at once, on PostgreSQL, over the real views: one order, one attempt, one capture."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from checkout.models import Draft, Order
from checkout.tests.scenes import TYPED, URL, add, make_goods, quote_of
from payments.attempts import views
from payments.gateways import override
from payments.models import LedgerEntry, Payment
from payments.sandbox import store

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 20


@pytest.fixture
def gateway(paypal, monkeypatch, sandbox, settings):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    monkeypatch.setattr(views, "GATEWAY_ORIGINS", [sandbox])
    with override("paypal", paypal):
        yield paypal


def all_at_once(client, act):
    """``act(client)`` in twenty threads, each a tab of the same browser, released together."""
    barrier = Barrier(CROWD)

    def one(_):
        tab = Client()
        tab.cookies = client.cookies
        barrier.wait()
        try:
            return act(tab)
        finally:
            connection.close()

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD)))


def place_and_pay_twenty_times(client, approve):
    add(client, make_goods(on_hand=5), 2)
    typed = {**TYPED, "quote": quote_of(client.get(URL))}
    placed = all_at_once(client, lambda tab: tab.post(URL, typed))
    order = Order.objects.get()
    assert {response.url for response in placed} == {f"/en/pay/{order.token}/"}

    page = f"/en/pay/{order.token}/"
    paid = all_at_once(client, lambda tab: tab.post(page, {"method": "paypal", "revision": 1}))
    payment = Payment.objects.get()
    assert {response.status_code for response in paid} <= {302, 303}
    assert all(response.url in {payment.approve_url, f"{page}progress/"} for response in paid)

    back = approve(payment.approve_url).split("?", 1)[1]
    returned = all_at_once(client, lambda tab: tab.get(f"{page}return/?{back}"))
    assert {response.status_code for response in returned} == {302}
    order.refresh_from_db()
    return order, payment


@pytest.mark.failure("F50")
def test_twenty_posts_make_one_order_one_payment_and_one_capture(gateway, client, approve):
    assert connection.vendor == "postgresql", "a race needs a database that really runs things at once"
    order, payment = place_and_pay_twenty_times(client, approve)
    assert order.status == Order.Status.PAID
    assert LedgerEntry.objects.count() == 1
    variant = order.lines.get().variant
    variant.refresh_from_db()
    assert (variant.on_hand, variant.reserved) == (3, 0)
    lines = (store.folder() / "log.jsonl").read_text().splitlines()
    about = [line for line in lines if payment.gateway_id in line]
    assert sum('"kind": "create order"' in line for line in about) == 1
    assert sum('"kind": "capture"' in line for line in about) == 1


def test_without_the_lock_on_the_draft_the_same_crowd_makes_a_mess(gateway, client, monkeypatch):
    """Shows that the test above can fail: the race is real."""
    unlocked = Draft.objects.all()
    monkeypatch.setattr(type(unlocked), "select_for_update", lambda rows, *_, **__: rows, raising=True)
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_pending_order_per_cart")
    try:
        add(client, make_goods(on_hand=100), 1)
        typed = {**TYPED, "quote": quote_of(client.get(URL))}
        all_at_once(client, lambda tab: tab.post(URL, typed))
        assert Order.objects.count() > 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM checkout_holdorigin")
            cursor.execute("DELETE FROM checkout_stockmovement")
            cursor.execute("DELETE FROM checkout_orderevent")
            cursor.execute("DELETE FROM checkout_orderline")
            cursor.execute("DELETE FROM checkout_order")
            cursor.execute(
                "CREATE UNIQUE INDEX one_pending_order_per_cart ON checkout_order (draft_id) "
                "WHERE status = 'pending'"
            )
