"""Notifications of UnionPay that are ordered to go wrong do go wrong, and its books stay true."""

from contextlib import suppress

import pytest

from payments.gateways.base import (
    Declined,
    InvalidNotification,
)
from payments.sandbox.faults import notifications as faulty_notifications
from payments.sandbox.faults.kinds import FORGERIES
from payments.tests.harness.rehearsal import act, arm, log
from payments.tests.harness.unionpay_sandbox import (
    notifications_about,
    received,
    status,
)
from shop.tests.harness.stacks.stack import wait_for

pytestmark = [pytest.mark.prove, pytest.mark.usefixtures("nothing_armed")]

PURCHASE = {"gateway": "unionpay", "on": "purchase"}
NOTICE = {"gateway": "unionpay", "on": "notification"}


# --- notifications


def test_a_lost_notification_is_never_sent(url, make_purchase, pay, until_another_arrives):
    purchase = make_purchase()
    arm(url, **NOTICE, fault="lost", reference=purchase.reference)
    pay(purchase)

    wait_for(lambda: log(url, "fault", purchase.reference), "the fault to strike")
    until_another_arrives()
    assert notifications_about(purchase) == []


@pytest.mark.failure("F34")
def test_a_duplicated_notification_arrives_so_often(url, make_purchase, pay):
    purchase = make_purchase()
    arm(url, **NOTICE, fault="duplicate", copies=4, reference=purchase.reference)
    pay(purchase)

    wait_for(lambda: len(notifications_about(purchase)) == 4, "the notifications")


@pytest.mark.failure("F35")
def test_a_delayed_notification_waits_for_the_shops_clock(
    url, make_purchase, pay, until_another_arrives, later
):
    purchase = make_purchase()
    arm(url, **NOTICE, fault="delay", seconds=3 * 86400, reference=purchase.reference)
    pay(purchase)
    wait_for(lambda: log(url, "fault", purchase.reference), "the fault to strike")
    until_another_arrives()
    assert notifications_about(purchase) == []

    later(days=3, seconds=1)

    wait_for(lambda: notifications_about(purchase), "the notification")


@pytest.mark.failure("F36")
def test_a_notification_is_overtaken_by_that_of_another_payment(url, make_purchase, pay, monkeypatch):
    monkeypatch.setattr(faulty_notifications, "REORDER_SECONDS", 600)
    first = make_purchase()
    arm(url, **NOTICE, fault="reorder", reference=first.reference)
    pay(first)
    wait_for(lambda: log(url, "fault", first.reference), "the fault to strike")

    second, _ = pay()

    wait_for(lambda: notifications_about(first), "the notification")
    bodies = [body for _, _, body in received]
    assert [second.reference.encode() in body for body in bodies] == [True, False]


@pytest.mark.parametrize("variant", FORGERIES["unionpay"])
@pytest.mark.failure("F37")
def test_every_forged_notification_is_refused_by_the_adapter(url, gateway, make_purchase, pay, variant):
    purchase = make_purchase()
    arm(url, **PURCHASE, fault="code", code="65", reference=purchase.reference)
    pay(purchase)

    answer = act(
        url, gateway="unionpay", act="forged_notification", reference=purchase.reference, variant=variant
    )

    assert answer == {"variant": variant, "status": 200}
    _, headers, body = notifications_about(purchase)[-1]
    with suppress(InvalidNotification):
        gateway.read_notification(headers, body)
        assert not gateway.verify_notification(headers, body)
    assert isinstance(gateway.fetch(purchase), Declined)


def test_a_notification_that_was_forged_on_its_way_comes_again_as_it_should_be(
    url, gateway, make_purchase, pay, monkeypatch
):
    monkeypatch.setitem(status, "notify", 400)
    purchase = make_purchase()
    arm(url, **NOTICE, fault="forged", reference=purchase.reference)
    pay(purchase)
    wait_for(lambda: notifications_about(purchase), "the forged notification")
    monkeypatch.setitem(status, "notify", 200)
    wait_for(lambda: len(notifications_about(purchase)) == 2, "the true notification")

    (_, headers, forged), (_, _, true) = notifications_about(purchase)
    assert gateway.verify_notification(headers, true)
    with suppress(InvalidNotification):
        assert not gateway.verify_notification(headers, forged)


def test_all_notifications_about_a_payment_come_again_twice(url, pay):
    purchase, _ = pay()
    wait_for(lambda: notifications_about(purchase), "the notification")

    answer = act(url, gateway="unionpay", act="resend_notifications", reference=purchase.reference)

    assert answer == {"statuses": [200, 200]}
    assert len(notifications_about(purchase)) == 3
