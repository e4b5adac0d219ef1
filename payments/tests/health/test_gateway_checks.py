"""Money health of notifications, disputes and certificates."""

import datetime as dt

import pytest
from django.db import transaction

from checkout.models import Order
from checkout.privacy import erasure
from payments.models import GatewayEvent
from payments.tests.harness.health_scenes import reds, sql, state
from payments.tests.harness.paypal_scenes import sent
from payments.tests.health.scenes import ago, fail, make_dispute, make_event
from payments.webhooks import inbox
from shop import clock

pytestmark = pytest.mark.django_db


def test_a_notification_left_behind_is_acted_on(paid, board):
    event = make_event(paid)
    assert reds() == {"events"}
    board.press("events")
    assert reds() == set()
    event.refresh_from_db()
    assert event.processed_at


def test_a_notification_about_nothing_we_know_is_only_noted_while_it_is_young(paid, board):
    make_event(None)
    assert state("events") == "note"
    GatewayEvent.objects.update(received_at=ago(hours=2))
    assert state("events") == "red"


def test_a_notification_of_which_nothing_can_be_learnt_stays_red(paid, board, gateway, monkeypatch):
    make_event(paid)
    monkeypatch.setattr(gateway, "movements", fail, raising=False)
    assert "Nothing could be learnt about it yet" in board.press("events")


@pytest.mark.failure("F37")
def test_many_forged_notifications_are_noted_and_change_nothing_else(paid, board):
    for number in range(20):
        make_event(None, number, is_verified=False, received_at=ago(minutes=5))
    assert state("forgeries") == "ok"
    make_event(None, 99, is_verified=False)
    assert (state("forgeries"), reds()) == ("note", set())
    assert "21 forged notifications came within an hour." in board.text()
    GatewayEvent.objects.update(received_at=ago(hours=2))
    assert state("forgeries") == "ok"


def test_a_notice_that_waits_for_proof_ends_with_its_order(paid, board):
    event = make_event(paid, is_verified=None, body=b"{}", headers={"a": "b"})
    assert state("events") == "red"
    with transaction.atomic():
        erasure.erase(Order.objects.lock(paid.order_id))
    event.refresh_from_db()
    assert (state("events"), event.is_verified, event.headers) == ("ok", False, {})


@pytest.mark.parametrize("is_verified", [None, True])
def test_a_notice_that_nobody_can_read_any_more_ends_and_staff_hear_of_it(paid, board, is_verified):
    event = make_event(paid, is_verified=is_verified, kind="CUSTOMER.DISPUTE.CREATED")
    assert "It has been put right." in board.press("events")
    assert (state("events"), sent("mail.payment_alarm")) == ("ok", 1)
    inbox.process(event)  # by a round that had read the row before
    assert sent("mail.payment_alarm") == 1


@pytest.mark.failure("F44")
def test_an_open_dispute_is_noted_with_its_deadline(paid, board):
    make_dispute(paid, respond_until=clock.now() + dt.timedelta(days=7))
    assert (state("disputes"), reds()) == ("note", set())
    page = board.text()
    assert "PP-D-1 (NOT_RECEIVED), answer until" in page
    assert "In order, with something to note" in page


@pytest.mark.parametrize(("is_open", "mark"), [(True, False), (False, True)])
def test_an_order_is_marked_as_its_disputes_say(paid, board, is_open, mark):
    make_dispute(paid, is_open=is_open)
    sql("UPDATE checkout_order SET is_disputed = %s", mark)
    assert reds() == {"disputes"}
    board.press("disputes")
    assert reds() == set()
    paid.order.refresh_from_db()
    assert paid.order.is_disputed is is_open


@pytest.mark.failure("F48")
def test_what_is_wrong_with_unionpays_certificates_is_red_and_what_will_be_is_noted(paid, monkeypatch, board):
    told = "payments.health.gateways.unionpay"
    monkeypatch.setattr(f"{told}.warnings", lambda: ["UnionPay: root.pem ends in 6 days."])
    assert state("certificates") == "note"
    monkeypatch.setattr(f"{told}.problems", lambda: ["UnionPay: merchant.pfx is not in force."])
    assert state("certificates") == "red"
    assert "merchant.pfx is not in force" in board.text()
