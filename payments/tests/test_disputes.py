"""A buyer complains at PayPal: nothing leaves, no report opens, staff know until when to answer."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core import mail
from django.db import transaction
from django.urls import reverse

from checkout.models import Order
from checkout.privacy import erasure
from checkout.shipping import fulfilment
from payments import disputes, privacy
from payments.attempts import movements, settlement
from payments.attempts import services as attempts
from payments.gateways.base import DisputeFact, GatewayError
from payments.models import Dispute, GatewayEvent, Refund
from payments.refunds import services as refunds
from payments.sandbox.paypal import dashboard
from payments.tests.harness.paypal_scenes import awaiting, books, deliver, history, order_of, sent, take
from payments.webhooks import inbox as webhook_inbox
from shop import clock

pytestmark = pytest.mark.django_db


def ship(payment):
    order = order_of(payment)
    quantities = {line.pk: quantity for line, quantity in fulfilment.left_to_ship(order).items()}
    return fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF123", quantities=quantities, actor="mei"
    )


def fact(payment, reference="PP-D-1", **changes):
    values = {
        "reference": reference,
        "captures": (payment.capture_reference,),
        "reason": "OTHER",
        "status": "OPEN",
        "is_open": True,
        "opened_at": clock.now(),
        **changes,
    }
    return DisputeFact(**values)


@pytest.fixture
def told(shop, monkeypatch):
    """PayPal tells these facts."""
    facts = {}
    monkeypatch.setattr(type(shop), "dispute", lambda _, reference: facts[reference])

    def tell(*news):
        for one in news:
            facts[one.reference] = one
            disputes.update(one.reference)

    return tell


@pytest.mark.failure("F44")
def test_a_dispute_stops_the_order_until_it_is_resolved(payment, inbox):
    reference = dashboard.dispute(payment.reference, "UNAUTHORISED")["dispute"]
    headers, body = inbox("CUSTOMER.DISPUTE.CREATED", reference)
    for _ in range(3):
        event = take(headers, body)

    assert (event.kind, bool(event.processed_at)) == ("CUSTOMER.DISPUTE.CREATED", True)
    row = Dispute.objects.get()
    assert (row.payment, row.reason, row.is_open) == (payment, "UNAUTHORISED", True)
    assert (row.amount, row.currency) == (payment.amount, payment.currency)
    assert row.respond_until - row.opened_at == dt.timedelta(days=10)
    assert order_of(payment).is_disputed
    assert sum("dispute" in note for note in history(payment)) == 1
    assert sent("mail.payment_dispute") == 1
    with pytest.raises(fulfilment.OnHold):
        ship(payment)

    dashboard.resolve_dispute(payment.reference, "RESOLVED_SELLER_FAVOUR")
    for _ in range(2):
        take(*inbox("CUSTOMER.DISPUTE.RESOLVED", reference))

    row.refresh_from_db()
    assert (row.is_open, row.outcome) == (False, "RESOLVED_SELLER_FAVOUR")
    assert row.resolved_at
    assert not order_of(payment).is_disputed
    assert sent("mail.payment_dispute") == 2
    assert len(books(payment)) == 1
    ship(payment)


@pytest.mark.failure("F44")
def test_a_dispute_that_the_buyer_wins_ends_with_the_money_taken_back(payment, inbox):
    dashboard.dispute(payment.reference)
    dashboard.resolve_dispute(payment.reference, "RESOLVED_BUYER_FAVOUR")
    take(*inbox("PAYMENT.CAPTURE.REVERSED", payment.capture_reference))
    take(*inbox("CUSTOMER.DISPUTE.RESOLVED", payment.capture_reference))

    order = order_of(payment)
    assert (order.is_disputed, order.is_refunded) == (False, True)
    assert books(payment)[1:] == [("reversal", f"-{payment.amount}")]
    assert Refund.objects.get().origin == Refund.Origin.REVERSAL


@pytest.mark.failure("F36", "F44")
def test_a_dispute_told_late_and_out_of_order_ends_as_it_stands(payment, inbox):
    dashboard.dispute(payment.reference)
    dashboard.escalate_dispute(payment.reference)
    dashboard.resolve_dispute(payment.reference, "CANCELED_BY_BUYER")
    for kind in ("RESOLVED", "CREATED", "UPDATED"):
        take(*inbox(f"CUSTOMER.DISPUTE.{kind}", payment.capture_reference))

    assert not order_of(payment).is_disputed
    assert Dispute.objects.get().status == "RESOLVED"
    assert sent("mail.payment_dispute") == 1


@pytest.mark.failure("F44")
def test_contested_money_is_never_under_review_again(payment):
    dashboard.dispute(payment.reference)
    settled = settlement.settle(payment)
    movements.sync_movements(payment)

    assert settled.status == "captured"
    assert order_of(payment).is_paid
    assert len(books(payment)) == 1


@pytest.mark.failure("F44")
def test_money_that_is_contested_before_we_recorded_it_is_captured_and_its_order_stops(shop, approve, inbox):
    started = awaiting()
    approve(started.approve_url)
    shop.capture(attempts.purchase_of(started))
    dashboard.dispute(started.reference)
    settled = settlement.settle(started)
    take(*inbox("CUSTOMER.DISPUTE.CREATED", settled.capture_reference))

    order = order_of(settled)
    assert (order.is_paid, order.is_disputed) == (True, True)


def test_our_refund_during_a_dispute_is_refused_by_paypal_and_a_person_is_told(payment):
    refund = Refund.objects.create(payment=payment, amount=Decimal(10), started_at=clock.now())
    dashboard.dispute(payment.reference)
    refunds.execute_refund(refund.pk)

    refund.refresh_from_db()
    assert (refund.status, refund.problem) == (Refund.Status.FAILED, "TRANSACTION_DISPUTED")
    assert sent("mail.payment_alarm") == 1
    assert len(books(payment)) == 1


# --- several at once


def test_an_order_is_free_only_when_all_its_disputes_are_resolved(payment, told):
    over = {"is_open": False, "status": "RESOLVED", "outcome": "DENIED"}
    told(fact(payment, "PP-D-1"), fact(payment, "PP-D-2"))
    told(fact(payment, "PP-D-1", **over))
    assert order_of(payment).is_disputed

    told(fact(payment, "PP-D-2", **over))
    assert not order_of(payment).is_disputed


def test_a_dispute_about_two_payments_stops_both_orders(payment, shop, approve, told):
    other = awaiting(902)
    approve(other.approve_url)
    other = settlement.settle(other)

    told(fact(payment, captures=(payment.capture_reference, other.capture_reference)))

    assert order_of(payment).is_disputed
    assert order_of(other).is_disputed
    assert Dispute.objects.count() == 2


def test_a_dispute_about_another_shops_money_changes_nothing(payment, told):
    told(fact(payment, captures=("2GG279541U471931P",)))

    assert not Dispute.objects.exists()
    assert not order_of(payment).is_disputed


def test_a_resolved_dispute_that_is_opened_again_stops_the_order_again(payment, told):
    told(fact(payment), fact(payment, is_open=False, status="RESOLVED", outcome="DENIED"))
    resolved_at = Dispute.objects.get().resolved_at
    told(fact(payment))

    assert resolved_at
    assert Dispute.objects.get().resolved_at is None
    assert order_of(payment).is_disputed
    assert sent("mail.payment_dispute") == 3


def test_another_day_to_answer_by_is_told_and_the_same_is_not(payment, told):
    due = clock.now() + dt.timedelta(days=10)
    told(fact(payment, respond_until=due), fact(payment, respond_until=due))
    assert sent("mail.payment_dispute") == 1

    told(fact(payment, respond_until=due + dt.timedelta(days=5)))
    assert sent("mail.payment_dispute") == 2


def test_words_of_any_length_are_recorded(payment, told):
    told(fact(payment, reason="X" * 300, status="Y" * 300, outcome="Z" * 300))

    assert order_of(payment).is_disputed


def test_a_dispute_that_cannot_be_asked_about_changes_nothing(payment, shop, monkeypatch, inbox):
    def fail(*_):
        raise GatewayError("TIMEOUT")

    dashboard.dispute(payment.reference)
    notification = inbox("CUSTOMER.DISPUTE.CREATED", payment.capture_reference)
    with monkeypatch.context() as patch:
        patch.setattr(type(shop), "dispute", fail)
        event = take(*notification)
    assert event.processed_at is None
    assert not order_of(payment).is_disputed

    take(*notification)
    assert order_of(payment).is_disputed


def test_a_complaint_that_waits_keeps_its_order_from_erasure_and_outlives_it(
    payment, shop, monkeypatch, inbox
):
    def fail(*_):
        raise GatewayError("TIMEOUT")

    dashboard.dispute(payment.reference)
    with monkeypatch.context() as patch:
        patch.setattr(type(shop), "dispute", fail)
        event = take(*inbox("CUSTOMER.DISPUTE.CREATED", payment.capture_reference))
    assert (event.is_verified, event.processed_at) == (True, None)
    assert ["still check" in matter for matter in privacy.open_matters(Order, payment.order)] == [True]
    with transaction.atomic():  # it came in between
        erasure.erase(Order.objects.lock(payment.order_id))

    webhook_inbox.process(GatewayEvent.objects.get(pk=event.pk))
    event.refresh_from_db()
    assert order_of(payment).is_disputed
    assert (bool(event.processed_at), bytes(event.body), event.headers) == (True, b"", {})


# --- what people see


@pytest.mark.failure("F44")
def test_staff_read_until_when_to_answer_and_how_it_ended(payment, settings, told):
    settings.LANGUAGE_CODE = "en"
    until = dt.datetime(2026, 12, 24, 10, tzinfo=dt.UTC)
    told(fact(payment, reason="UNAUTHORISED", respond_until=until, amount=Decimal("50.00"), currency="HKD"))
    deliver("mail.payment_dispute")
    (message,) = mail.outbox
    assert message.to == settings.MERCHANT_EMAILS
    for text in (order_of(payment).number, "PP-D-1", "The buyer did not make this payment", "50.00", "24"):
        assert text in message.body
        assert text in message.alternatives[0].content

    told(fact(payment, is_open=False, status="RESOLVED", outcome="RESOLVED_SELLER_FAVOUR"))
    deliver("mail.payment_dispute")
    over = mail.outbox[1]
    assert "resolved" in over.subject
    assert "for us" in over.body
    assert over.extra_headers["Message-ID"] != message.extra_headers["Message-ID"]


def test_a_buyer_is_written_nothing_about_a_dispute(payment, told):
    told(fact(payment))
    deliver("mail.payment_dispute")

    assert all(order_of(payment).email not in message.to for message in mail.outbox)


@pytest.mark.parametrize("flag", ["is_disputed", "on_hold"])
def test_the_admin_says_why_nothing_can_be_shipped(payment, admin_client, settings, flag):
    settings.ALLOWED_HOSTS = ["testserver"]
    order = order_of(payment)
    setattr(order, flag, True)
    order.save()
    page = admin_client.get(reverse("admin:checkout_order_ship", args=[order.pk]), follow=True)
    words = {"is_disputed": "PayPal", "on_hold": ""}[flag]

    assert page.redirect_chain[-1][0] == reverse("admin:checkout_order_change", args=[order.pk])
    (said,) = [str(message) for message in page.context["messages"]]
    assert words in said
    assert reverse("admin:checkout_order_ship", args=[order.pk]) not in page.content.decode()
    with pytest.raises(fulfilment.OnHold):
        ship(payment)


def test_an_older_answer_about_a_dispute_does_not_undo_a_newer_one(payment, shop, monkeypatch, inbox):
    opened = dashboard.dispute(payment.reference)
    headers, body = inbox("CUSTOMER.DISPUTE.CREATED", opened["dispute"])
    real = type(shop).dispute

    def slow(self, reference):
        dispute = real(self, reference)
        monkeypatch.setattr(type(shop), "dispute", real)
        dashboard.resolve_dispute(payment.reference, "CANCELED_BY_BUYER")
        take(*inbox("CUSTOMER.DISPUTE.RESOLVED", payment.capture_reference))
        return dispute

    monkeypatch.setattr(type(shop), "dispute", slow)
    take(headers, body)
    for event in GatewayEvent.objects.filter(processed_at=None):
        webhook_inbox.process(event)
    assert Dispute.objects.get().status == "RESOLVED"
    assert not order_of(payment).is_disputed


def test_a_dispute_that_is_told_before_we_know_of_its_money_stops_the_order_afterwards(shop, approve, inbox):
    started = awaiting()
    approve(started.approve_url)
    shop.capture(attempts.purchase_of(started))  # and the process died
    opened = dashboard.dispute(started.reference)
    event = take(*inbox("CUSTOMER.DISPUTE.CREATED", opened["dispute"]))
    settlement.settle(started)
    webhook_inbox.process(event)
    order = order_of(started)
    assert (order.is_paid, order.is_disputed) == (True, True)
