"""The money. One heart, ``settle``: the browser's return, a notification, the sweep and the admin button all
end there, in any order, any number of times.

No transaction is open while a gateway is asked. Every attempt is stored before the first byte goes out; an
unknown outcome is never a failure: it is asked for again until it is known.
"""

import datetime as dt
import logging
import secrets
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localtime

from checkout import services as checkout
from checkout.models import Order
from shop import clock
from shop.crashpoints import crashpoint
from shop.database import repeatable

from . import aftermath
from .attempts import (
    GIVE_UP_AFTER,
    LADDERS,
    LEASE,
    REFUSES_US,
    UNREACHABLE,
    InvalidTransition,
    Method,
    Status,
    ask_soon,
    claimed,
    is_claimed,
    is_held_by_another,
    lock,
    move,
    postpone,
    schedule,
    tell_staff,
)
from .gateways import get_gateway
from .gateways.base import (
    Approved,
    CodeSent,
    Declined,
    EncryptedCard,
    GatewayError,
    Handoff,
    Misconfigured,
    Started,
    Unfinished,
)
from .models import Payment
from .purchases import purchase_of
from .recording import closing_note, record, record_start, use
from .refund_plan import captured, is_unused, rest

logger = logging.getLogger(__name__)

CARD_WAITS = dt.timedelta(minutes=10)  # a card attempt that was not sent by then starts anew


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
    payment = _attempt(order_id, method=method, revision=revision)
    crashpoint("cp03")
    with claimed(payment) as is_ours:
        if is_ours:
            payment.refresh_from_db()
            if payment.status == Status.CREATED or (payment.status == Status.AWAITING and card):
                _start(payment, card)
    payment.refresh_from_db()
    return payment


def request_code(order_id: int, *, revision: int, card: EncryptedCard) -> Payment:
    """Have the bank send a code to the buyer's telephone: the first half of paying with a card.

    Returns the attempt: ``awaiting`` once a code has been sent, ``declined`` when the bank refused the card;
    ``problem`` says why, also why no second code was sent. Raises Changed, InProgress, checkout.NotPayable.
    """
    payment = _attempt(order_id, method=Method.UNIONPAY_CARD, revision=revision)
    with claimed(payment) as is_ours:
        if is_ours:
            payment.refresh_from_db()
            if payment.status in {Status.CREATED, Status.AWAITING}:
                _send_code(payment, card)
    payment.refresh_from_db()
    return payment


@repeatable
def _attempt(order_id: int, *, method: Payment.Method, revision: int) -> Payment:
    """The order's one live attempt: the one under way, or a new one."""
    order = checkout.lock(order_id)
    live = order.payments.live().first()
    is_same = live is not None and live.method == method and order.revision == revision
    if live and is_same and live.status == Status.CAPTURING:
        return live
    if order.status != Order.Status.PENDING:
        raise checkout.NotPayable(order.number)
    if order.revision != revision:
        raise Changed(order.number)
    if live and is_same and not _is_over(live):
        return live
    if live:
        if live.status == Status.CAPTURING or (live.method == Method.UNIONPAY_CARD and is_claimed(live)):
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
        next_check_at=now + dt.timedelta(seconds=LADDERS[method][0]),
    )


def _is_over(payment: Payment) -> bool:
    """A card attempt of which nothing has been charged, and whose time at UnionPay is up."""
    if payment.method != Method.UNIONPAY_CARD or is_claimed(payment):
        return False
    age = clock.now() - payment.started_at
    if payment.status == Status.CREATED:
        return age > CARD_WAITS
    return payment.status == Status.AWAITING and clock.now() > purchase_of(payment).pay_until


def _new_reference(order: Order, now: dt.datetime) -> str:
    """Letters and digits only, within UnionPay's 8 to 32: order number, day, four random digits."""
    return f"{order.number.replace('-', '')}{localtime(now):%y%m%d}{secrets.randbelow(10_000):04d}"


