"""Gateways are asked apart from each other: one sweep at a time for each, and a silent one is left alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from checkout.tests.scenes import make_cart, make_goods, place
from payments import tasks
from payments.attempts import services
from payments.gateways import override
from payments.gateways.base import EncryptedCard, GatewayError, Notification, Started, Unfinished
from payments.models import GatewayEvent, Payment
from payments.models import payment as attempts
from shop import clock
from shop.background import breakers, leases, lines, peers
from shop.models import Lease
from shop.tests.harness.peers import all_lines_taken, requests_are_limited

__all__ = ["requests_are_limited"]  # a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hosts")]

PAYPAL, CARD, PAGE = Payment.Method
CARD_DATA = EncryptedCard("a", "b", "1", "0048")


class Stub:
    """A gateway that answers what it is told, or nothing."""

    captures = True

    def __init__(self, code, is_silent=False):
        self.code, self.is_silent, self.asked, self.sent = code, is_silent, [], []
        self.within = lambda: None

    def _ask(self, what):
        self.asked.append(what)
        self.within()
        if self.is_silent:
            raise GatewayError("TIMEOUT")

    def start(self, purchase, card=None):
        self.sent.append(purchase.reference)
        self._ask(purchase.reference)
        return Started("ID")

    def fetch(self, purchase):
        self._ask(purchase.reference)
        return Unfinished("CREATED")

    def read_notification(self, headers, body):
        return Notification(event_id=body.decode(), kind="PAYMENT.CAPTURE.COMPLETED")

    def judge_notification(self, headers, body):
        return {}

    def verify_notification(self, headers, body):
        self._ask(body.decode())
        return False


@pytest.fixture
def gateways():
    both = Stub("paypal"), Stub("unionpay")
    with override("paypal", both[0]), override("unionpay", both[1]):
        yield both


def attempt(number, method=PAYPAL):
    """One that is due."""
    order = place(make_cart((make_goods(f"TEA-{number}"), 1)))
    made = services.get_or_create_attempt(order.pk, method=method, revision=1)
    Payment.objects.filter(pk=made.pk).update(
        status="awaiting", gateway_id=f"ID{number}", next_check_at=clock.now()
    )
    return Payment.objects.get(pk=made.pk)


def in_two_workers(act, *arguments):
    def work(_):
        try:
            act(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))


def sweep_of_another_process():
    """The same work, not under this process's shares."""
    with peers.working_for("paypal"):
        tasks.sweep.__wrapped__.__wrapped__("paypal")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_lease", [True, False])
def test_one_sweep_at_a_time(gateways, monkeypatch, has_lease):
    """Else each of them hangs at the silent gateway, and a new one begins every ten seconds."""
    paypal, _ = gateways
    for number in range(800, 804):
        attempt(number)
    if not has_lease:

        @contextmanager
        def nobody_asks(name):
            lease = leases.Held(name)
            lease.renew = lambda: True
            yield lease

        monkeypatch.setattr(leases, "hold", nobody_asks)
    inside, most, ended, change = [], [], [], threading.Condition()

    def meet():
        """Stay until the other one is here too, or has come back without having asked."""
        with change:
            inside.append(1)
            most.append(len(inside))
            change.notify_all()
            change.wait_for(lambda: 2 in most or ended, 30)
            inside.pop()

    def sweep():
        sweep_of_another_process()
        with change:
            ended.append(1)
            change.notify_all()

    paypal.within = meet
    in_two_workers(sweep)
    assert max(most) == (1 if has_lease else 2)


def test_buyers_who_wait_come_before_what_others_have_given_up(gateways):
    """Somebody has begun to pay by turns in two ways: none of that delays the next one's payment."""
    paypal, _ = gateways
    long_ago = clock.now() - attempts.dt.timedelta(hours=1)
    orders = [attempt(number).order for number in (800, 801)]
    Payment.objects.update(status="superseded", next_check_at=long_ago)
    old = Payment.objects.get(order=orders[0])
    for number in range(40):
        old.pk, old.reference, old.gateway_id = None, f"OLD{number:08}", f"OLD{number}"
        old.next_check_at = long_ago - attempts.dt.timedelta(hours=1)
        old.save()
    live = attempt(802)
    tasks.sweep("paypal")
    assert paypal.asked[0] == live.reference
    asked = list(Payment.objects.filter(reference__in=paypal.asked).values_list("order_id", flat=True))
    assert asked.count(orders[0].pk) == attempts.GIVEN_UP_SHARE
    assert asked.count(orders[1].pk) == 1
    for _ in range(40):
        tasks.sweep("paypal")
    assert len(set(paypal.asked)) == 43, "each is asked about in the end"


def test_a_sweep_whose_lease_another_has_taken_ends(gateways):
    """It was slower than the lease is long, and would ask beside the other."""
    paypal, _ = gateways
    for number in range(800, 804):
        attempt(number)
    paypal.within = lambda: Lease.objects.update(holder="another", until=clock.now() + leases.LENGTH)
    tasks.sweep("paypal")
    assert len(paypal.asked) == 1


def test_a_silent_gateway_does_not_hold_up_the_others_attempts(gateways):
    paypal, unionpay = gateways
    paypal.is_silent = True
    for number in range(800, 810):
        attempt(number)
    for number in range(810, 813):
        attempt(number, PAGE)
    for gateway in peers.GATEWAYS:
        tasks.sweep(gateway)
    assert (len(paypal.asked), len(unionpay.asked)) == (breakers.PATIENCE, 3)


