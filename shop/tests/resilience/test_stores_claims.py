"""The same task in two workers: the row decides whose it is. Each race is first shown without its claim."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import connection

from checkout.models import Order
from checkout.tests import scenes
from payments import tasks
from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.models import LedgerEntry, Payment, Refund
from payments.refunds.plan import RefundRequest
from payments.refunds.services import request_refund
from payments.webhooks.inbox import receive
from shop import clock
from shop.background import outbox
from shop.devstack import failpoints
from shop.models import OutboxMessage
from shop.tasks import deliver_outbox
from shop.tests.harness.effort import times

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = range(times(1, 5))
TOGETHER = 1.0  # seconds that the one waits for the other


@pytest.fixture
def meet(monkeypatch):
    """``meet(failpoint)``: whoever comes by there waits a moment for a second one. Counts who came."""

    def at(point):
        passed = SimpleNamespace(number=0, lock=threading.Lock(), barrier=threading.Barrier(2))

        def reached(name):
            if name != point:
                return
            with passed.lock:
                passed.number += 1
            try:
                passed.barrier.wait(TOGETHER)
            except threading.BrokenBarrierError:
                return

        monkeypatch.setattr(failpoints, "reached", reached)
        return passed

    return at


def in_two_workers(act, *arguments):
    """The same call in two threads with a connection each."""

    def work(_):
        try:
            return act(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, range(2)))


def everyone_is_the_one(monkeypatch):
    """No claim on attempts."""

    @contextmanager
    def claim(payment):
        yield True

    monkeypatch.setattr(Payment, "claim", claim)


@pytest.fixture
def message(monkeypatch):
    """A message whose handler counts."""
    calls = []
    monkeypatch.setitem(outbox._handlers, "test", [lambda number: calls.append(number)])
    monkeypatch.setitem(outbox._peers, "test", "local")

    def publish():
        calls.clear()
        OutboxMessage.objects.all().delete()
        OutboxMessage.objects.create(
            key="test:1", topic="test", peer="local", payload={"number": 1}, due_at=clock.now()
        )
        return calls

    return publish


@pytest.mark.failure("F14")
def test_without_a_claim_two_workers_send_the_same_message(message, meet, monkeypatch):
    calls = message()
    monkeypatch.setattr(
        outbox, "_claim", lambda peer: OutboxMessage.objects.filter(delivered_at__isnull=True).first()
    )
    meet("after_message_claimed")
    in_two_workers(deliver_outbox)
    assert calls == [1, 1]


@pytest.mark.failure("F14")
@pytest.mark.parametrize("again", AGAIN)
def test_a_message_goes_to_one_of_two_workers(message, meet, again):
    calls = message()
    passed = meet("after_message_claimed")
    in_two_workers(deliver_outbox)
    assert (calls, passed.number) == ([1], 1)
    assert OutboxMessage.objects.get().delivered_at is not None


@pytest.fixture
def approve_order(paypal_sandbox, approve):
    """Orders whose buyers have agreed at PayPal."""

    def make(code):
        order = scenes.place(scenes.make_cart((scenes.make_goods(code, on_hand=5), 1)))
        payment = attempts.pay(order.pk, method=Payment.Method.PAYPAL, revision=1)
        approve(payment.approve_url)
        return payment

    return make


@pytest.mark.failure("F14")
def test_without_a_claim_two_workers_take_the_same_money(approve_order, meet, monkeypatch):
    payment = approve_order("TEA-901")
    everyone_is_the_one(monkeypatch)
    passed = meet("before_capture")
    in_two_workers(tasks.settle_payment, payment.pk)
    assert passed.number == 2, "both ask PayPal for the money"
    assert LedgerEntry.objects.count() == 1, "the key made it one capture, the ledger one entry"


@pytest.mark.failure("F14")
@pytest.mark.parametrize("again", AGAIN)
def test_one_of_two_workers_takes_the_money(approve_order, meet, again):
    payment = approve_order("TEA-901")
    passed = meet("before_capture")
    in_two_workers(tasks.settle_payment, payment.pk)
    assert passed.number == 1
    payment.refresh_from_db()
    assert payment.order.status == Order.Status.PAID
    assert LedgerEntry.objects.count() == 1


@pytest.fixture
def event(approve_order, inbox):
    """PayPal's notification that the buyer has agreed, as it arrives."""

    def make():
        payment = approve_order("TEA-901")
        return receive("paypal", *inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id))

    return make


@pytest.mark.failure("F14")
def test_without_a_claim_two_workers_act_on_the_same_event(event, meet, monkeypatch):
    everyone_is_the_one(monkeypatch)
    passed = meet("before_capture")
    in_two_workers(tasks.process_event, event().pk)
    assert passed.number == 2
    assert LedgerEntry.objects.count() == 1


@pytest.mark.failure("F14")
@pytest.mark.parametrize("again", AGAIN)
def test_an_event_in_two_workers_has_one_effect(event, meet, again):
    received = event()
    passed = meet("before_capture")
    in_two_workers(tasks.process_event, received.pk)
    assert passed.number == 1
    assert LedgerEntry.objects.count() == 1
    assert Order.objects.get().status == Order.Status.PAID
    tasks.sweep()  # what the second worker put off
    received.refresh_from_db()
    assert LedgerEntry.objects.count() == 1


@pytest.mark.failure("F14")
@pytest.mark.parametrize("again", AGAIN)
def test_a_refund_in_two_workers_goes_back_once(approve_order, meet, again):
    payment = settlement.settle(approve_order("TEA-901"))
    wanted = RefundRequest(amount=payment.amount)
    request_refund(payment.order_id, wanted, key="0" * 32, actor="merchant")
    OutboxMessage.objects.exclude(topic="payment.refund").delete()
    passed = meet("before_refund_recorded")
    in_two_workers(deliver_outbox)
    assert passed.number == 1
    assert Refund.objects.get().status == Refund.Status.DONE
    assert LedgerEntry.objects.filter(kind="refund").count() == 1


@pytest.mark.failure("F14")
def test_two_sweeps_and_two_expiries_at_once_have_one_effect(approve_order):
    payment = approve_order("TEA-901")
    Payment.objects.update(next_check_at=clock.now())
    in_two_workers(tasks.sweep)
    payment.refresh_from_db()
    assert payment.order.status == Order.Status.PAID
    order = scenes.place(scenes.make_cart((scenes.make_goods("TEA-902", on_hand=5), 1)))
    Order.objects.filter(pk=order.pk).update(hold_until="2000-01-01T00:00Z")
    in_two_workers(tasks.expire_orders)
    assert order.stock_movements.filter(kind="release").count() == 1
    assert order.events.filter(new_status="expired").count() == 1