def _start(payment: Payment, card: EncryptedCard | None) -> None:
    """Tell the gateway. Only the holder of the claim does."""
    if payment.method == Method.UNIONPAY_CARD:
        if card is None:  # the process that had the card died before it was sent: the buyer types it again
            return
        try:
            # From here on the money may be taken, whatever we hear: no second attempt until that is known.
            _take_card(payment, card)
        except (InvalidTransition, checkout.NotPayable):  # another way was chosen, or it is too late
            return
        payment.refresh_from_db()
    crashpoint("cp04")
    try:
        answer = get_gateway(payment.gateway).start(purchase_of(payment), card)
    except GatewayError as error:
        _bear(payment, error)
        return
    crashpoint("cp05")
    if isinstance(answer, Declined):
        record(payment, answer)
        return
    record_start(payment, answer)
    crashpoint("cp06")


@repeatable
def _take_card(payment: Payment, card: EncryptedCard) -> None:
    locked = lock(payment)
    if locked.order.status != Order.Status.PENDING or clock.now() > purchase_of(locked).pay_until:
        # After payTimeout a query calls unknown purchases failed: none may be sent any more.
        raise checkout.NotPayable(locked.order.number)
    if locked.status != Status.CAPTURING:  # else an answer to COMMIT was lost, and this is the second run
        move(locked, Status.CAPTURING)
    locked.last4 = card.last4
    locked.save(update_fields=["last4"])
    ask_soon(locked, dt.timedelta(seconds=LADDERS[Method.UNIONPAY_CARD][0]))


def _send_code(payment: Payment, card: EncryptedCard) -> None:
    try:
        answer = get_gateway(payment.gateway).send_code(purchase_of(payment), card)
    except GatewayError as error:
        _bear(payment, error)
        return
    if isinstance(answer, CodeSent):
        record_start(payment, Started(answer.gateway_id))
    elif answer.retry == "same-gateway-page":  # too often: the code that was sent is still good
        postpone(payment, answer.code)
    else:
        record(payment, answer)


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
    payment.refresh_from_db()
    if payment.status != Status.CAPTURED:
        ask(payment)
        payment.refresh_from_db()
    return payment


def ask(payment: Payment) -> bool:
    """The same, also about money we have: whether some of it has been given or taken back.

    False: nothing was learnt, because another process is asking just now or the gateway cannot be reached.
    """
    with claimed(payment) as is_ours:
        return is_ours and _ask(payment)


def _ask(payment: Payment) -> bool:
    payment.refresh_from_db()
    try:
        if payment.status == Status.CAPTURED:
            aftermath.follow(payment)
        else:
            _ask_for_result(payment)
    except GatewayError as error:
        _bear(payment, error)
        return False
    return True


def _ask_for_result(payment: Payment) -> None:
    gateway = get_gateway(payment.gateway)
    if gateway.captures and not payment.gateway_id:  # never reached the gateway: nobody can have paid
        record(payment, Unfinished("not started"))
        return
    outcome = gateway.fetch(purchase_of(payment))
    crashpoint("cp13")
    if isinstance(outcome, Approved):
        if not _may_capture(payment):
            _leave_alone(payment)
            return
        crashpoint("cp11")
        outcome = gateway.capture(purchase_of(payment))
        crashpoint("cp12")
        record(payment, outcome)
        crashpoint("cp15")
        return
    record(payment, outcome)
    crashpoint("cp15")
    payment.refresh_from_db()
    if payment.status == Status.CAPTURED:  # before today: part of it may have gone back already
        aftermath.follow(payment)


@repeatable
def _may_capture(payment: Payment) -> bool:
    """Claim before capture: only a live attempt of an order that still waits. This blocks its expiry."""
    locked = lock(payment)
    if not locked.is_live or locked.order.status != Order.Status.PENDING:
        return False
    if locked.status != Status.CAPTURING:
        move(locked, Status.CAPTURING)
    ask_soon(locked, LEASE)  # if this process dies before it hears the answer
    return True


