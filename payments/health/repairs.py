"""What the buttons on the page of money health do. Each is safe to repeat, and looks again before it acts.

What has to be asked of a gateway is asked while no transaction is open.
"""

import uuid
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from checkout.models import Order
from payments.attempts import closing, outcomes, settlement
from payments.gateways import get_gateway
from payments.gateways.base import Captured, GatewayError
from payments.models import Dispute, GatewayEvent, LedgerEntry, Payment, Refund, RefundLine
from payments.purchase import purchase_of
from payments.refunds import services as refunds
from payments.refunds.plan import DisputeOpen, NothingToRefund, TooMuch
from payments.webhooks import inbox
from shop import clock
from shop.background import outbox
from shop.monitoring.audit import NotRepaired

Kind = LedgerEntry.Kind
Status = Payment.Status
ZERO = Decimal(0)
GATEWAYS_LISTING_REFUNDS = {"paypal"}  # UnionPay cannot be asked which refunds there are


def _gateway_unreachable() -> NotRepaired:
    return NotRepaired(_("The gateway could not be asked just now. Please try again in a few minutes."))


def ask(payment: Payment) -> None:
    """What became of it; or, of money that we have, whether some has gone back."""
    if not settlement.ask(payment):
        raise _gateway_unreachable()


def expire(order: Order) -> None:
    closing.expire_order(order.pk)
    order.refresh_from_db()
    if order.status == Order.Status.PENDING:
        raise _gateway_unreachable()


def process_event(event_id: int) -> None:
    event = GatewayEvent.objects.select_related("payment").get(pk=event_id)
    inbox.process(event)
    if event.processed_at is None:
        raise NotRepaired(_("Nothing could be learnt about it yet; it is tried again by itself."))


# --- money that was taken ---


def book_capture(payment: Payment) -> None:
    """Ask for the money of a payment that counts as captured, and book it."""
    fact = _fetch_outcome(payment)
    if not isinstance(fact, Captured):
        with transaction.atomic():
            payment.lock().raise_alarm("captured here, but not at the gateway")
        raise NotRepaired(_("The gateway knows of no such money. The payment now waits for a person."))
    _book(payment, fact)


def find_payer(order: Order) -> None:
    """The payment whose money made the order paid: in the books, else at the gateways."""
    for payment in order.payments.filter(status=Status.CAPTURED):
        with transaction.atomic():
            if _mark_payer(payment.lock()):
                return
    for payment in order.payments.exclude(status=Status.CAPTURED):
        fact = _fetch_outcome(payment)
        if isinstance(fact, Captured):
            _book(payment, fact)
            return
    raise NotRepaired(_("No gateway knows of money for this order. Please put it on hold and look into it."))


def _fetch_outcome(payment: Payment) -> object:
    try:
        return get_gateway(payment.gateway).fetch(purchase_of(payment))
    except GatewayError:
        raise _gateway_unreachable() from None


def _mark_payer(payment: Payment) -> bool:
    """Of an order that is paid by nobody, this is the payer, if it took enough and the order knows what of it
    went back. Needs the lock.
    """
    order = payment.order
    if not _lacks_payer(order):
        return False
    taken, currency = payment.captured_amount, payment.captured_currency
    went_back = min(taken - _left(payment), order.total)
    if taken < order.total or currency != order.currency or went_back != order.refunded_total:
        return False
    payment.pays_order = True
    payment.save(update_fields=["pays_order"])
    order.log(f"{payment.reference}: its money pays the order")
    return True


def _lacks_payer(order: Order) -> bool:
    return order.is_paid and not order.payments.filter(pays_order=True).exists()


def _left(payment: Payment) -> Decimal:
    """What the bookings leave of it, whatever is still on its way."""
    return _sum(payment.ledger.all())


@transaction.atomic
def _book(payment: Payment, fact: Captured) -> None:
    """Money that the gateway has for us and our books have not."""
    locked = payment.lock()
    told = (fact.our_reference, fact.amount, fact.currency, fact.payee_matches)
    if told != (locked.reference, locked.amount, locked.currency, True):
        locked.raise_alarm(f"money that does not match: {fact.amount} {fact.currency}")
        return
    entry, _created = LedgerEntry.objects.get_or_create(
        gateway=locked.gateway,
        reference=fact.reference,
        defaults={"payment": locked, "amount": fact.amount, "currency": fact.currency, "at": clock.now()},
    )
    if entry.payment_id != locked.pk:
        locked.raise_alarm(f"capture {fact.reference} belongs to another payment")
        return
    _count(locked, entry)
    if not locked.pays_order and not _mark_payer(locked):
        outcomes.apply_to_order(locked)


def _count(payment: Payment, entry: LedgerEntry) -> None:
    """The row of the payment says what the booking says. The caller holds the lock."""
    if payment.status != Status.CAPTURED:
        payment.move_to(Status.CAPTURED)
    payment.capture_reference, payment.captured_at = entry.reference, payment.captured_at or entry.at
    payment.next_check_at, payment.problem = None, ""
    payment.save(update_fields=["capture_reference", "captured_at", "next_check_at", "problem"])


