"""Two processes at the same moment, held at the worst place: about money.

Each race is first shown with its defence taken away, so that it is known to be real; then it is run with the
code as it is: once, and many times in ``make prove``. PostgreSQL, two connections, the stand-in over HTTP.
"""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection

from payments import tasks
from payments.attempts import outcomes, services, settlement
from payments.gateways.base import GatewayError
from payments.models import GatewayEvent, LedgerEntry, Payment
from payments.tests.attempts.race_scenes import approved, ask, exchanges, is_whole, new_order
from payments.webhooks import inbox
from shop import clock
from shop.tests.harness.effort import times
from shop.tests.harness.races import (
    at_once,
    nothing_is_locked,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgresql", "gateway"),
]

AGAIN = times(1, 5)


@contextmanager
def everybody_may_talk(monkeypatch):
    """Without the claim."""

    @contextmanager
    def free(payment):
        yield True

    with monkeypatch.context() as patch:
        patch.setattr(Payment, "claim", free)
        yield


def test_without_the_claim_two_settlers_both_talk_to_the_gateway(approve, meet, monkeypatch):
    payment = approved(new_order(), approve)
    with everybody_may_talk(monkeypatch), meet("after_outcome_fetched"):
        at_once(ask(payment), ask(payment))
    assert exchanges(payment, "capture") > 1


@pytest.mark.failure("F14")
@pytest.mark.parametrize("_", range(AGAIN))
@pytest.mark.parametrize(
    "how", ["return and notification", "five notifications", "notification and sweep", "two sweeps"]
)
def test_whoever_settles_at_once_one_talks_and_the_order_is_paid_once(approve, how, _):
    order = new_order()
    payment = approved(order, approve)
    Payment.objects.update(next_check_at=clock.now())

    def notified(number=0):
        event, _ = GatewayEvent.objects.get_or_create(
            gateway="paypal", event_id=f"WH-{payment.pk}-{number}",
            defaults={"received_at": clock.now(), "is_verified": True, "payment": payment},
        )  # fmt: skip
        inbox.process(event)

    parties = {
        "return and notification": [ask(payment), notified],
        "five notifications": [lambda n=n: notified(n) for n in range(5)],
        "notification and sweep": [notified, tasks.sweep],
        "two sweeps": [tasks.sweep, tasks.sweep],
    }[how]
    at_once(*parties)
    settlement.settle(payment)
    assert is_whole(order)
    assert exchanges(payment, "capture") == 1


# --- recording: the lock and the unique reference ---


def test_without_lock_and_unique_reference_one_capture_is_booked_twice(approve, meet, gateway, monkeypatch):
    order = new_order()
    payment = approved(order, approve)
    fact = gateway.capture(services.purchase_of(payment))
    monkeypatch.setattr(
        LedgerEntry.objects,
        "get_or_create",
        lambda defaults, **names: (LedgerEntry.objects.create(**names, **defaults), True),
    )
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_ledgerentry DROP CONSTRAINT money_is_booked_once")
    try:
        with nothing_is_locked(monkeypatch), meet("before_outcome_committed"):
            at_once(*[lambda: outcomes.record(payment, fact)] * 2)
        booked = LedgerEntry.objects.filter(payment=payment).count()
    finally:
        LedgerEntry.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE payments_ledgerentry"
                " ADD CONSTRAINT money_is_booked_once UNIQUE (gateway, reference)"
            )
    assert booked == 2


@pytest.mark.parametrize("_", range(AGAIN))
def test_two_who_heard_of_the_same_capture_book_it_once(approve, gateway, meet, _):
    order = new_order()
    payment = approved(order, approve)
    fact = gateway.capture(services.purchase_of(payment))
    with meet("before_outcome_committed", patience=0.2):
        at_once(*[lambda: outcomes.record(payment, fact)] * 2)
    assert is_whole(order)


@pytest.mark.parametrize("_", range(AGAIN))
def test_a_gateway_that_is_away_for_one_of_two_loses_nothing(approve, gateway, monkeypatch, _):
    order = new_order()
    payment = approved(order, approve)
    fetch, lost = gateway.fetch, threading.Event()

    def sometimes(purchase):
        if not lost.is_set():
            lost.set()
            raise GatewayError("reset")
        return fetch(purchase)

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "fetch", sometimes, raising=False)
        at_once(ask(payment), ask(payment))
    settlement.settle(payment)
    assert is_whole(order)
