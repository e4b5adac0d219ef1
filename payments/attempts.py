"""The rows of attempts to pay: locking, claiming, moving, and when to ask the gateway again."""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Q

from checkout import services as checkout
from shop import clock

from .models import Payment

logger = logging.getLogger(__name__)
Status = Payment.Status
Method = Payment.Method

LEASE = dt.timedelta(seconds=120)  # longer than the slowest conversation with a gateway
# Seconds after which an unknown attempt is asked for again; the last one repeats.
LADDERS = {
    Method.PAYPAL: [60, 60, 120, 300, 600, 1800, 3600],
    Method.UNIONPAY_CARD: [2, 2, 4, 8, 16, 32, 60, 120, 300, 600, 1800, 3600],
    Method.UNIONPAY_PAGE: [60, 60, 120, 300, 600, 1800, 3600],
}
# Then a person looks. Longer than PayPal and UnionPay keep an unpaid attempt.
GIVE_UP_AFTER = dt.timedelta(days=4)


UNREACHABLE = "gateway not reached"


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


def change(payment: Payment, status: Payment.Status) -> None:
    with transaction.atomic():
        move(lock(payment), status)


def claim(payment: Payment) -> bool:
    """Be the one who talks to the gateway about this attempt, for as long as the lease."""
    now = clock.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    return bool(Payment.objects.filter(free, pk=payment.pk).update(claimed_until=now + LEASE))


def unclaim(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(claimed_until=None)


def postpone(payment: Payment, problem: str) -> None:
    """Nothing was learnt; ask again later."""
    with transaction.atomic():
        locked = lock(payment)
        locked.problem = problem
        locked.save(update_fields=["problem"])
        schedule(locked)


def schedule(payment: Payment) -> None:
    """When to ask again. The caller holds the lock."""
    if clock.now() - payment.started_at > GIVE_UP_AFTER:
        payment.next_check_at = None
        if payment.status == Status.CAPTURING:
            payment.needs_attention = True
    else:
        ladder = LADDERS[Method(payment.method)]
        wait = ladder[min(payment.checks, len(ladder) - 1)]
        payment.next_check_at = clock.now() + dt.timedelta(seconds=wait)
    payment.checks += 1
    payment.save(update_fields=["next_check_at", "needs_attention", "checks"])


def raise_alarm(payment: Payment, note: str) -> None:
    """Money that does not match is never touched automatically: a person decides."""
    logger.error("Payment %s: %s", payment.reference, note)
    payment.needs_attention = True
    payment.next_check_at = None
    payment.problem = note[:60]
    payment.save(update_fields=["needs_attention", "next_check_at", "problem"])
    payment.order.log(f"{payment.reference}: {note}"[:300])
