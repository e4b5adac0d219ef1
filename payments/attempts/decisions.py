"""Decisions of staff about money that does not match."""

import hashlib
from decimal import Decimal

from django.db import transaction

from checkout import services as checkout
from checkout.models import Order
from payments.models import Payment

from .outcomes import apply_to_order, closing_note

Status = Payment.Status


class NotDecidable(Exception):
    """The payment has no open alarm, or this decision is not possible for it."""


class FactsChanged(Exception):
    """The alarm, the money or the order is not as whoever decides saw it."""


def facts_stamp(payment: Payment) -> str:
    """Another one once there is something else to decide about: proves to have been seen."""
    order = payment.order
    plain = (payment.money_stamp, payment.status, payment.problem, order.status, str(order.total))
    return hashlib.sha256(repr(plain).encode()).hexdigest()


def _check_seen(payment: Payment, seen: str | None) -> None:
    if seen is not None and facts_stamp(payment) != seen:
        raise FactsChanged(payment.reference)


@transaction.atomic
def accept(payment: Payment, *, actor: str, seen: str | None = None) -> None:
    """Let booked money of another amount pay the order. ``seen`` is the ``facts_stamp`` that was read.

    Raises NotDecidable unless it covers the order, and FactsChanged.
    """
    locked = payment.lock()
    left, currency = locked.refundable_amount, locked.captured_currency  # less what is on its way back
    covers = locked.is_unused and currency == locked.order.currency and left >= locked.order.total
    if not locked.needs_attention or not covers or locked.order.is_paid:
        raise NotDecidable(payment.reference)
    _check_seen(locked, seen)
    locked.close_alarm()
    locked.order.log(f"{locked.reference}: accepted with {left} {currency}", actor=actor)
    apply_to_order(locked)


@transaction.atomic
def dismiss(payment: Payment, *, actor: str, seen: str | None = None) -> None:
    """Close the alarm: staff have dealt with it elsewhere. An order that waited for it can be paid again.

    Raises NotDecidable while we hold money of this payment: it is accepted or given back. And FactsChanged:
    another alarm may have come than the one that was dealt with.
    """
    locked = payment.lock()
    if not locked.needs_attention or _holds_unused_money(locked):
        raise NotDecidable(payment.reference)
    _check_seen(locked, seen)
    note = closing_note(locked, locked.problem)
    locked.close_alarm()
    locked.order.log(note, actor=actor)
    if locked.is_live:
        locked.move_to(Status.DECLINED)
    if locked.order.status == Order.Status.UNDER_REVIEW and not locked.has_unsettled_sibling:
        # Whether the buyer was charged, the person knows: no mail says that nothing was taken.
        checkout.reopen(locked.order, note=f"{locked.reference}: alarm closed", is_denied=False)


def _holds_unused_money(payment: Payment) -> bool:
    return (
        not payment.pays_order and sum((entry.amount for entry in payment.ledger.all()), start=Decimal(0)) > 0
    )
