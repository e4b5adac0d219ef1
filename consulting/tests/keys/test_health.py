"""Each paid order with consulting services has exactly one order key: broken, found, put right."""

import pytest
from django.core import mail
from django.db import connection

from checkout.signals import money_checks
from consulting.keys import lifecycle
from consulting.models import Case, OrderKey
from consulting.tests import scenes
from shop.models import OutboxMessage
from shop.monitoring.audit import NotRepaired

pytestmark = pytest.mark.django_db

URL = "/en/admin/payments/payment/health/"


def keys():
    (run,) = [part["keys"] for _receiver, part in money_checks.send(sender=None) if "keys" in part]
    return run()


def sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def boss(client, superuser):
    client.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    return client


def press(boss, order):
    return boss.post(f"{URL}repair/", {"check": "keys", "finding": str(order.pk)}, follow=True)


def test_orders_with_their_key_without_services_or_not_paid_are_in_order(order):
    scenes.paid_order(subjects=0, goods=1)
    scenes.unpaid_order()
    assert keys().state == "ok"


def test_a_paid_order_without_key_gets_one_and_its_customer_reads_of_it(order, boss, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    sql("DELETE FROM consulting_case")
    sql("DELETE FROM consulting_orderkey")
    assert keys().state == "red"
    finding = keys().findings[0]
    assert finding.text == f"Order {order.number} is paid, but has no order key."
    assert boss.get(finding.url).status_code == 200
    for _ in range(2):
        press(boss, order)
    assert keys().state == "ok"
    assert Case.objects.of(order).count() == 2
    deliver_outbox()
    confirmation = next(message for message in mail.outbox if order.email in message.to)
    assert scenes.key_of(order) in confirmation.body


def test_a_paid_order_whose_key_was_revoked_is_noted_and_gets_a_new_one_by_a_click(order, boss):
    lifecycle.revoke(order.keys.get(), actor="boss")
    assert keys().state == "note"
    press(boss, order)
    assert keys().state == "ok"
    assert [key.state for key in order.keys.order_by("pk")] == ["revoked", "active"]


def test_a_key_that_nothing_was_paid_for_is_red(order):
    sql("UPDATE checkout_order SET status = 'pending', paid_at = NULL, draft_id = NULL")
    assert keys().state == "red"
    assert "nothing was paid that it could open" in keys().findings[0].text


def test_an_order_that_is_not_paid_any_more_gets_no_key(order, boss, monkeypatch):
    sql("DELETE FROM consulting_orderkey")
    issue = keys().findings[0].repair.act
    sql("UPDATE checkout_order SET status = 'cancelled'")
    with pytest.raises(NotRepaired):
        issue("boss")
    assert not OrderKey.objects.exists()
    assert not OutboxMessage.objects.filter(key=f"mail.order_confirmation:{order.number}:key").exists()
