# ruff: noqa: F811  fixtures are imported by name
"""What a hostile reading of the code has found: each of these went wrong once."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import transaction
from django.urls import reverse

from checkout.models import Order
from checkout.services import NotPayable
from checkout.tests.scenes import make_cart, make_goods, place
from payments import tasks
from payments.attempts import decisions, outcomes, services, settlement
from payments.gateways import override
from payments.gateways.base import (
    Captured,
    Declined,
    EncryptedCard,
    GatewayError,
    Pending,
    RefundRefused,
    Unfinished,
)
from payments.models import Dispute, GatewayEvent, LedgerEntry, Payment, Refund
from payments.models import payment as attempts
from payments.refunds import services as refunds
from payments.sandbox.paypal import dashboard
from payments.tests.harness.paypal_scenes import awaiting, history, order_of, sent, take
from payments.tests.harness.paypal_shop import (
    payment,  # noqa: F401  fixtures
    shop,  # noqa: F401  fixtures
)
from payments.webhooks import inbox as shop_inbox
from shop import clock

pytest_plugins = ["payments.tests.harness.paypal_fixtures"]
pytestmark = pytest.mark.django_db

PAYPAL, CARD, PAGE = Payment.Method
Status = Payment.Status
CARD_DATA = EncryptedCard("a", "b", "1", "0048")


@pytest.fixture(autouse=True)
def hosts(settings):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]


@pytest.fixture
def travel(monkeypatch):
    """The shop's clock, and the stand-in's with it."""

    def travel(**time):
        moved = clock.now() + dt.timedelta(**time) - dt.datetime.now(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: dt.datetime.now(dt.UTC) + moved)

    return travel


@pytest.fixture
def foreign(shop, monkeypatch, approve):
    """An attempt whose money PayPal says went to somebody else, in every answer."""
    for name in ("fetch", "capture"):
        real = getattr(type(shop), name)

        def lie(self, purchase, real=real):
            outcome = real(self, purchase)
            return replace(outcome, payee_matches=False) if isinstance(outcome, Captured) else outcome

        monkeypatch.setattr(type(shop), name, lie)
    started = awaiting()
    approve(started.approve_url)
    settled = settlement.settle(started)
    assert settled.needs_attention
    return settled


def money(payment, reference="C1", **changes):
    told = Captured(reference, payment.reference, payment.amount, payment.currency, payee_matches=True)
    return replace(told, **changes)


def attempt(order, method):
    return services.get_or_create_attempt(order.pk, method=method, revision=order.revision)


def charging(order):
    """A card whose outcome is not known yet."""
    second = attempt(order, CARD)
    services.begin_card_charge(second, CARD_DATA)
    second.refresh_from_db()
    return second


# --- alarms ---


def test_money_of_another_payee_that_a_notification_tells_again_is_left_to_the_person(foreign):
    note = foreign.problem
    settled = settlement.settle(foreign)
    assert (settled.needs_attention, settled.next_check_at, settled.problem) == (True, None, note)


def test_what_a_person_has_closed_is_not_opened_again_by_the_sweep(foreign, travel):
    settlement.settle(foreign)
    decisions.dismiss(foreign, actor="mei")
    travel(minutes=2)
    tasks.sweep()
    assert order_of(foreign).status == Order.Status.PENDING


def test_closing_an_alarm_never_says_that_no_money_was_taken(foreign, client):
    decisions.dismiss(foreign, actor="mei")
    assert not sent("mail.payment_denied")
    page = client.get(reverse("payments:pay", args=[foreign.order.token])).content.decode()
    assert foreign.order.number in page
    assert "No money was taken" not in page


def test_an_alarm_about_silence_is_written_down_once(shop, travel):
    order = place(make_cart((make_goods(on_hand=5), 1)))
    payment = charging(order)
    travel(days=5)
    with override("unionpay", Silent()):
        for _ in range(3):
            tasks.expire_orders()
    payment.refresh_from_db()
    assert payment.needs_attention
    assert sum("no answer" in note for note in history(payment)) == 1


class Silent:
    captures = False

    def fetch(self, purchase):
        return Unfinished("05")


def test_a_decline_of_another_attempt_does_not_reopen_an_order_whose_money_waits_for_a_person(shop):
    """Else its buyer reads that no money was taken, and pays a second time."""
    first = awaiting()
    second = charging(order_of(first))
    outcomes.record(first, money(first, amount=first.amount - 1))
    assert order_of(first).status == Order.Status.UNDER_REVIEW
    outcomes.record(second, Declined("61"))
    assert order_of(first).status == Order.Status.UNDER_REVIEW
    assert not sent("mail.payment_denied")


@pytest.mark.parametrize("way", ["dismiss", "give back"])
def test_a_decision_about_one_attempt_does_not_end_the_review_of_another(shop, monkeypatch, way):
    first = awaiting()
    second = attempt(order_of(first), PAGE)
    outcomes.record(second, Pending("C2", "PENDING_REVIEW"))
    wrong = {"amount": first.amount - 1} if way == "give back" else {"payee_matches": False}
    outcomes.record(first, money(first, **wrong))
    if way == "dismiss":
        decisions.dismiss(first, actor="mei")
    else:
        refund = refunds.return_unused(first, key="a" * 32, actor="mei")
        with transaction.atomic():
            refunds.record_done(refund, refunds.Refunded("R1", refund.amount, "HKD"))
    assert order_of(first).status == Order.Status.UNDER_REVIEW
    outcomes.record(second, Declined("DENIED"))
    assert order_of(first).status == Order.Status.PENDING


def test_money_on_its_way_back_is_not_accepted_as_the_payment(shop):
    payment = awaiting()
    outcomes.record(payment, money(payment, amount=payment.amount + 5))
    refunds.return_unused(payment, key="a" * 32, actor="mei")
    with transaction.atomic():
        payment.lock().raise_alarm("something else")
    with pytest.raises(decisions.NotDecidable):
        decisions.accept(payment, actor="boss")
    assert not order_of(payment).is_paid


def test_money_for_an_order_that_is_paid_already_is_not_accepted_into_nothing(shop, payment):
    second = Payment.objects.create(
        order=payment.order,
        method=PAYPAL,
        status=Status.SUPERSEDED,
        amount=payment.amount,
        currency=payment.currency,
        reference="SECOND12345678",
        started_at=clock.now(),
    )
    outcomes.record(second, money(second, "C9"))
    automatic = Refund.objects.get(payment=second)
    refunds._record(automatic, RefundRefused("REFUND_NOT_ALLOWED"))
    with pytest.raises(decisions.NotDecidable):
        decisions.accept(second, actor="mei")
    second.refresh_from_db()
    assert second.needs_attention


# --- a conversation that takes longer than its claim ---


@pytest.mark.parametrize(
    "late", [GatewayError("TIMEOUT"), Unfinished("CREATED"), Pending("C1", "ECHECK"), Declined("X")]
)
def test_what_a_slow_conversation_learns_after_the_money_is_in_changes_nothing(
    shop, approve, monkeypatch, travel, late
):
    """Else the payment is due for ever, and three of that kind make every sweep leave the gateway alone."""
    started = awaiting()
    approve(started.approve_url)
    real = type(shop).fetch

    def slow(self, purchase):
        monkeypatch.setattr(type(shop), "fetch", real)
        travel(seconds=50)
        assert settlement.settle(Payment.objects.get()).status == Status.CAPTURED
        if isinstance(late, GatewayError):
            raise late
        return late

    monkeypatch.setattr(type(shop), "fetch", slow)
    settled = settlement.settle(started)
    assert (settled.status, settled.problem, settled.next_check_at) == (Status.CAPTURED, "", None)
    assert settled.capture_reference == LedgerEntry.objects.get().reference
    travel(days=1)
    assert not Payment.objects.due()


# --- reviews, disputes, expiry ---


def test_one_silence_does_not_end_the_patience_with_a_bank_transfer(shop, travel):
    payment = awaiting()
    assert settlement._may_capture(payment)
    outcomes.record(payment, Pending("C1", "ECHECK"))
    travel(days=6)
    payment.postpone(attempts.UNREACHABLE)
    payment.refresh_from_db()
    assert not payment.needs_attention
    assert payment.next_check_at is not None


def test_an_older_answer_about_a_dispute_does_not_undo_a_newer_one(payment, shop, monkeypatch, inbox):
    told = dashboard.dispute(payment.reference)
    headers, body = inbox("CUSTOMER.DISPUTE.CREATED", told["dispute"])
    real = type(shop).dispute

    def slow(self, reference):
        fact = real(self, reference)
        monkeypatch.setattr(type(shop), "dispute", real)
        dashboard.resolve_dispute(payment.reference, "CANCELED_BY_BUYER")
        take(*inbox("CUSTOMER.DISPUTE.RESOLVED", payment.capture_reference))
        return fact

    monkeypatch.setattr(type(shop), "dispute", slow)
    take(headers, body)
    for event in GatewayEvent.objects.filter(processed_at=None):
        shop_inbox.process(event)
    assert Dispute.objects.get().status == "RESOLVED"
    assert not order_of(payment).is_disputed


def test_a_dispute_that_is_told_before_we_know_of_its_money_stops_the_order_afterwards(shop, approve, inbox):
    started = awaiting()
    approve(started.approve_url)
    shop.capture(services.purchase_of(started))  # and the process died
    told = dashboard.dispute(started.reference)
    event = take(*inbox("CUSTOMER.DISPUTE.CREATED", told["dispute"]))
    settlement.settle(started)
    shop_inbox.process(event)
    order = order_of(started)
    assert (order.is_paid, order.is_disputed) == (True, True)


def test_a_silent_gateway_is_asked_a_few_times_per_round_of_expiry(shop, monkeypatch, travel):
    """Else a few dozen orders past their hold keep every worker waiting, and nobody else is served."""
    for number in range(6):
        awaiting(700 + number)
    asked = []

    def fail(self, purchase):
        asked.append(purchase.reference)
        raise GatewayError("TIMEOUT")

    monkeypatch.setattr(type(shop), "fetch", fail)
    travel(hours=1)
    tasks.expire_orders()
    assert len(asked) == tasks.MAX_SILENCE
    for _ in range(30):
        tasks.expire_orders()
    assert len(set(asked)) == 6  # everybody has a turn


def test_coming_back_by_the_cancel_link_says_nothing_of_money_that_may_be_taken(shop, client):
    payment = awaiting()
    assert settlement._may_capture(payment)
    waiting = client.get(reverse("payments:cancel", args=[payment.order.token]), follow=True)
    assert waiting.redirect_chain[-1][0] == reverse("payments:progress", args=[payment.order.token])
    assert "No money was taken" not in waiting.content.decode()


def test_a_closed_alarm_stays_closed_when_the_buyer_comes_back(foreign, client):
    decisions.dismiss(foreign, actor="mei")
    settlement.settle(foreign)
    foreign.refresh_from_db()
    assert (foreign.needs_attention, order_of(foreign).status) == (False, Order.Status.PENDING)


@pytest.mark.failure("F47")
def test_a_card_is_not_sent_any_more_once_its_time_at_unionpay_is_up(travel):
    """A process that slept: a query would say that it failed, and the money would be taken afterwards."""
    order = place(make_cart((make_goods(on_hand=5), 1)))
    attempt = services.get_or_create_attempt(order.pk, method=CARD, revision=1)
    travel(minutes=59)
    services.begin_card_charge(attempt, CARD_DATA)
    Payment.objects.filter(pk=attempt.pk).update(status=Status.CREATED)
    travel(minutes=2)
    with pytest.raises(NotPayable):
        services.begin_card_charge(attempt, CARD_DATA)
    attempt.refresh_from_db()
    assert attempt.status == Status.CREATED


def test_nobody_reads_of_an_old_decline_while_a_worker_takes_the_money(shop, client):
    """The buyer comes back from another card at PayPal, but the notification was faster: we ask already."""
    started = awaiting()
    Payment.objects.filter(pk=started.pk).update(
        problem="INSTRUMENT_DECLINED", claimed_until=clock.now() + attempts.LEASE
    )
    waiting = client.get(reverse("payments:progress", args=[started.order.token]))
    assert waiting.status_code == 200
    assert "No money was taken" not in waiting.content.decode()
    Payment.objects.filter(pk=started.pk).update(claimed_until=None)
    assert client.get(reverse("payments:progress", args=[started.order.token])).status_code == 302
