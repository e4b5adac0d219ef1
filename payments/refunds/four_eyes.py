"""Refunds that need a second member of staff: what one person has given back of an order adds up."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.models import Payment, Refund
from shop.audit import approvals, subjects
from shop.l10n import money
from shop.models import ApprovalRequest

from .plan import RefundRequest

KIND = "refund"
PERMISSION = "payments.add_refund"


class NeedsSecondPerson(Exception):
    """Together with what was refunded by one person before, this is more than one may decide alone."""

    def __init__(self, payment: Payment, amount: Decimal) -> None:
        super().__init__(payment.reference)
        self.payment, self.amount = payment, amount


class Overtaken(Exception):
    """What was done meanwhile under the key of an approved refund was not seen by the second person."""


def known(refunds: QuerySet[Refund], key: str, *, is_approved: bool) -> Refund | None:
    """The refund of this key, if it was asked for before. Raises Overtaken where one was approved."""
    found = refunds.filter(key=key).first()
    if found and is_approved:
        raise Overtaken(key)
    return found


def check(payment: Payment, amount: Decimal, *, key: str) -> None:
    """Raise NeedsSecondPerson where the amount, with earlier ones of this order, is too much for one person,
    or where something was asked for under this key: nothing else may be done under it while that waits.

    Needs the order's lock, else two at once could each be little enough.
    """
    waiting = approvals.waiting_about(payment.order.number).filter(kind=KIND, key=key)
    if is_too_much(payment, amount) or waiting.exists():
        raise NeedsSecondPerson(payment, amount)


def is_too_much(payment: Payment, amount: Decimal) -> bool:
    most: Decimal | None = settings.REFUND_FOUR_EYES_ABOVE
    if most is None:
        return False
    if payment.captured_currency != settings.CURRENCY:  # the limit says nothing about it
        return True
    return _decided_alone(payment) + amount > most


def _decided_alone(payment: Payment) -> Decimal:
    approved = ApprovalRequest.objects.filter(
        kind=KIND, order_number=payment.order.number, state=ApprovalRequest.State.APPROVED
    )
    alone = Refund.objects.filter(payment__order=payment.order_id, origin=Refund.Origin.STAFF)
    alone = alone.exclude(status=Refund.Status.FAILED).exclude(key__in=[row.key for row in approved])
    return alone.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def ask(needed: NeedsSecondPerson, *, key: str, actor: str, reason: str = "", **how: Any) -> ApprovalRequest:
    """Write down what was to be refunded. ``how`` is what the service needs to do it: see ``services``.

    The ``key`` of the refund is that of the request, so the same preview asks once.
    """
    payload = {
        **how,
        "key": key,
        "reason": reason,
        "amount": str(needed.amount),
        "currency": needed.payment.captured_currency,
    }
    subject = subjects.of_object("payments.payment", needed.payment.pk)
    return approvals.ask(KIND, subject, payload, key=key, actor=actor)


def facts(wish: ApprovalRequest) -> approvals.Facts:
    payload: Mapping[str, Any] = wish.payload
    told = [(_("Refund"), money.formatted(Decimal(payload["amount"]), payload["currency"]))]
    told += [(name, text) for name, text in payload.get("lines", [])]
    for name, withdrawn, restocked in payload.get("goods", []):
        told.append((_("Pieces not shipped any more"), f"{name} × {withdrawn}"))
        if restocked is not None:
            told.append((_("Pieces back into stock"), f"{name} × {restocked}"))
    chosen = payload.get("chosen", {})
    for label, amount in (
        (_("Shipping fee"), chosen.get("shipping")),
        (_("Another amount"), chosen.get("amount")),
    ):
        if amount and Decimal(amount):
            told.append((label, money.formatted(Decimal(amount), payload["currency"])))
    told += [(name, _("The consultation reports close.")) for name in payload.get("closes", [])]
    return told + ([(_("Reason"), payload["reason"])] if payload["reason"] else [])


def stored(request: RefundRequest) -> dict[str, Any]:
    """The request as JSON."""
    return {
        "quantities": {str(pk): pieces for pk, pieces in request.quantities.items()},
        "amounts": {str(pk): str(amount) for pk, amount in request.amounts.items()},
        "restock": {str(pk): pieces for pk, pieces in request.restock.items()},
        "shipping": str(request.shipping),
        "amount": str(request.amount),
    }


def read(values: Mapping[str, Any]) -> RefundRequest:
    return RefundRequest(
        quantities={int(pk): pieces for pk, pieces in values["quantities"].items()},
        amounts={int(pk): Decimal(amount) for pk, amount in values["amounts"].items()},
        restock={int(pk): pieces for pk, pieces in values["restock"].items()},
        shipping=Decimal(values["shipping"]),
        amount=Decimal(values["amount"]),
    )


LABEL = gettext_lazy("Refund")
