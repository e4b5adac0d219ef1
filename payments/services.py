"""The money. One heart, ``settle``: the browser's return, a notification, the sweep and the admin button all
end there, in any order, any number of times.

No transaction is open while a gateway is asked. Every attempt is stored before the first byte goes out; an
unknown outcome is never a failure: it is asked for again until it is known.
"""

import datetime as dt
import logging
import secrets

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localtime

from checkout import services as checkout
from checkout.models import Order
from shop import clock

from .attempts import (
    LADDERS,
    UNREACHABLE,
    change,
    claim,
    lock,
    move,
    postpone,
    raise_alarm,
    schedule,
    unclaim,
)
from .gateways import get_gateway
from .gateways.base import (
    Approved,
    Captured,
    Declined,
    EncryptedCard,
    GatewayError,
    Handoff,
    Misconfigured,
    Outcome,
    Pending,
    Started,
    Unfinished,
)
from .models import LedgerEntry, Payment
from .purchases import purchase_of
from .refunds import give_back

logger = logging.getLogger(__name__)
Status = Payment.Status
Method = Payment.Method


class Changed(Exception):
    """The order is no longer the one that was shown; the buyer has to look again."""


class InProgress(Exception):
    """Money may already be on its way by another attempt; paying again could take it twice."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(payment.reference)
        self.payment = payment


def pay(
    order_id: int, *, method: Payment.Method, revision: int, card: EncryptedCard | None = None
) -> Payment:
    """Start to pay, or go on with the attempt under way. Any number of clicks make one attempt.

    Raises Changed, InProgress, checkout.NotPayable.
    """
    payment = _attempt(order_id, method=method, revision=revision, card=card)
    if payment.status == Status.CREATED and claim(payment):
        try:
            _start(payment, card)
        finally:
            unclaim(payment)
        payment.refresh_from_db()
    return payment


@transaction.atomic
def _attempt(order_id: int, *, method: Payment.Method, revision: int, card: EncryptedCard | None) -> Payment:
    order = checkout.lock(order_id)
    live = order.payments.live().first()
    if live and live.method == method and order.revision == revision:
        return live
    if order.status != Order.Status.PENDING:
        raise checkout.NotPayable(order.number)
    if order.revision != revision:
        raise Changed(order.number)
    if live:
        if live.status == Status.CAPTURING or live.method == Method.UNIONPAY_CARD:
            raise InProgress(live)
        move(live, Status.SUPERSEDED)  # still swept: money found there is given back
    gateway = "paypal" if method == Method.PAYPAL else "unionpay"
    checkout.begin_payment(order, minutes=settings.PAYMENT_HOLD_MINUTES[gateway])
    now = clock.now()
    return Payment.objects.create(
        order=order,
        method=method,
        amount=order.total,
        currency=order.currency,
        reference=_new_reference(order, now),
        started_at=now.replace(microsecond=0),
        last4=card.last4 if card else "",
        next_check_at=now + dt.timedelta(seconds=LADDERS[method][0]),
    )


def _new_reference(order: Order, now: dt.datetime) -> str:
    """Letters and digits only, within UnionPay's 8 to 32: order number, day, four random digits."""
    return f"{order.number.replace('-', '')}{localtime(now):%y%m%d}{secrets.randbelow(10_000):04d}"


def _start(payment: Payment, card: EncryptedCard | None) -> None:
    """Tell the gateway. Only the holder of the claim does."""
    gateway = get_gateway(payment.gateway)
    if payment.method == Method.UNIONPAY_CARD:
        if card is None:  # the process that had the card died before it could say what became of it
            _settle_claimed(payment)
            return
        # From here on the money may be taken, whatever we hear: no second attempt until that is known.
        change(payment, Status.CAPTURING)
    try:
        answer = gateway.start(purchase_of(payment), card)
    except GatewayError as error:
        _report(payment, error)
        postpone(payment, UNREACHABLE)
        return
    if isinstance(answer, Declined):
        _record(payment, answer)
        return
    _record_start(payment, answer)


@transaction.atomic
def _record_start(payment: Payment, answer: Started) -> None:
    locked = lock(payment)
    locked.gateway_id = answer.gateway_id
    if answer.handoff and not answer.handoff.fields:
        locked.approve_url = answer.handoff.url
    if locked.status == Status.CREATED:
        move(locked, Status.AWAITING)
    locked.save(update_fields=["gateway_id", "approve_url"])


def handoff(payment: Payment) -> Handoff | None:
    """Where the buyer goes now, if the attempt waits for them."""
    if payment.status != Status.AWAITING:
        return None
    if payment.method == Method.UNIONPAY_PAGE:
        answer = get_gateway("unionpay").start(purchase_of(payment))  # local
        return answer.handoff if isinstance(answer, Started) else None
    return Handoff(payment.approve_url) if payment.approve_url else None


def settle(payment: Payment) -> Payment:
    """Ask the gateway what became of it, take approved money, write it down. Returns the fresh row."""
    if payment.status != Status.CAPTURED and claim(payment):
        try:
            _settle_claimed(payment)
        finally:
            unclaim(payment)
    payment.refresh_from_db()
    return payment


