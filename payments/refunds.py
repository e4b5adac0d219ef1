"""Giving money back: stored with its key before the gateway is asked, and once however often it is tried."""

from django.db import transaction

from shop import clock, outbox

from .attempts import raise_alarm
from .gateways import get_gateway
from .gateways.base import Refunded, RefundRefused, Unfinished
from .models import LedgerEntry, Payment, Refund
from .purchases import purchase_of


def give_back(payment: Payment, why: str) -> None:
    """Money that matches but cannot be used goes back at once, and once."""
    refund, created = Refund.objects.get_or_create(
        payment=payment, reason="unusable", defaults={"amount": payment.amount, "started_at": clock.now()}
    )
    if created:
        payment.order.log(f"{payment.reference}: refund, because {why}")
        outbox.publish("payment.refund", key=refund.key, refund_id=refund.pk)


class RefundNotKnown(Exception):
    """The gateway has not said yet whether the money went back; the outbox asks again."""


def execute_refund(refund_id: int) -> None:
    """Give the money back at the gateway and book it. Safe to repeat: the key identifies the refund."""
    refund = Refund.objects.select_related("payment__order").get(pk=refund_id)
    if refund.status != Refund.Status.CREATED:
        return
    payment = refund.payment
    outcome = get_gateway(payment.gateway).refund(
        purchase_of(payment),
        payment.capture_reference,
        refund.amount,
        key=refund.key,
        started_at=refund.started_at,
    )
    if isinstance(outcome, Unfinished):
        raise RefundNotKnown(outcome.code)
    _record_refund(refund.pk, outcome)


@transaction.atomic
def _record_refund(refund_id: int, outcome: Refunded | RefundRefused) -> None:
    refund = Refund.objects.select_for_update().select_related("payment").get(pk=refund_id)
    if refund.status != Refund.Status.CREATED:
        return
    payment = refund.payment
    if isinstance(outcome, RefundRefused):
        refund.status, refund.problem = Refund.Status.FAILED, outcome.code[:60]
        refund.save(update_fields=["status", "problem"])
        raise_alarm(payment, f"refund refused: {outcome.code}")
        return
    refund.status, refund.reference = Refund.Status.DONE, outcome.reference
    refund.save(update_fields=["status", "reference"])
    LedgerEntry.objects.get_or_create(
        gateway=payment.gateway,
        reference=outcome.reference,
        defaults={
            "payment": payment,
            "amount": -outcome.amount,
            "currency": outcome.currency,
            "at": clock.now(),
        },
    )
    payment.order.log(f"{payment.reference}: refunded {outcome.amount} {outcome.currency}")
    outbox.publish("mail.payment_refunded", key=refund.key, refund_id=refund.pk)
