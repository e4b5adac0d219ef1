"""Bring payments and their bookings in line with the gateway, where money health found a difference.

What has to be asked of a gateway is asked while no transaction is open. Each function is safe to repeat.
"""

import uuid
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from checkout.models import Order
from payments.gateways import get_gateway
from payments.gateways.base import Captured, Outcome
from payments.models import LedgerEntry, Payment
from payments.models.ledger import ReferenceTaken
from payments.purchase import purchase_of
from payments.refunds import services as refunds
from shop import clock

from .outcomes import apply_to_order

Status = Payment.Status


class NoSuchMoney(Exception):
    """No gateway knows of the money."""


class PaidByAnotherAmount(Exception):
    """The order counts as paid, but this payment took another amount."""


def book_missing_capture(payment: Payment) -> None:
    """Fetch the capture of a payment that counts as captured, and book it.

    Raises GatewayError, and NoSuchMoney after alerting staff.
    """
    outcome = _fetch(payment)
    if not isinstance(outcome, Captured):
        with transaction.atomic():
            payment.lock().raise_alarm("captured here, but not at the gateway")
        raise NoSuchMoney(payment.reference)
    _book(payment, outcome)


def find_payer(order: Order) -> None:
    """Mark the payment whose money made the order paid: from the books, else from the gateways.

    Raises GatewayError and NoSuchMoney.
    """
    for payment in order.payments.filter(status=Status.CAPTURED):
        with transaction.atomic():
            if _mark_payer(payment.lock()):
                return
    for payment in order.payments.exclude(status=Status.CAPTURED):
        outcome = _fetch(payment)
        if isinstance(outcome, Captured):
            _book(payment, outcome)
            return
    raise NoSuchMoney(order.number)


@transaction.atomic
def use_idle_money(payment: Payment, *, actor: str) -> None:
    """Let booked money that stands idle pay its order; if that cannot be, refund it.

    Raises PaidByAnotherAmount, NothingToRefund and DisputeOpen.
    """
    locked = payment.lock()
    entry = locked.ledger.get(kind=LedgerEntry.Kind.CAPTURE)
    _adopt(locked, entry)
    if locked.pays_order and locked.order.is_paid:
        return
    locked.pays_order = False
    locked.save(update_fields=["pays_order"])
    if _mark_payer(locked):
        return
    if _lacks_payer(locked.order):  # its buyer has the goods, perhaps: no money goes back by itself
        raise PaidByAnotherAmount(locked.reference)
    if (entry.amount, entry.currency) != (locked.amount, locked.currency):
        locked.raise_alarm(f"money that does not match: {entry.amount} {entry.currency}")
        return
    if locked.refundable_amount < locked.order.total or locked.refunds.exists():
        key = uuid.uuid5(uuid.UUID(locked.create_key), "money health").hex
        refunds.return_unused(locked, key=key, actor=actor, reason="left over")
    else:
        apply_to_order(locked)


def _fetch(payment: Payment) -> Outcome:
    return get_gateway(payment.gateway).fetch(purchase_of(payment))


@transaction.atomic
def _book(payment: Payment, capture: Captured) -> None:
    """Book money that the gateway has for us and our books have not. Alerts staff where it does not match."""
    locked = payment.lock()
    facts = (capture.our_reference, capture.amount, capture.currency, capture.payee_matches)
    if facts != (locked.reference, locked.amount, locked.currency, True):
        locked.raise_alarm(f"money that does not match: {capture.amount} {capture.currency}")
        return
    try:
        entry, _is_new = LedgerEntry.objects.book(
            locked,
            LedgerEntry.Kind.CAPTURE,
            amount=capture.amount,
            currency=capture.currency,
            reference=capture.reference,
            at=clock.now(),
        )
    except ReferenceTaken:
        locked.raise_alarm(f"capture {capture.reference} belongs to another payment")
        return
    _adopt(locked, entry)
    if not locked.pays_order and not _mark_payer(locked):
        apply_to_order(locked)


def _adopt(payment: Payment, entry: LedgerEntry) -> None:
    """Set the payment's row to what the booking of its capture says. Needs the order's lock."""
    if payment.status != Status.CAPTURED:
        payment.move_to(Status.CAPTURED)
    payment.capture_reference, payment.captured_at = entry.reference, payment.captured_at or entry.at
    payment.next_check_at, payment.problem = None, ""
    payment.save(update_fields=["capture_reference", "captured_at", "next_check_at", "problem"])


def _mark_payer(payment: Payment) -> bool:
    """Mark the payment as the payer of an order that is paid by nobody. Returns whether it can be that payer.

    It must have taken enough, and the order must know what of it went back. Needs the order's lock.
    """
    order = payment.order
    if not _lacks_payer(order):
        return False
    amount, currency = payment.captured_amount, payment.captured_currency
    # Every booking counts, in whatever currency: the order's own figure of what went back knows none.
    booked = payment.ledger.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    went_back = min(amount - booked, order.total)
    if amount < order.total or currency != order.currency or went_back != order.refunded_total:
        return False
    payment.pays_order = True
    payment.save(update_fields=["pays_order"])
    order.log(f"{payment.reference}: its money pays the order")
    return True


def _lacks_payer(order: Order) -> bool:
    return order.is_paid and not order.payments.filter(pays_order=True).exists()
