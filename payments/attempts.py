"""The rows of attempts to pay: locking, claiming, moving, when to ask again, and when to call a person."""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Q

from checkout import services as checkout
from checkout.models import Order
from shop import clock, outbox
from shop.database import repeatable

from .models import Payment

logger = logging.getLogger(__name__)
Status = Payment.Status
Method = Payment.Method

# How long one process has the word: longer than conversations usually take, and short enough for a question
# that a dying process left open. A lease that lapses too early costs a second question, never second money:
# every call carries its key, and a card is only sent from a state that ends with it.
LEASE = dt.timedelta(seconds=45)
# Seconds after which an attempt without a result is asked for again; the last one repeats.
LADDERS = {
    Method.PAYPAL: [60, 60, 120, 300, 600, 1800, 3600],
    Method.UNIONPAY_CARD: [2, 2, 4, 8, 16, 32, 60, 120, 300, 600, 1800, 3600],
    Method.UNIONPAY_PAGE: [60, 60, 120, 300, 600, 1800, 3600],
}
# A gateway that could not be reached is asked again this soon: money may be waiting. The sweep sees to it
# that a dead gateway is not asked once per attempt.
UNREACHABLE_WAIT = dt.timedelta(seconds=20)
# Then a person looks. Longer than PayPal and UnionPay keep an unpaid attempt.
GIVE_UP_AFTER = dt.timedelta(days=4)
REVIEW_LASTS = dt.timedelta(days=30)  # a bank transfer behind PayPal takes days

UNREACHABLE = "gateway not reached"
REFUSES_US = "gateway refuses the shop"  # credentials, permissions, certificates: staff have been told
UNANSWERED = {UNREACHABLE, REFUSES_US}
WRONG_CODE = "71"  # UnionPay: the code of the text message is wrong; it may be entered again


class InvalidTransition(Exception):
    """The attempt cannot move from its state to the wanted one."""


def lock(payment: Payment) -> Payment:
    """The order first, then its payment: the same order everywhere."""
    order = checkout.lock(payment.order_id)
    locked = Payment.objects.select_for_update().get(pk=payment.pk)
    locked.order = order
    return locked


def move(payment: Payment, status: Payment.Status) -> None:
    """The only way to change a payment's status. The caller holds the order's lock."""
    if status not in Payment.TRANSITIONS[Status(payment.status)]:
        raise InvalidTransition(f"{payment.reference}: {payment.status} -> {status}")
    payment.status = status
    payment.save(update_fields=["status"])


@contextmanager
def claimed(payment: Payment) -> Iterator[bool]:
    """Be the one who talks to the gateway about this attempt, for as long as the lease. False: another is."""
    now = clock.now()
    until = now + LEASE
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    is_ours = _set_claim(payment, free, until)
    try:
        yield is_ours
    finally:
        if is_ours:  # and still is: after the lease it may be another's
            _set_claim(payment, Q(claimed_until=until), None)


@repeatable
def _set_claim(payment: Payment, condition: Q, until: dt.datetime | None) -> bool:
    return bool(Payment.objects.filter(condition, pk=payment.pk).update(claimed_until=until))


def is_claimed(payment: Payment) -> bool:
    return payment.claimed_until is not None and payment.claimed_until >= clock.now()


def may_be_taken(sender: object, order: Order, **_: object) -> bool:
    """Whether a payment of the order may have been made already, whatever we have heard."""
    return order.payments.filter(status=Status.CAPTURING).exists()


@repeatable
def postpone(payment: Payment, problem: str) -> None:
    """Nothing was learnt; ask again later."""
    locked = lock(payment)
    if locked.status == Status.CAPTURED:  # by another process, while this one waited
        return
    locked.problem = problem
    locked.save(update_fields=["problem"])
    if problem in UNANSWERED and clock.now() - locked.started_at <= _patience(locked):
        locked.next_check_at = clock.now() + UNREACHABLE_WAIT
        locked.save(update_fields=["next_check_at"])
    else:
        schedule(locked)


def schedule(payment: Payment) -> None:
    """When to ask again. The caller holds the lock."""
    if payment.status == Status.CAPTURED:
        return
    if clock.now() - payment.started_at > _patience(payment):
        payment.next_check_at = None
        payment.save(update_fields=["next_check_at"])
        if payment.status == Status.CAPTURING and not payment.needs_attention:
            raise_alarm(payment, f"no answer for {_patience(payment).days} days")
        return
    ladder = LADDERS[Method(payment.method)]
    wait = ladder[min(payment.checks, len(ladder) - 1)]
    payment.next_check_at = clock.now() + dt.timedelta(seconds=wait)
    payment.checks += 1
    payment.save(update_fields=["next_check_at", "checks"])


def _patience(payment: Payment) -> dt.timedelta:
    """Before it is captured, only what is under review at the gateway has the name of its capture."""
    return REVIEW_LASTS if payment.capture_reference else GIVE_UP_AFTER


def ask_soon(payment: Payment, wait: dt.timedelta) -> None:
    """Money may be taken from now on: the ladder begins anew. The caller holds the lock."""
    payment.next_check_at, payment.checks = clock.now() + wait, 0
    payment.save(update_fields=["next_check_at", "checks"])


def is_held_by_another(payment: Payment) -> bool:
    """Whether the order is under review because of another attempt, too: then it stays so."""
    return any(
        other.needs_attention
        or (other.is_live and other.capture_reference)
        or (not other.pays_order and sum(entry.amount for entry in other.ledger.all()) > 0)
        for other in payment.order.payments.exclude(pk=payment.pk).prefetch_related("ledger")
    )


def raise_alarm(payment: Payment, note: str) -> None:
    """Money that does not match is never touched automatically: a person decides. Needs a transaction."""
    logger.error("Payment %s: %s", payment.reference, note)
    payment.needs_attention = True
    payment.next_check_at = None
    payment.problem = note[:60]
    payment.save(update_fields=["needs_attention", "next_check_at", "problem"])
    payment.order.log(f"{payment.reference}: {note}"[:300])
    tell_staff(f"{payment.reference}: {note}", key=f"{payment.reference}:{note}")


def tell_staff(note: str, *, key: str) -> None:
    """One mail per ``key`` to those who mind the money. ``note`` names references, never personal data."""
    outbox.publish("mail.payment_alarm", key=key[:150], note=note[:300])