@transaction.atomic
def expect_money(payment: Payment) -> None:
    """UnionPay told the browser that the money was taken: no second payment until a query has answered."""
    locked = lock(payment)
    if locked.status == Status.AWAITING:
        move(locked, Status.CAPTURING)
        locked.next_check_at = clock.now()
        locked.save(update_fields=["next_check_at"])


def _settle_claimed(payment: Payment) -> None:
    payment.refresh_from_db()
    gateway = get_gateway(payment.gateway)
    if gateway.captures and not payment.gateway_id:  # never reached the gateway: nobody can have paid
        _record(payment, Unfinished("not started"))
        return
    try:
        outcome = gateway.fetch(purchase_of(payment))
        if isinstance(outcome, Approved):
            if not _may_capture(payment):
                postpone(payment, "not captured")
                return
            outcome = gateway.capture(purchase_of(payment))
    except GatewayError as error:
        _report(payment, error)
        postpone(payment, UNREACHABLE)
        return
    _record(payment, outcome)


def _report(payment: Payment, error: GatewayError) -> None:
    level = logging.ERROR if isinstance(error, Misconfigured) else logging.WARNING
    logger.log(level, "Payment %s: %s %s", payment.reference, error.code, error.debug_id)


@transaction.atomic
def _may_capture(payment: Payment) -> bool:
    """Claim before capture: only a live attempt of an order that still waits. This blocks its expiry."""
    locked = lock(payment)
    if not locked.is_live or locked.order.status != Order.Status.PENDING:
        return False
    if locked.status != Status.CAPTURING:
        move(locked, Status.CAPTURING)
    return True


@transaction.atomic
def _record(payment: Payment, outcome: Outcome) -> None:
    """Write down what the gateway said. A repeat changes nothing."""
    locked = lock(payment)
    match outcome:
        case Captured():
            _record_capture(locked, outcome)
        case Pending():
            locked.problem = outcome.reason[:60]
            locked.capture_reference = outcome.reference
            locked.save(update_fields=["problem", "capture_reference"])
            checkout.mark_under_review(locked.order, note=f"{locked.reference}: {outcome.reason}"[:300])
            schedule(locked)
        case Declined(retry="same-gateway-page") if locked.is_live and locked.method != Method.UNIONPAY_CARD:
            # The buyer may choose another way to pay on the same page of the gateway; that is a new capture.
            locked.problem = outcome.code[:60]
            locked.capture_key = secrets.token_hex(16)
            locked.save(update_fields=["problem", "capture_key"])
            if locked.status == Status.CAPTURING:
                move(locked, Status.AWAITING)
            schedule(locked)
        case Declined():
            locked.problem = outcome.code[:60]
            locked.next_check_at = None
            locked.save(update_fields=["problem", "next_check_at"])
            if locked.is_live:  # an old attempt says nothing about the one that is under review
                move(locked, Status.DECLINED)
                if locked.order.status == Order.Status.UNDER_REVIEW:
                    note = f"{locked.reference}: {outcome.code}"[:300]
                    locked.order.move_to(Order.Status.PENDING, note=note)
        case _:
            if locked.status == Status.CAPTURING and locked.method == Method.PAYPAL:
                move(locked, Status.AWAITING)
            if locked.problem == UNREACHABLE:
                locked.problem = ""
                locked.save(update_fields=["problem"])
            schedule(locked)


def _record_capture(payment: Payment, fact: Captured) -> None:
    order = payment.order
    matches = (fact.our_reference, fact.amount, fact.currency, fact.payee_matches) == (
        payment.reference,
        payment.amount,
        payment.currency,
        True,
    )
    if not matches:
        raise_alarm(payment, f"money that does not match: {fact.amount} {fact.currency}")
        return
    entry, created = LedgerEntry.objects.get_or_create(
        gateway=payment.gateway,
        reference=fact.reference,
        defaults={"payment": payment, "amount": fact.amount, "currency": fact.currency, "at": clock.now()},
    )
    if entry.payment_id != payment.pk:
        raise_alarm(payment, f"capture {fact.reference} belongs to another payment")
        return
    if not created:
        return
    payment.capture_reference = fact.reference
    payment.problem = ""
    payment.next_check_at = None
    payment.save(update_fields=["capture_reference", "problem", "next_check_at"])
    move(payment, Status.CAPTURED)
    if order.status == Order.Status.PAID:
        give_back(payment, "the order was already paid")
        return
    try:
        with transaction.atomic():
            checkout.mark_paid(
                order, method=payment.gateway, last4=payment.last4, note=f"{payment.gateway} {fact.reference}"
            )
    except checkout.CannotRevive:
        order.refresh_from_db()
        give_back(payment, "the order could not be revived")


def expire_order(order_id: int) -> None:
    """Ask first, then release: an unpaid order past its hold gives its stock back."""
    for payment in Payment.objects.filter(order_id=order_id).live():
        settle(payment)
    with transaction.atomic():
        order = checkout.lock(order_id)
        if order.status != Order.Status.PENDING or not order.hold_is_over:
            return
        for payment in order.payments.live():
            if payment.status == Status.CAPTURING or payment.problem == UNREACHABLE:
                return  # the gateway has not answered: later
            move(payment, Status.EXPIRED)
        checkout.expire(order)
