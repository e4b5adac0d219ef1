"""Start to pay. Public: ``pay``, ``request_code``, ``handoff``; the rest serves them.

No transaction is open while a gateway is asked. Every attempt is stored before the first byte goes out; an
unknown outcome is never a failure: ``settlement`` asks again until it is known.
"""

import datetime as dt

from django.conf import settings
from django.http import HttpRequest
from django.utils.timezone import localtime

from checkout import order_numbers
from checkout import services as checkout
from checkout.models import Order
from payments.gateways import get_gateway
from payments.gateways.base import (
    CodeSent,
    Declined,
    EncryptedCard,
    GatewayBusy,
    GatewayError,
    Handoff,
    Started,
)
from payments.models import Payment
from payments.models.payment import InvalidTransition
from payments.purchase import purchase_of
from shop import clock
from shop.background import outbound
from shop.background.lines import Busy, line
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

from .limits import count_attempt, count_code_sent, count_code_tried, require_code_tries
from .outcomes import record, record_gateway_error, record_start

Status = Payment.Status
Method = Payment.Method

RANDOM_SYMBOLS = 10  # of 32 each
CARD_WAITS = dt.timedelta(minutes=10)  # a card attempt that was not sent by then starts anew


class OrderChanged(Exception):
    """The order is no longer the one that was shown; the buyer has to look again."""


