"""What happens to money after it was captured: given back at the gateway, or taken back by it.

Whoever moved the money, it is booked once under the gateway's reference and noted on the order, so that the
shop's books, the order's page and the access to reports agree with the gateway.
"""

from payments.gateways import get_gateway
from payments.gateways.base import Movement, Refunded
from payments.models import LedgerEntry, Payment, Refund
from payments.purchase import purchase_of
from payments.refunds.services import record_done
from shop import clock
from shop.database import retry_transaction


def sync_movements(payment: Payment) -> None:
    """Record refunds and reversals made at the gateway. Needs no transaction open. Raises GatewayError."""
    gateway = get_gateway(payment.gateway)
    movements = gateway.movements(purchase_of(payment), payment.capture_reference)
    if _unbooked(payment, movements):
        _record_movements(payment, movements)


def _unbooked(payment: Payment, movements: tuple[Movement, ...]) -> list[Movement]:
    """Movements whose reference has no ``LedgerEntry`` yet."""
    references = [movement.reference for movement in movements]
    booked = LedgerEntry.objects.filter(gateway=payment.gateway, reference__in=references)
    known = set(booked.values_list("reference", flat=True))
    return [movement for movement in movements if movement.reference not in known]


@retry_transaction
def _record_movements(payment: Payment, movements: tuple[Movement, ...]) -> None:
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
            record_done(_external_refund(locked, movement), refunded)
            locked.refresh_from_db()
            if movement.kind == "reversal":
                note = f"{movement.amount} {movement.currency} were taken back ({movement.reference})"
                locked.raise_alarm(note)


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
