"""Requests to cancel a paid order: what is not shipped and not begun, by rule; the merchant answers.

Until then nothing of it is shipped, and nobody begins its reports.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from checkout.models import CancellationRequest, Order, OrderEvent, OrderLine
from checkout.shipping.fulfilment import undelivered
from checkout.signals import unbegun_services
from shop import clock
from shop.background import outbox
from shop.database import retry_transaction

State = CancellationRequest.State
Fact = OrderEvent.Fact


class NotCancellable(Exception):
    """The rule does not allow it (any more): ``offer_of`` says why."""


class AlreadyAnswered(Exception):
    """Somebody else has answered the request."""


@dataclass(frozen=True)
class CancellationOffer:
    """The lines that may be cancelled, with pieces; the other lines, with reasons; or why nothing may be."""

    lines: tuple[tuple[OrderLine, int], ...] = ()
    excluded: tuple[tuple[OrderLine, str], ...] = ()
    why_not: str = ""


def offer_of(order: Order) -> CancellationOffer:
    """By rule: goods that no parcel holds, and services that nobody has begun."""
    why_not = _obstacle(order)
    if why_not:
        return CancellationOffer(why_not=why_not)
    responses: list[tuple[Any, Any]] = unbegun_services.send(sender=Order, order=order)
    unbegun: set[int] = {pk for _receiver, pks in responses for pk in pks}
    lines, excluded = [], []
    for line in order.lines.prefetch_related("shipped_items", "cancellations"):
        if reason := _line_obstacle(line, unbegun):
            excluded.append((line, reason))
        else:
            lines.append((line, line.quantity if line.is_service else undelivered(line)))
    why_not = "" if lines else _("Everything in this order has been shipped or begun, or is being cancelled.")
    return CancellationOffer(tuple(lines), tuple(excluded), why_not)


def _obstacle(order: Order) -> str:
    if not order.is_paid:
        return _("This order is not paid.")
    if order.mailbox_doubted_at:  # whoever asks may be who has the mailbox, and asking stops the parcels
        return _("This order cannot be cancelled here at present. Please contact customer service.")
    if order.is_refunded:
        return _("All the money of this order has gone back.")
    if order.is_disputed:
        return _("You have complained at the payment service, which decides about this payment now.")
    if order.cancellations.filter(state=State.DECLINED).exists():
        return _("The merchant has answered a request to cancel this order. Please contact customer service.")
    return ""


def _line_obstacle(line: OrderLine, unbegun: set[int]) -> str:
    """Why the line cannot be cancelled; empty when it can."""
    if line.is_refunded:
        return _("Refunded")
    if any(request.state == State.ACCEPTED for request in line.cancellations.all()):
        return _("Its cancellation has been accepted.")
    if line.is_service:
        return "" if line.pk in unbegun else _("Work on the report has begun.")
    if not line.ships:
        return _("It cannot be given back.")
    return "" if undelivered(line) else _("It has been shipped.")


def has_open_cancellation(line: OrderLine) -> bool:
    """Whether a request about the line waits for its answer or for its refund: nobody begins its report."""
    return line.cancellations.filter(state__in=[State.OPEN, State.ACCEPTED]).exists()


@retry_transaction
def request_cancellation(order_id: int, *, reason: str = "") -> CancellationRequest:
    """Save and publish the buyer's request, or return the open one. Raises NotCancellable."""
    order = Order.objects.lock(order_id)
    open_request = order.cancellations.filter(state=State.OPEN).first()
    if open_request:
        return open_request
    offer = offer_of(order)
    if not offer.lines:
        raise NotCancellable(order.number)
    request = CancellationRequest.objects.create(order=order, reason=reason, asked_at=clock.now())
    request.lines.set([line for line, _quantity in offer.lines])
    order.log("its buyer asks to cancel", fact=Fact.CANCELLATION_ASKED)
    outbox.publish("mail.cancellation_asked", key=str(request.pk), request_id=request.pk)
    return request


@transaction.atomic
def accept(request: CancellationRequest, *, actor: str, answer: str = "") -> None:
    """Accept the request, and hold the order until staff have refunded it. Raises AlreadyAnswered."""
    order = Order.objects.lock(request.order_id)
    _answer(request, State.ACCEPTED, actor=actor, answer=answer)
    order.on_hold = True
    order.save(update_fields=["on_hold"])
    order.log("cancellation accepted, on hold", actor=actor, fact=Fact.CANCELLATION_ACCEPTED)


@transaction.atomic
def decline(request: CancellationRequest, *, actor: str, answer: str) -> None:
    """Decline the request, with the reason as answer; the order goes on. Raises AlreadyAnswered."""
    order = Order.objects.lock(request.order_id)
    _answer(request, State.DECLINED, actor=actor, answer=answer)
    order.log("cancellation declined", actor=actor, fact=Fact.CANCELLATION_DECLINED)


def _answer(request: CancellationRequest, state: State, *, actor: str, answer: str) -> None:
    """Store the answer and publish its mail. Needs the order's lock."""
    request.refresh_from_db()
    if request.state != State.OPEN:
        raise AlreadyAnswered(str(request))
    request.state, request.answer = state, answer
    request.answered_at, request.answered_by = clock.now(), actor
    request.save(update_fields=["state", "answer", "answered_at", "answered_by"])
    outbox.publish("mail.cancellation_answered", key=str(request.pk), request_id=request.pk)
