"""Gateways that answer late or not at all: nothing is believed too early, nobody waits for ever."""

import pytest
from django.urls import reverse

from checkout.services import NotPayable
from checkout.tests.scenes import make_cart, make_goods, place
from payments import tasks
from payments.attempts import outcomes, services, settlement
from payments.gateways.base import (
    Declined,
    EncryptedCard,
    GatewayError,
    Pending,
    Unfinished,
)
from payments.models import LedgerEntry, Payment
from payments.models import payment as attempts
from payments.tests.harness.paypal_scenes import awaiting
from shop import clock
from shop.background import breakers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hosts")]

PAYPAL, CARD, PAGE = Payment.Method

Status = Payment.Status

CARD_DATA = EncryptedCard("a", "b", "1", "0048")


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


# --- how long to wait ---


def test_an_attempt_without_a_result_is_asked_for_again_after_the_waits_of_its_method(monkeypatch):
    """The first wait, the second, and so on; the last one repeats."""
    now, waits = clock.now(), {}
    monkeypatch.setattr(clock, "now", lambda: now)
    for number, (method, intervals) in enumerate(Payment.POLL_INTERVALS.items()):
        order = place(make_cart((make_goods(f"TEA-80{number}"), 1)))
        attempt = services.get_or_create_attempt(order.pk, method=method, revision=1)
        waits[method] = []
        for _ in range(len(intervals) + 2):
            outcomes.record(attempt, Unfinished("CREATED"))
            attempt.refresh_from_db()
            waits[method].append((attempt.next_check_at - now).total_seconds())
    assert waits == {
        method: [*intervals, intervals[-1], intervals[-1]]
        for method, intervals in Payment.POLL_INTERVALS.items()
    }


def test_an_attempt_that_was_given_up_is_asked_about_more_seldom(monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    order = place(make_cart((make_goods("TEA-800"), 1)))
    old = services.get_or_create_attempt(order.pk, method=Payment.Method.PAYPAL, revision=1)
    services.get_or_create_attempt(order.pk, method=Payment.Method.UNIONPAY_PAGE, revision=1)
    waits = []
    for _ in Payment.POLL_INTERVALS["paypal"]:
        outcomes.record(old, Unfinished("CREATED"))
        old.refresh_from_db()
        waits.append((old.next_check_at - now).total_seconds())
        assert not Payment.objects.due().exists(), "it is not taken for a clock that was put back"
    assert waits == [240, 240, 480, 1200, 2400, 7200, 14400]
    monkeypatch.setattr(clock, "now", lambda: now - attempts.dt.timedelta(hours=1))
    assert old in Payment.objects.due()


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
    assert len(asked) == breakers.PATIENCE
    for number in range(30):
        travel(hours=1, seconds=20 * (number + 1))
        tasks.expire_orders()
    assert len(set(asked)) == 6  # everybody has a turn
    assert len(asked) == breakers.PATIENCE + 30, "one look a round"


def test_coming_back_by_the_cancel_link_says_nothing_of_money_that_may_be_taken(shop, client):
    payment = awaiting()
    assert settlement._may_capture(payment)
    waiting = client.get(reverse("payments:cancel", args=[payment.order.token]), follow=True)
    assert waiting.redirect_chain[-1][0] == reverse("payments:progress", args=[payment.order.token])
    assert "No money was taken" not in waiting.content.decode()


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
