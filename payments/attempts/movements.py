"""What happens to money after it was captured: given back at the gateway, or taken back by it.

Whoever moved the money, it is booked once under the gateway's reference and noted on the order, so that the
shop's books, the order's page and the access to reports agree with the gateway.
"""

import datetime as dt
from dataclasses import replace

from payments.gateways import get_gateway
from payments.gateways.base import InvalidNotification, Movement, Refunded
from payments.models import LedgerEntry, Payment, Refund
from payments.purchase import purchase_of
from payments.refunds.services import record_done
from shop import clock
from shop.background import outbox
from shop.database import retry_transaction

# A refund that nobody here asked for may turn out to be a reversal, of which the notification alone may tell.
# So its mail waits for PayPal's word, but not longer than this.
UNCALLED_WAIT = dt.timedelta(hours=1)


def sync_movements(payment: Payment) -> None:
    """Record refunds and reversals made at the gateway. Needs no transaction open. Raises GatewayError."""
    gateway = get_gateway(payment.gateway)
    movements = gateway.movements(purchase_of(payment), payment.capture_reference)
    if not movements:
        return
    called = _called_by_notifications(payment)
    movements = tuple(
        replace(each, kind="reversal", is_marked=True) if called.get(each.reference) == "reversal" else each
        for each in movements
    )
    if _unbooked(payment, movements):
        _record_movements(payment, movements, called)
    if _mistaken(payment, movements):
        _correct_reversals(payment, movements)
    _mail_what_was_named(payment, called)


def _mail_what_was_named(payment: Payment, called: dict[str, str]) -> None:
    """Let no mail wait any more for PayPal's word about a refund: it came after the refund was seen."""
    named = [reference for reference, kind in called.items() if kind != "reversal"]
    for refund in payment.refunds.filter(origin=Refund.Origin.GATEWAY, reference__in=named):
        outbox.hasten("mail.payment_refunded", refund.key)


def _called_by_notifications(payment: Payment) -> dict[str, str]:
    """Reference -> what genuine notifications call the movement. Only that: its amount the gateway tells."""
    adapter, called = get_gateway(payment.gateway), dict[str, str]()
    for event in payment.events.filter(is_verified=True).exclude(body=b""):
        try:
            notification = adapter.read_notification(event.headers, bytes(event.body))
        except InvalidNotification:  # stored by another version
            continue
        for reference in notification.moved:
            if called.get(reference) != "reversal":
                called[reference] = notification.moved_as
    return called


def _unbooked(payment: Payment, movements: tuple[Movement, ...]) -> list[Movement]:
    """Movements whose reference has no ``LedgerEntry`` yet."""
    references = [movement.reference for movement in movements]
    booked = LedgerEntry.objects.filter(gateway=payment.gateway, reference__in=references)
    known = set(booked.values_list("reference", flat=True))
    return [movement for movement in movements if movement.reference not in known]


@retry_transaction
def _record_movements(payment: Payment, movements: tuple[Movement, ...], called: dict[str, str]) -> None:
    locked = payment.lock()
    for movement in _unbooked(locked, movements):
        refunded = Refunded(movement.reference, movement.amount, movement.currency)
        ours = locked.refunds.filter(key=movement.key).exclude(status=Refund.Status.DONE)
        own = ours.first() if movement.key else None
        if own:
            record_done(own, refunded)
        elif movement.currency != locked.captured_currency or movement.amount > locked.ledger_balance:
            _flag_mismatch(locked, movement)
        else:
            is_called = movement.reference in called
            wait = dt.timedelta(0) if is_called else UNCALLED_WAIT
            record_done(_external_refund(locked, movement), refunded, mail_in=wait)
            locked.refresh_from_db()
            if movement.kind == "reversal":
                _tell_of_reversal(locked, movement)


def _tell_of_reversal(payment: Payment, movement: Movement) -> None:
    payment.raise_alarm(f"{movement.amount} {movement.currency} were taken back ({movement.reference})")


def _mistaken(payment: Payment, movements: tuple[Movement, ...]) -> list[tuple[Refund, Movement]]:
    """What was recorded as a refund made at the gateway, and now says of itself that it is a reversal."""
    marked = {each.reference: each for each in movements if each.is_marked}
    if not marked:
        return []
    refunds = payment.refunds.filter(origin=Refund.Origin.GATEWAY, reference__in=marked)
    return [(refund, marked[refund.reference]) for refund in refunds]


@retry_transaction
def _correct_reversals(payment: Payment, movements: tuple[Movement, ...]) -> None:
    """Make reversals of them, and tell staff. The mail about a refund, if it still waits, is not sent.

    The booking stays as it was made: the money and its reference are right.
    """
    locked = payment.lock()
    for refund, movement in _mistaken(locked, movements):
        refund.origin = Refund.Origin.REVERSAL
        refund.save(update_fields=["origin"])
        _tell_of_reversal(locked, movement)


def _external_refund(payment: Payment, movement: Movement) -> Refund:
    """Create the row of a refund that nobody here asked for."""
    origin = Refund.Origin.REVERSAL if movement.kind == "reversal" else Refund.Origin.GATEWAY
    return Refund.objects.create(
        payment=payment, origin=origin, amount=movement.amount, started_at=clock.now()
    )


def _flag_mismatch(payment: Payment, movement: Movement) -> None:
    """Alert staff, once: more than was taken, or another currency. Nothing is booked."""
    note = f"{movement.kind} {movement.reference} does not match: {movement.amount} {movement.currency}"
    if payment.problem != note[:60]:
        payment.raise_alarm(note)