@transaction.atomic
def use_money(payment: Payment, actor: str) -> None:
    """Booked money that stands idle pays its order; if that cannot be, it goes back."""
    locked = payment.lock()
    entry = locked.ledger.get(kind=Kind.CAPTURE)
    _count(locked, entry)
    if locked.pays_order and locked.order.is_paid:
        return
    locked.pays_order = False
    locked.save(update_fields=["pays_order"])
    if _mark_payer(locked):
        return
    if _lacks_payer(locked.order):  # its buyer has the goods, perhaps: no money goes back by itself
        raise NotRepaired(_("The order counts as paid, but by another amount. Please compare the two."))
    if (entry.amount, entry.currency) != (locked.amount, locked.currency):
        locked.raise_alarm(f"money that does not match: {entry.amount} {entry.currency}")
        return
    if locked.refundable_amount < locked.order.total or locked.refunds.exists():
        key = uuid.uuid5(uuid.UUID(locked.create_key), "money health").hex
        refunds.return_unused(locked, key=key, actor=actor, reason="left over")
    else:
        outcomes.apply_to_order(locked)


# --- money that went back ---


def execute(refund: Refund) -> None:
    try:
        refunds.execute_refund(refund.pk)
    except (refunds.RefundNotKnown, GatewayError):
        raise _gateway_unreachable() from None


def retry(refund: Refund, actor: str) -> None:
    try:
        refunds.retry_refund(refund, actor=actor)
    except (refunds.NotRefused, NothingToRefund, TooMuch):
        raise NotRepaired(_("So much is not left to give back any more. Please look at the order.")) from None
    except DisputeOpen:
        raise NotRepaired(_("The gateway decides about this money while the dispute is open.")) from None


def book_refund(refund: Refund) -> None:
    """Book a done refund that the gateway confirms. One that cannot be asked has been looked up there."""
    payment = refund.payment
    if payment.gateway in GATEWAYS_LISTING_REFUNDS and not _confirms(payment, refund):
        raise NotRepaired(
            _("The gateway does not know this refund. Please compare it with the account there.")
        )
    with transaction.atomic():
        payment.lock()
        is_reversal = refund.origin == Refund.Origin.REVERSAL
        LedgerEntry.objects.get_or_create(
            gateway=payment.gateway,
            reference=refund.reference,
            defaults={
                "payment": payment,
                "kind": Kind.REVERSAL if is_reversal else Kind.REFUND,
                "amount": -refund.amount,
                "currency": payment.captured_currency,
                "at": refund.done_at or clock.now(),
            },
        )


def _confirms(payment: Payment, refund: Refund) -> bool:
    try:
        told = get_gateway(payment.gateway).movements(purchase_of(payment), payment.capture_reference)
    except GatewayError:
        raise _gateway_unreachable() from None
    return any((one.reference, one.amount) == (refund.reference, refund.amount) for one in told)


@transaction.atomic
def write_down_refund(entry: LedgerEntry, actor: str) -> None:
    """A row for booked money that went back and that no row speaks of."""
    payment = entry.payment.lock()
    if payment.refunds.filter(reference=entry.reference, status=Refund.Status.DONE).exists():
        raise NotRepaired(_("There is a refund of this name, but of another amount. Please compare the two."))
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
        tell_buyer(refund)


@transaction.atomic
def follow_the_books(order: Order, actor: str) -> None:
    """The order's figures of what went back become the sums of its rows."""
    locked = Order.objects.lock(order.pk)
    gone = LedgerEntry.objects.filter(payment__order=locked, payment__pays_order=True)
    back = -_sum(gone.exclude(kind=Kind.CAPTURE))
    if not back >= ZERO:
        raise NotRepaired(_("More came back than ever left. Please compare the bookings with the gateway."))
    locked.refunded_total = min(locked.total, back)
    locked.save(update_fields=["refunded_total"])
    parts = RefundLine.objects.filter(refund__status=Refund.Status.DONE, refund__payment__pays_order=True)
    for line in locked.lines.all():
        line.refunded_total = _sum(parts.filter(line=line))
        line.save(update_fields=["refunded_total"])
    locked.log("what went back set to what the bookings say", actor=actor)


def _sum(rows: Any) -> Decimal:
    return rows.aggregate(sum=Sum("amount"))["sum"] or ZERO


@transaction.atomic
def tell_buyer(refund: Refund) -> None:
    outbox.publish("mail.payment_refunded", key=refund.key, refund_id=refund.pk)


@transaction.atomic
def follow_disputes(order_id: int, actor: str) -> None:
    order = Order.objects.lock(order_id)
    order.is_disputed = Dispute.objects.filter(payment__order=order, is_open=True).exists()
    order.save(update_fields=["is_disputed"])
    order.log("disputed" if order.is_disputed else "no longer disputed", actor=actor)
