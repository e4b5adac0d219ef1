"""Bring refunds, their bookings and the orders' figures in line, where money health found a difference.

What has to be asked of a gateway is asked while no transaction is open. Each function is safe to repeat.
"""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from checkout.models import Order
from payments.gateways import get_gateway
from payments.models import LedgerEntry, Payment, Refund, RefundLine
from payments.purchase import purchase_of
from shop import clock
from shop.background import outbox

GATEWAYS_LISTING_REFUNDS = {"paypal"}  # UnionPay cannot be asked which refunds there are
Kind = LedgerEntry.Kind


class NotConfirmed(Exception):
    """The gateway does not know this refund."""


class AmountsDiffer(Exception):
    """There is a refund of this reference, but of another amount."""


class MoreCameBack(Exception):
    """By the bookings, more money came back than ever left."""


def book_done_refund(refund: Refund) -> None:
    """Book a done refund that the gateway confirms. One that cannot be asked has been looked up there.

    Raises GatewayError, NotConfirmed, and ReferenceTaken.
    """
    payment = refund.payment
    if payment.gateway in GATEWAYS_LISTING_REFUNDS and not _confirms(payment, refund):
        raise NotConfirmed(refund.reference)
    with transaction.atomic():
        locked = payment.lock()
        LedgerEntry.objects.book(
            locked,
            refund.ledger_kind,
            amount=-refund.amount,
            currency=locked.captured_currency,
            reference=refund.reference,
            at=refund.done_at or clock.now(),
        )


def _confirms(payment: Payment, refund: Refund) -> bool:
    movements = get_gateway(payment.gateway).movements(purchase_of(payment), payment.capture_reference)
    return any((each.reference, each.amount) == (refund.reference, refund.amount) for each in movements)


@transaction.atomic
def create_refund_of(entry: LedgerEntry, *, actor: str) -> None:
    """Create the refund's row for booked money that went back and that no row explains.

    Raises AmountsDiffer.
    """
    payment = entry.payment.lock()
    if payment.refunds.filter(reference=entry.reference, status=Refund.Status.DONE).exists():
        raise AmountsDiffer(entry.reference)
    is_reversal = entry.kind == Kind.REVERSAL
    refund = Refund.objects.create(
        payment=payment,
        origin=Refund.Origin.REVERSAL if is_reversal else Refund.Origin.GATEWAY,
        amount=-entry.amount,
        status=Refund.Status.DONE,
        reference=entry.reference,
        started_at=entry.at,
        done_at=entry.at,
    )
    payment.order.log(f"{payment.reference}: refund {entry.reference} written down", actor=actor)
    if not is_reversal:
        publish_mail(refund)


@transaction.atomic
def set_refunded_totals(order: Order, *, actor: str) -> None:
    """Set the order's figures of what went back to the sums of its bookings. Raises MoreCameBack."""
    locked = Order.objects.lock(order.pk)
    entries = LedgerEntry.objects.filter(payment__order=locked, payment__pays_order=True)
    refunded = -_sum(entries.exclude(kind=Kind.CAPTURE))
    if refunded < 0:
        raise MoreCameBack(locked.number)
    locked.refunded_total = min(locked.total, refunded)
    locked.refunded_at = locked.refunded_at or clock.now()
    locked.save(update_fields=["refunded_total", "refunded_at"])
    parts = RefundLine.objects.filter(refund__status=Refund.Status.DONE, refund__payment__pays_order=True)
    for line in locked.lines.all():
        line.refunded_total = _sum(parts.filter(line=line))
        line.save(update_fields=["refunded_total"])
    locked.log("what went back set to what the bookings say", actor=actor)


@transaction.atomic
def publish_mail(refund: Refund) -> None:
    """Publish the mail that tells the buyer of the refund."""
    outbox.publish("mail.payment_refunded", key=refund.key, refund_id=refund.pk)


def _sum(rows: Any) -> Decimal:
    return rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
