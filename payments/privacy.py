"""Payments and privacy: retention, erasure and what stands in its way, and the copy of one's data."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.models import Order
from checkout.signals import Holdings
from payments.models import Dispute, GatewayEvent, LedgerEntry, Payment, Refund
from shop import clock
from shop.privacy import retention
from shop.privacy.retention_rules import in_days

REFUSALS_KEPT = dt.timedelta(days=7)


def _old_notifications() -> QuerySet[GatewayEvent]:
    """What a gateway sent may name the buyer. That it sent something stays, so that nothing is done twice."""
    limit = clock.now() - dt.timedelta(days=settings.KEEP_NOTIFICATIONS_DAYS)
    return GatewayEvent.objects.filter(received_at__lt=limit).exclude(Q(body=b"") & Q(headers={}))


def _unread(order: Order) -> QuerySet[GatewayEvent]:
    """What may tell of a complaint, or of money that went back. It ends by itself within three days."""
    return GatewayEvent.objects.waiting().about_money().filter(payment__order=order)


def _old_refusals() -> QuerySet[GatewayEvent]:
    """What no gateway has sent: a repetition comes within days."""
    return GatewayEvent.objects.filter(is_verified=False, received_at__lt=clock.now() - REFUSALS_KEPT)


def _forget_notifications() -> None:
    _empty(_old_notifications())
    _old_refusals().delete()


def _empty(events: QuerySet[GatewayEvent]) -> None:
    events.update(body=b"", headers={})


def open_matters(sender: type[Order], order: Order, **_kwargs: Any) -> list[str]:
    matters = []
    if Payment.objects.live().filter(order=order).exists():
        matters.append(_("A payment is under way."))
    if Refund.objects.filter(payment__order=order, status=Refund.Status.CREATED).exists():
        matters.append(_("A refund is under way."))
    if Dispute.objects.filter(payment__order=order, is_open=True).exists() and not order.is_disputed:
        matters.append(_("The payment service still has to decide about your complaint."))
    if _unread(order).exists():
        matters.append(_("The payment service has told us something of your payment that we still check."))
    return matters


def erase(sender: type[Order], order: Order, **_kwargs: Any) -> None:
    """The books stay; what the gateways wrote about the buyer goes, and with it the wait for proof of it.

    What is proven and waits keeps what it says until it is acted on: of a complaint nothing else tells.
    """
    events = GatewayEvent.objects.filter(payment__order=order)
    events.waiting().filter(is_verified=None).update(
        is_verified=False, processed_at=clock.now(), refused_for="its order was erased"
    )
    _empty(events.exclude(pk__in=events.waiting().values("pk")))


retention.declare(
    retention.DataClass(
        "notifications",
        65,
        gettext_lazy("What the payment service tells us of a payment, which may hold your name"),
        gettext_lazy("To prove what was paid, and to answer complaints about it"),
        lambda: in_days(settings.KEEP_NOTIFICATIONS_DAYS),
        lambda: _old_notifications().count() + _old_refusals().count(),
        _forget_notifications,
    )
)


def holdings(sender: type[Order], order: Order, **_kwargs: Any) -> Holdings:
    paid = ("method", "status", "amount", "currency", "reference", "last4", "started_at", "captured_at")
    back = ("amount", "shipping", "reason", "status", "origin", "started_at", "done_at")
    refunds = Refund.objects.filter(payment__order=order)
    ledger = LedgerEntry.objects.filter(payment__order=order)
    return Holdings(
        {
            "payments": list(order.payments.values(*paid)),
            "refunds": list(refunds.values(*back)),
            "ledger": list(ledger.values("kind", "amount", "at")),
        }
    )