@pytest.mark.parametrize("about_one", [True, False])
def test_answers_about_one_attempt_each_make_no_others_wait(gateways, about_one):
    """Somebody has many attempts of which PayPal knows nothing certain: it has answered all the same."""
    paypal, _ = gateways

    def refuse():
        raise GatewayError("RESOURCE_CONFLICT", about_one=about_one)

    paypal.within = refuse
    made = [attempt(number) for number in range(800, 806)]
    tasks.sweep("paypal")
    assert len(paypal.asked) == (len(made) if about_one else breakers.PATIENCE)
    assert breakers.of("paypal").may_ask() == about_one
    made[0].refresh_from_db()
    assert made[0].next_check_at > clock.now(), "it is asked about by its own intervals"


def test_a_notice_that_nothing_is_learnt_from_makes_no_others_wait(gateways):
    paypal, _ = gateways

    def refuse():
        raise GatewayError("BUSY", about_one=True)

    paypal.within = refuse
    for number in range(5):
        GatewayEvent.objects.create(
            gateway="paypal", event_id=f"WH-{number}", body=b"{}", received_at=clock.now()
        )
    tasks.follow_notices("paypal")
    assert len(paypal.asked) == 5
    GatewayEvent.objects.update(next_try_at=clock.now())
    GatewayEvent.objects.create(gateway="paypal", event_id="WH-NEW", body=b"NEW", received_at=clock.now())
    tasks.follow_notices("paypal")
    assert paypal.asked[5] == "NEW", "before those that were tried in vain"


def test_the_first_answer_wakes_what_waits(gateways, travel):
    paypal, _ = gateways
    paypal.is_silent = True
    first, second = attempt(800), attempt(801)
    for _ in range(3):
        tasks.sweep("paypal")
        travel(seconds=21)
    paypal.is_silent = False
    Payment.objects.filter(pk=second.pk).update(next_check_at=clock.now() + attempts.UNREACHABLE_WAIT)
    tasks.sweep("paypal")
    second.refresh_from_db()
    assert second.next_check_at <= clock.now()
    tasks.sweep("paypal")
    for each in (first, second):
        each.refresh_from_db()
        assert each.problem == ""
    asked = len(paypal.asked)
    tasks.sweep("paypal")
    assert len(paypal.asked) == asked, "it goes on as usual"


def test_a_clock_that_was_put_back_keeps_no_payment_and_no_notice_waiting(gateways, travel):
    travel(hours=2)
    payment = attempt(800, PAGE)
    early = attempt(801, PAGE)
    for each, checks, seconds in ((payment, 3, 120), (early, 0, 60)):
        Payment.objects.filter(pk=each.pk).update(
            checks=checks,
            next_check_at=clock.now() + attempts.dt.timedelta(seconds=seconds),
            claimed_until=clock.now() + attempts.LEASE,
        )
    GatewayEvent.objects.create(
        gateway="paypal", event_id="WH-1", received_at=clock.now(), next_try_at=clock.now()
    )
    assert not Payment.objects.due().exists()
    travel(minutes=-5)
    assert set(Payment.objects.due()) == {payment, early}
    assert GatewayEvent.objects.due().exists()
    tasks.sweep("unionpay")
    assert len(gateways[1].asked) == 2
    assert not Payment.objects.due().exists()


def test_forged_notices_are_verified_by_one_at_a_time_and_a_silent_paypal_by_a_few(gateways):
    """One task each, and forty of them, would hang in all threads."""
    paypal, _ = gateways
    paypal.is_silent = True
    ours = attempt(800)
    for name, payment in [*((f"WH-FORGED-{number}", None) for number in range(40)), ("WH-OURS", ours)]:
        GatewayEvent.objects.create(
            gateway="paypal", event_id=name, body=name.encode(), received_at=clock.now(), payment=payment
        )
    tasks.follow_notices("paypal")
    assert len(paypal.asked) == breakers.PATIENCE
    assert paypal.asked[0] == "WH-OURS", "what may be true comes first"


def test_a_notice_wakes_a_round_for_its_gateway(gateways, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks.dispatch.current_app, "send_task", lambda *task, **_: woken.append(task))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda act, robust=False: act())
        Client().post("/pay/notify/paypal/", "WH-1", content_type="application/json")
    assert woken == [("payments.tasks.follow_notices", ("paypal",))]


@pytest.mark.parametrize("method", [PAYPAL, CARD])
def test_who_presses_pay_while_others_wait_is_told_at_once_and_nothing_was_sent(
    gateways,
    requests_are_limited,
    client,
    method,
):
    gateway = gateways[0] if method == PAYPAL else gateways[1]
    order = place(make_cart((make_goods("TEA-800"), 1)))

    def press():
        return services.pay(order.pk, method=method, revision=1, card=CARD_DATA if method == CARD else None)

    with all_lines_taken(gateway.code, since=lines.SLOW):
        payment = press()
    assert (payment.status, gateway.sent) == ("created", []), "a card may be typed again"
    page = client.get(f"/en/pay/{order.token}/").content.decode()
    assert "could not be reached. No money was taken. Please try again in a moment" in page
    gateway.is_silent = True
    press()
    assert gateway.sent == [payment.reference], "and now it is"


def test_unionpays_own_page_needs_no_line(gateways, requests_are_limited):
    """Its address is made here: nobody is asked."""
    order = place(make_cart((make_goods("TEA-800"), 1)))
    with all_lines_taken("unionpay", since=lines.SLOW):
        payment = services.pay(order.pk, method=PAGE, revision=1)
    assert gateways[1].sent == [payment.reference]


def test_a_page_that_asks_while_others_wait_changes_nothing(gateways, requests_are_limited, client):
    payment = attempt(800)
    with all_lines_taken("paypal", since=lines.SLOW):
        client.get(f"/en/pay/{payment.order.token}/progress/")
    after = Payment.objects.get()
    assert (after.problem, after.next_check_at, gateways[0].asked) == ("", payment.next_check_at, [])