class InProgress(Exception):
    """Money may already be on its way by another attempt; paying again could take it twice."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(payment.reference)
        self.payment = payment


def pay(
    order_id: int, *, method: Payment.Method, revision: int, card: EncryptedCard | None = None,
    on_phone: bool = False, sender: HttpRequest | None = None,
) -> Payment:  # fmt: skip
    """Start to pay, or go on with the attempt under way. Any number of clicks make one attempt.

    Raises OrderChanged, InProgress, checkout.NotPayable (CodeUsedMeanwhile is one), TooManyAttempts,
    TooManyCodes.
    """
    if card and card.sms_code:
        require_code_tries(order_id)  # else a refusal would end the attempt under way for nothing
    payment = get_or_create_attempt(
        order_id, method=method, revision=revision, on_phone=on_phone, sender=sender
    )
    failpoint("after_attempt_stored")
    with payment.claim() as is_ours:
        if is_ours:
            payment.refresh_from_db()
            if payment.status == Status.CREATED or (payment.status == Status.AWAITING and card):
                _start(payment, card)
    payment.refresh_from_db()
    return payment


def request_code(
    order_id: int, *, revision: int, card: EncryptedCard, on_phone: bool = False,
    sender: HttpRequest | None = None,
) -> Payment:  # fmt: skip
    """Have the bank send a code to the buyer's telephone: the first half of paying with a card.

    Returns the attempt: ``awaiting`` once a code has been sent, ``declined`` when the bank refused the card;
    ``problem`` says why, also why no second code was sent.

    Raises OrderChanged, InProgress, checkout.NotPayable (CodeUsedMeanwhile is one), TooManyAttempts,
    TooManyCodes.
    """
    count_code_sent(order_id, sender)
    payment = get_or_create_attempt(
        order_id, method=Method.UNIONPAY_CARD, revision=revision, on_phone=on_phone, sender=sender
    )
    with payment.claim() as is_ours:
        if is_ours:
            payment.refresh_from_db()
            if payment.status in {Status.CREATED, Status.AWAITING}:
                _send_code(payment, card)
    payment.refresh_from_db()
    return payment


def handoff(payment: Payment) -> Handoff | None:
    """The page where the buyer goes on; None unless the attempt waits for them."""
    if payment.status != Status.AWAITING or payment.approval_declined_at or outbound.is_off():
        return None
    if payment.method == Method.UNIONPAY_PAGE:
        response = get_gateway("unionpay").start(purchase_of(payment))  # local
        return response.handoff if isinstance(response, Started) else None
    return Handoff(payment.approve_url) if payment.approve_url else None


@retry_transaction
def get_or_create_attempt(
    order_id: int, *, method: Payment.Method, revision: int, on_phone: bool = False,
    sender: HttpRequest | None = None,
) -> Payment:  # fmt: skip
    """Return the order's one live attempt: the one under way, or a new one, which counts.

    Raises OrderChanged, InProgress, checkout.NotPayable (CodeUsedMeanwhile is one), TooManyAttempts.
    """
    order = Order.objects.lock(order_id)
    live = order.payments.live().first()
    is_same = live is not None and live.method == method and order.revision == revision
    if live and is_same and live.status == Status.CAPTURING:
        return live
    if order.status != Order.Status.PENDING:
        raise checkout.NotPayable(order.number)
    if order.revision != revision:
        raise OrderChanged(order.number)
    checkout.require_good_code(order)
    if live and is_same and not _is_over(live):
        return live
    if live:
        if live.status == Status.CAPTURING or (live.method == Method.UNIONPAY_CARD and live.is_claimed):
            raise InProgress(live)
        live.move_to(Status.SUPERSEDED)  # still swept: money found there is given back
    gateway = "paypal" if method == Method.PAYPAL else "unionpay"
    checkout.begin_payment(order, minutes=settings.PAYMENT_HOLD_MINUTES[gateway])
    count_attempt(order, sender)
    now = clock.now()
    return Payment.objects.create(
        order=order,
        method=method,
        amount=order.total,
        currency=order.currency,
        reference=_new_reference(order, now),
        started_at=now.replace(microsecond=0),
        on_phone=on_phone and gateway == "unionpay",
        next_check_at=now + dt.timedelta(seconds=Payment.POLL_INTERVALS[method][0]),
    )


def _is_over(payment: Payment) -> bool:
    """An attempt of which nothing was taken, and on which its buyer cannot go on.

    A card attempt whose time at UnionPay is up, or a PayPal order that keeps an approval which was declined:
    a newer one could not be told from it.
    """
    if payment.approval_declined_at:
        return True
    if payment.method != Method.UNIONPAY_CARD or payment.is_claimed:
        return False
    age = clock.now() - payment.started_at
    if payment.status == Status.CREATED:
        return age > CARD_WAITS
    return payment.status == Status.AWAITING and clock.now() > payment.pay_until


def _new_reference(order: Order, now: dt.datetime) -> str:
    """Letters and digits only, within UnionPay's 8 to 32: order number, day, and fifty random bits.

    Needs the order's lock: no other attempt of this order gets one meanwhile.
    """
    start = f"{order.number.replace('-', '')}{localtime(now):%y%m%d}"
    while True:
        reference = start + order_numbers.random_symbols(RANDOM_SYMBOLS)
        if not Payment.objects.filter(reference=reference).exists():
            return reference


def _start(payment: Payment, card: EncryptedCard | None) -> None:
    """Tell the gateway of the attempt. Needs the claim.

    Where too many wait for the gateway already, nothing has begun and the buyer reads that it is not reached.
    """
    if payment.method == Method.UNIONPAY_PAGE:  # local
        _start_now(payment, card)
        return
    try:
        with line(payment.gateway):
            _start_now(payment, card)
    except Busy:
        record_gateway_error(payment, GatewayBusy())


def _start_now(payment: Payment, card: EncryptedCard | None) -> None:
    if payment.method == Method.UNIONPAY_CARD:
        if card is None:  # the process that had the card died before it was sent: the buyer types it again
            return
        if card.sms_code:
            count_code_tried(payment)
        try:
            # From here on the money may be taken, whatever we hear: no second attempt until that is known.
            begin_card_charge(payment, card)
        except (InvalidTransition, checkout.NotPayable):  # another way was chosen, or it is too late
            return
        payment.refresh_from_db()
    failpoint("before_gateway_started")
    try:
        response = get_gateway(payment.gateway).start(purchase_of(payment), card)
    except GatewayError as error:
        record_gateway_error(payment, error)
        return
    failpoint("after_gateway_started")
    if isinstance(response, Declined):
        record(payment, response)
        return
    record_start(payment, response)
    failpoint("after_start_recorded")


@retry_transaction
def begin_card_charge(payment: Payment, card: EncryptedCard) -> None:
    """Mark the attempt as ``capturing`` before the card is sent.

    Raises InvalidTransition (another way was chosen) and checkout.NotPayable (it is too late).
    """
    locked = payment.lock()
    if locked.order.status != Order.Status.PENDING or clock.now() > locked.pay_until:
        # After payTimeout a query calls unknown purchases failed: none may be sent any more.
        raise checkout.NotPayable(locked.order.number)
    if locked.status != Status.CAPTURING:  # else an answer to COMMIT was lost, and this is the second run
        locked.move_to(Status.CAPTURING)
    locked.last4 = card.last4
    locked.save(update_fields=["last4"])
    locked.reset_polling(dt.timedelta(seconds=Payment.POLL_INTERVALS[Method.UNIONPAY_CARD][0]))


def _send_code(payment: Payment, card: EncryptedCard) -> None:
    try:
        response = get_gateway(payment.gateway).send_code(purchase_of(payment), card)
    except GatewayError as error:
        record_gateway_error(payment, error)
        return
    if isinstance(response, CodeSent):
        record_start(payment, Started(response.gateway_id))
    elif response.retry == "same-gateway-page":  # too often: the code that was sent is still good
        payment.postpone(response.code)
    else:
        record(payment, response)
