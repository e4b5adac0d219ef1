"""Refunds: stored with their keys before the gateway is asked, and done once however often they are tried.

Public: ``request_refund``, ``return_unused``, ``give_back`` and ``retry_refund`` store what is to be done;
``execute_refund`` does it; ``record_done`` records it.
"""

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from checkout import services as checkout
from checkout.models import Order
from checkout.shipping import fulfilment
from payments.gateways import get_gateway
from payments.gateways.base import Purchase, Refunded, RefundRefused, Unfinished
from payments.models import LedgerEntry, Payment, Refund, RefundLine
from payments.models.ledger import ReferenceTaken
from payments.models.payment import alert_staff
from payments.purchase import purchase_of
from shop import clock
from shop.audit import subjects, trail
from shop.background import outbox
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

from . import four_eyes
from .plan import (
    DisputeOpen,
    NothingToRefund,
    PlanChanged,
    RefundPlan,
    RefundRequest,
    TooMuch,
    plan_refund,
)

Status = Refund.Status
Origin = Refund.Origin

REFUSED = "refund refused"
ALERT_AFTER = dt.timedelta(hours=24)  # then a person hears of a refund whose outcome is unknown


class RefundNotKnown(Exception):
    """The gateway has not said yet whether the money went back; the outbox asks again."""


class NotRefused(Exception):
    """The gateway has not definitely refused this refund, so it cannot be retried."""


# --- requests ---


@retry_transaction
def request_refund(
    order_id: int,
    request: RefundRequest,
    *,
    key: str,
    actor: str,
    reason: str = "",
    seen: str | None = None,
    is_approved: bool = False,
) -> Refund:
    """Store a refund for the worker to do. The same ``key`` (32 hex digits) is the same refund.

    What will not be delivered is out of shipping at once, and goods are back in stock. ``seen`` is the digest
    of the plan that its reader agreed to. Raises NothingToRefund, NothingChosen, DisputeOpen, TooMuch,
    PlanChanged, and NeedsSecondPerson unless a second one has approved it.
    """
    order = Order.objects.lock(order_id)
    known = four_eyes.known(Refund.objects.filter(payment__order=order), key, is_approved=is_approved)
    if known:
        return known
    plan = plan_refund(order, request)
    if seen is not None and plan.digest != seen:
        raise PlanChanged(order.number)
    refund = _create_refund(
        plan.payment,
        plan.total,
        key=key,
        origin=Origin.STAFF,
        actor=actor,
        reason=reason,
        shipping=plan.shipping,
        is_approved=is_approved,
    )
    store_lines(refund, plan)
    withdraw(order, refund, plan, actor)
    return refund


@retry_transaction
def return_unused(
    payment: Payment,
    *,
    key: str,
    actor: str,
    reason: str = "",
    seen: str | None = None,
    is_approved: bool = False,
) -> Refund:
    """Give back all booked money that pays no order: of the wrong amount, or what could not be used.

    The same ``key`` is the same refund; ``seen`` is the payment's ``money_stamp`` as its reader saw it.
    Raises NothingToRefund, DisputeOpen, PlanChanged and NeedsSecondPerson.
    """
    payment = payment.lock()
    known = four_eyes.known(payment.refunds.all(), key, is_approved=is_approved)
    if known:
        return known
    if not payment.is_unused:
        raise NothingToRefund(payment.reference)
    if payment.disputes.filter(is_open=True).exists():
        raise DisputeOpen(payment.reference)
    _check_seen(payment, seen)
    payment.close_alarm()
    return _create_refund(
        payment, payment.refundable_amount, key=key, origin=Origin.STAFF, actor=actor, reason=reason,
        is_approved=is_approved,
    )  # fmt: skip


def give_back(payment: Payment, why: str) -> None:
    """Refund money that matches but cannot be used, once, giving the reason. Needs the order's lock."""
    if payment.refundable_amount > 0 and not payment.refunds.filter(origin=Origin.AUTOMATIC).exists():
        _create_refund(
            payment, payment.refundable_amount, key=uuid.uuid4().hex, origin=Origin.AUTOMATIC, reason=why
        )