@repeatable
def _leave_alone(payment: Payment) -> None:
    """Approved, so nothing was taken, and we do not take it: the order is closed. PayPal lets it lapse."""
    locked = lock(payment)
    if locked.is_live and locked.order.status != Order.Status.PENDING:
        move(locked, Status.SUPERSEDED)
    schedule(locked)


@repeatable
def expect_money(payment: Payment) -> None:
    """UnionPay told the browser that the money was taken: no second payment until a query has answered."""
    locked = lock(payment)
    if locked.status == Status.AWAITING:
        move(locked, Status.CAPTURING)
        ask_soon(locked, dt.timedelta(0))


def _bear(payment: Payment, error: GatewayError) -> None:
    """Nothing is known. It is asked again soon, and staff hear of it once a day where only they can help."""
    is_ours = isinstance(error, Misconfigured)
    level = logging.ERROR if is_ours else logging.WARNING
    logger.log(level, "Payment %s: %s %s", payment.reference, error.code, error.debug_id)
    if is_ours:
        with transaction.atomic():
            note = f"{payment.get_method_display()} refuses us: {error.code} ({payment.reference})"
            tell_staff(note, key=f"{payment.gateway}:{error.code}:{clock.today()}")
    if payment.status != Status.CAPTURED:
        postpone(payment, REFUSES_US if is_ours else UNREACHABLE)


def expire_order(order_id: int) -> None:
    """Ask first, then release: an unpaid order past its hold gives its stock back."""
    for payment in Payment.objects.filter(order_id=order_id).live():
        if not ask(payment) and clock.now() - payment.started_at <= GIVE_UP_AFTER:
            return  # another process is asking, or the gateway is silent: later, but not for ever
    crashpoint("cp20")
    _release(order_id)


@repeatable
def _release(order_id: int) -> None:
    order = checkout.lock(order_id)
    if order.status != Order.Status.PENDING or not order.hold_is_over:
        return
    for payment in order.payments.live():
        if payment.status == Status.CAPTURING or is_claimed(payment):
            return  # later
        move(payment, Status.EXPIRED)
    checkout.expire(order)
    crashpoint("cp21")


# --- a person decides about money that does not match ---


class NotDecidable(Exception):
    """This payment does not wait for a person, or this is not a way out."""


@transaction.atomic
def accept(payment: Payment, *, actor: str) -> None:
    """Take booked money of another amount as the payment. Raises NotDecidable unless it covers the order."""
    locked = lock(payment)
    left, currency = rest(locked), captured(locked)[1]  # less what is on its way back
    covers = is_unused(locked) and currency == locked.order.currency and left >= locked.order.total
    if not locked.needs_attention or not covers or locked.order.is_paid:
        raise NotDecidable(payment.reference)
    _close_alarm(locked, f"{locked.reference}: accepted with {left} {currency}", actor)
    use(locked)


@transaction.atomic
def dismiss(payment: Payment, *, actor: str) -> None:
    """The person has dealt with it elsewhere. An order that waited for this can be paid again.

    Raises NotDecidable while we hold money of this payment: it is accepted or given back.
    """
    locked = lock(payment)
    if not locked.needs_attention or _holds_unused_money(locked):
        raise NotDecidable(payment.reference)
    _close_alarm(locked, closing_note(locked, locked.problem), actor)
    if locked.is_live:
        move(locked, Status.DECLINED)
    if locked.order.status == Order.Status.UNDER_REVIEW and not is_held_by_another(locked):
        # Whether the buyer was charged, the person knows: no mail says that nothing was taken.
        checkout.reopen(locked.order, note=f"{locked.reference}: alarm closed", is_denied=False)


def _holds_unused_money(payment: Payment) -> bool:
    return (
        not payment.pays_order and sum((entry.amount for entry in payment.ledger.all()), start=Decimal(0)) > 0
    )


def _close_alarm(payment: Payment, note: str, actor: str) -> None:
    payment.needs_attention, payment.problem = False, ""
    payment.save(update_fields=["needs_attention", "problem"])
    payment.order.log(note, actor=actor)
