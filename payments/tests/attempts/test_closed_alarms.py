"""An alarm is told once, closed once, stays closed, and is about one attempt alone."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.urls import reverse

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments import tasks
from payments.attempts import decisions, outcomes, services, settlement
from payments.gateways import override
from payments.gateways.base import (
    Captured,
    Declined,
    EncryptedCard,
    Pending,
    RefundRefused,
    Unfinished,
)
from payments.models import Payment, Refund
from payments.refunds import services as refunds
from payments.tests.harness.paypal_scenes import awaiting, history, order_of, sent
from shop import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hosts")]

PAYPAL, CARD, PAGE = Payment.Method

Status = Payment.Status

CARD_DATA = EncryptedCard("a", "b", "1", "0048")


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


def test_a_closed_alarm_stays_closed_when_the_buyer_comes_back(foreign, client):
    decisions.dismiss(foreign, actor="mei")
    settlement.settle(foreign)
    foreign.refresh_from_db()
    assert (foreign.needs_attention, order_of(foreign).status) == (False, Order.Status.PENDING)