@retry_transaction
def retry_refund(refund: Refund, *, actor: str, seen: str | None = None, is_approved: bool = False) -> Refund:
    """Try a refused refund again, under a new key. Any number of clicks: one new refund per refused one.

    ``seen`` is the payment's ``money_stamp`` as its reader saw it: somebody may have refunded the same anew.
    Raises NotRefused, NothingToRefund, DisputeOpen, TooMuch, PlanChanged, NeedsSecondPerson.
    """
    payment = refund.payment.lock()
    refused = payment.refunds.get(pk=refund.pk)
    if not _is_ours_and_refused(refused):
        raise NotRefused(refund.pk)
    known = four_eyes.known(payment.refunds.all(), next_key(refused), is_approved=is_approved)
    if known:
        return known
    if payment.order.is_disputed or payment.disputes.filter(is_open=True).exists():
        raise DisputeOpen(payment.reference)
    _check_still_owed(payment, refused)
    _check_seen(payment, seen)
    payment.close_alarm()
    again = _create_refund(
        payment,
        refused.amount,
        key=next_key(refused),
        origin=Origin.STAFF,
        actor=actor,
        reason=refused.reason,
        shipping=refused.shipping,
        is_approved=is_approved,
    )
    RefundLine.objects.bulk_create(
        RefundLine(refund=again, line_id=row.line_id, quantity=row.quantity, amount=row.amount, withdrawn=0)
        for row in refused.lines.all()
    )
    return again


def _check_seen(payment: Payment, seen: str | None) -> None:
    if seen is not None and payment.money_stamp != seen:
        raise PlanChanged(payment.reference)


def refunded_since(refused: Refund) -> Decimal:
    """What of the payment was refunded, or is about to be, since this refund was asked for."""
    later = refused.payment.refunds.filter(pk__gt=refused.pk).exclude(status=Status.FAILED)
    return later.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def _check_still_owed(payment: Payment, refused: Refund) -> None:
    """Raise NothingToRefund or TooMuch where this money, or what it was for, has gone back in another way."""
    if payment.refundable_amount <= 0:
        raise NothingToRefund(payment.reference)
    if refused.amount > payment.refundable_amount:
        raise TooMuch("", payment.refundable_amount)
    if payment.pays_order:
        rows = refused.lines.all()
        amounts = {row.line_id: row.amount for row in rows}
        quantities = {row.line_id: row.quantity for row in rows}
        other = refused.amount - refused.shipping - sum(amounts.values(), start=Decimal(0))
        plan_refund(payment.order, RefundRequest(quantities, amounts, {}, refused.shipping, other))


def can_be_retried(refund: Refund) -> bool:
    """Whether the gateway refused it and nobody has tried it anew."""
    return _is_ours_and_refused(refund) and not Refund.objects.filter(key=next_key(refund)).exists()


def _is_ours_and_refused(refund: Refund) -> bool:
    return refund.status == Status.FAILED and refund.origin in {Origin.STAFF, Origin.AUTOMATIC}


def next_key(refund: Refund) -> str:
    """The key of the one retry of this refund."""
    return uuid.uuid5(uuid.UUID(refund.key), "again").hex


def _create_refund(
    payment: Payment, amount: Decimal, *, key: str, origin: Refund.Origin, actor: str = "", reason: str = "",
    shipping: Decimal = Decimal(0), is_approved: bool = False,
) -> Refund:  # fmt: skip
    """Create the refund and publish the message that gets it done."""
    if origin == Origin.STAFF and actor and not is_approved:
        four_eyes.check(payment, amount, key=key)
    refund = Refund.objects.create(
        payment=payment,
        origin=origin,
        amount=amount,
        shipping=shipping,
        reason=reason,
        actor=actor,
        key=key,
        started_at=clock.now(),
    )
    why = f", because {reason}" if origin == Origin.AUTOMATIC else ""
    payment.order.log(f"{payment.reference}: refund of {amount}{why}", actor=actor)
    transaction.on_commit(lambda: failpoint("after_refund_committed"))
    outbox.publish("payment.refund", key=key, refund_id=refund.pk)
    if origin == Origin.STAFF:
        told = subjects.of_object("payments.refund", refund.pk)
        trail.record(trail.Deed.REFUND, told, actor=actor, detail=f"{amount} {payment.captured_currency}")
    return refund


def store_lines(refund: Refund, plan: RefundPlan) -> None:
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund,
            line=each.line,
            quantity=each.quantity,
            amount=each.amount,
            withdrawn=each.withdrawn,
        )
        for each in plan.lines
    )


def withdraw(order: Order, refund: Refund, plan: RefundPlan, actor: str) -> None:
    fulfilment.withdraw(
        order,
        {each.line.pk: each.withdrawn for each in plan.lines},
        restock={each.line.pk: each.restocked for each in plan.lines},
        fact=refund.pk,
        actor=actor,
    )


