from decimal import Decimal

from django.db import transaction

from checkout import services as checkout
from checkout.models import Order
from payments.models import Payment

from .outcomes import apply_to_order, closing_note

Status = Payment.Status


class NotDecidable(Exception):
    """This payment does not wait for a person, or this is not a way out."""


@transaction.atomic
def accept(payment: Payment, *, actor: str) -> None:
    """Take booked money of another amount as the payment. Raises NotDecidable unless it covers the order."""
    locked = payment.lock()
    left, currency = locked.refundable_amount, locked.captured_currency  # less what is on its way back
    covers = locked.is_unused and currency == locked.order.currency and left >= locked.order.total
    if not locked.needs_attention or not covers or locked.order.is_paid:
        raise NotDecidable(payment.reference)
    _close_alarm(locked, f"{locked.reference}: accepted with {left} {currency}", actor)
    apply_to_order(locked)


@transaction.atomic
def dismiss(payment: Payment, *, actor: str) -> None:
    """The person has dealt with it elsewhere. An order that waited for this can be paid again.

    Raises NotDecidable while we hold money of this payment: it is accepted or given back.
    """
    locked = payment.lock()
    if not locked.needs_attention or _holds_unused_money(locked):
        raise NotDecidable(payment.reference)
    _close_alarm(locked, closing_note(locked, locked.problem), actor)
    if locked.is_live:
        locked.move_to(Status.DECLINED)
    if locked.order.status == Order.Status.UNDER_REVIEW and not locked.has_unsettled_sibling:
        # Whether the buyer was charged, the person knows: no mail says that nothing was taken.
        checkout.reopen(locked.order, note=f"{locked.reference}: alarm closed", is_denied=False)


def _holds_unused_money(payment: Payment) -> bool:
    return (
        not payment.pays_order and sum((entry.amount for entry in payment.ledger.all()), start=Decimal(0)) > 0
    )


def _close_alarm(payment: Payment, note: str, actor: str) -> None:
    payment.needs_attention, payment.problem = False, ""
    payment.save(update_fields=["needs_attention", "problem"])
    payment.order.log(note, actor=actor)
