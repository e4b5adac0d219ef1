"""Complaints of buyers at the gateway. While one is open, nothing is shipped and no report opens."""

import logging

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from checkout.models import Order
from payments.gateways import get_gateway
from payments.gateways.base import DisputeFact, GatewayError
from payments.models import Dispute, Payment
from shop import clock
from shop.background import outbox
from shop.database import retry_transaction

logger = logging.getLogger(__name__)

_REASONS = {
    "MERCHANDISE_OR_SERVICE_NOT_RECEIVED": _("Not received"),
    "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED": _("Not as described"),
    "UNAUTHORISED": _("The buyer did not make this payment"),
    "CREDIT_NOT_PROCESSED": _("A promised refund did not arrive"),
    "DUPLICATE_TRANSACTION": _("Charged twice"),
    "INCORRECT_AMOUNT": _("Wrong amount"),
    "PAYMENT_BY_OTHER_MEANS": _("Paid in another way"),
}
_OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": _("for the buyer"),
    "RESOLVED_SELLER_FAVOUR": _("for us"),
    "RESOLVED_WITH_PAYOUT": _("PayPal paid"),
    "CANCELED_BY_BUYER": _("withdrawn by the buyer"),
    "ACCEPTED": _("we accepted the claim"),
    "DENIED": _("the claim was rejected"),
}


def update(reference: str) -> bool:
    """Record how a complaint stands. Returns False if it is about no payment that we know (yet).

    Needs no transaction open. Raises GatewayError: nothing was learnt.
    """
    gateway = get_gateway("paypal")
    captures = gateway.dispute(reference).captures
    payments = Payment.objects.filter(method=Payment.Method.PAYPAL, capture_reference__in=captures)
    for payment in payments:
        with payment.claim() as is_ours:
            if not is_ours:
                raise GatewayError("BUSY", about_one=True)
            # Fetched anew: meanwhile another process may have recorded a later state than the first.
            _record(payment, gateway.dispute(reference))
    if not payments:
        logger.warning("Dispute %s is about no payment of ours", reference)
    return bool(payments)


@retry_transaction
def _record(payment: Payment, dispute: DisputeFact) -> None:
    """A repeat changes nothing and tells nobody."""
    locked = payment.lock()
    stored = locked.disputes.filter(reference=dispute.reference).first()
    row = stored or Dispute(payment=locked, reference=dispute.reference)
    before = _state(row) if stored else None
    row.reason, row.status, row.outcome = dispute.reason[:60], dispute.status[:40], dispute.outcome[:60]
    row.amount, row.currency = dispute.amount, dispute.currency
    row.opened_at, row.respond_until = dispute.opened_at, dispute.respond_until
    row.is_open = dispute.is_open
    row.resolved_at = None if dispute.is_open else row.resolved_at or clock.now()
    if _state(row) == before:
        return
    row.save()
    order = locked.order
    _set_flag(order)
    what = f"{row.status} {row.outcome}".strip()
    order.log(f"{locked.reference}: dispute {row.reference}, {row.reason}: {what}"[:300])
    moment = clock.now().isoformat()
    outbox.publish("mail.payment_dispute", key=f"{row.pk}:{moment}", dispute_id=row.pk, moment=moment)


@transaction.atomic
def update_order(order_id: int, *, actor: str) -> None:
    """Set whether the order is disputed from its disputes' rows."""
    order = Order.objects.lock(order_id)
    _set_flag(order)
    order.log("disputed" if order.is_disputed else "no longer disputed", actor=actor)


def _set_flag(order: Order) -> None:
    order.is_disputed = Dispute.objects.filter(payment__order=order, is_open=True).exists()
    order.save(update_fields=["is_disputed"])


def _state(row: Dispute) -> tuple[object, ...]:
    """What staff must hear of when it changes."""
    return row.status, row.outcome, row.reason, row.amount, row.currency, row.respond_until


def in_words(dispute: Dispute) -> tuple[str, str]:
    """Reason and outcome for people; PayPal's own word where there is no better one."""
    reason = _REASONS.get(dispute.reason, dispute.reason)
    return str(reason), str(_OUTCOMES.get(dispute.outcome, dispute.outcome))