# --- execution ---


def execute_refund(refund_id: int) -> None:
    """Give the money back at the gateway and book it. Safe to repeat: the key identifies the refund.

    Raises RefundNotKnown and GatewayError while the outcome is unknown: the refund stays to do.
    """
    refund = Refund.objects.select_related("payment__order").get(pk=refund_id)
    if refund.status != Status.CREATED:
        return
    _alert_if_old(refund)
    payment = refund.payment
    outcome = get_gateway(payment.gateway).refund(
        _purchase(payment),
        payment.capture_reference,
        refund.amount,
        key=refund.key,
        started_at=refund.started_at,
        captured_at=payment.captured_at if _is_whole(refund) else None,
    )
    failpoint("before_refund_recorded")
    if isinstance(outcome, Unfinished):
        raise RefundNotKnown(outcome.code)
    _record(refund, outcome)
    failpoint("after_refund_recorded")


def _purchase(payment: Payment) -> Purchase:
    """The purchase as it was captured: a payment in another currency goes back in that currency."""
    amount, currency = payment.captured_amount, payment.captured_currency
    return replace(purchase_of(payment), amount=amount, currency=currency)


def _is_whole(refund: Refund) -> bool:
    """All of a payment of which nothing went back before.

    The same at every repetition: what has happened since does not count, and neither does how an earlier
    refund ended.
    """
    is_first = not refund.payment.refunds.filter(pk__lt=refund.pk).exists()
    return is_first and refund.amount == refund.payment.captured_amount


def _alert_if_old(refund: Refund) -> None:
    if clock.now() - refund.started_at > ALERT_AFTER:
        with transaction.atomic():
            note = f"{refund.payment.reference}: the outcome of a refund of {refund.amount} is still unknown"
            alert_staff(note, key=f"refund-unknown:{refund.pk}")


@retry_transaction
def _record(refund: Refund, outcome: Refunded | RefundRefused) -> None:
    payment = refund.payment.lock()
    locked = payment.refunds.get(pk=refund.pk)
    if locked.status != Status.CREATED:
        return
    if isinstance(outcome, Refunded):
        record_done(locked, outcome)
        return
    locked.move_to(Status.FAILED)
    locked.problem = outcome.code[:60]
    locked.save(update_fields=["problem"])
    payment.raise_alarm(f"{REFUSED}: {outcome.code}")


def record_done(refund: Refund, refunded: Refunded, *, mail_in: dt.timedelta = dt.timedelta(0)) -> None:
    """Record that the money has gone back: book it, note it on the order, mail the customer.

    The mail leaves after ``mail_in``. A repeat changes nothing. Needs the order's lock.
    """
    payment = refund.payment.lock()
    refund.refresh_from_db(fields=["status"])
    if refund.status == Status.DONE:
        return
    refund.move_to(Status.DONE)
    refund.reference, refund.problem, refund.done_at = refunded.reference, "", clock.now()
    refund.save(update_fields=["reference", "problem", "done_at"])
    try:
        _, is_new = LedgerEntry.objects.book(
            payment,
            refund.ledger_kind,
            amount=-refunded.amount,
            currency=refunded.currency,
            reference=refunded.reference,
            at=clock.now(),
        )
    except ReferenceTaken:
        is_new = False
    if not is_new or (refunded.amount, refunded.currency) != (refund.amount, payment.captured_currency):
        payment.raise_alarm(
            f"refund {refunded.reference} does not match: {refunded.amount} {refunded.currency}"
        )
    if is_new:
        _note_on_order(refund, payment, refunded)
    if refund.origin != Origin.REVERSAL:
        outbox.publish("mail.payment_refunded", key=refund.key, due_in=mail_in, refund_id=refund.pk)


def _note_on_order(refund: Refund, payment: Payment, refunded: Refunded) -> None:
    order = payment.order
    order.log(f"{payment.reference}: refunded {refunded.amount} {refunded.currency}")
    if payment.pays_order:
        fulfilment.note_refund(
            order, refunded.amount, {row.line_id: row.amount for row in refund.lines.all()}
        )
    elif (
        order.status == Order.Status.UNDER_REVIEW
        and payment.refundable_amount <= 0
        and not payment.has_unsettled_sibling
    ):
        # The order waited for what a person would make of this money: it can be paid again.
        checkout.reopen(order, note=f"{payment.reference}: the money went back", is_denied=False)
