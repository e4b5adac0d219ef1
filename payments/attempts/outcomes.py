"""Record what a gateway said, under the order's lock. A repeat changes nothing."""

import datetime as dt
import logging
import secrets

from django.db import transaction

from checkout import services as checkout
from checkout.models import Order
from payments.gateways.base import Captured, Declined, GatewayError, Misconfigured, Outcome, Pending, Started
from payments.models import LedgerEntry, Payment
from payments.models.ledger import ReferenceTaken
from payments.models.payment import NOTHING_LEARNT, REFUSES_US, UNCLEAR, UNREACHABLE, WRONG_CODE, alert_staff
from payments.refunds.services import give_back
from shop import clock
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

Status = Payment.Status
Method = Payment.Method

logger = logging.getLogger(__name__)

PAGE_SETTLES = dt.timedelta(minutes=5)  # until a payment in the last moment shows


@retry_transaction
def record_start(payment: Payment, started: Started) -> None:
    """Record that the gateway knows the attempt and, where it has one, its page for the buyer."""
    locked = payment.lock()
    locked.gateway_id = started.gateway_id
    locked.problem = ""
    if started.handoff and not started.handoff.fields:
        locked.approve_url = started.handoff.url
    if locked.status == Status.CREATED:
        locked.move_to(Status.AWAITING)
    locked.save(update_fields=["gateway_id", "approve_url", "problem"])


@retry_transaction
def record(payment: Payment, outcome: Outcome) -> None:
    """Record the outcome of the attempt. ``payment`` is the row as it was when the gateway was asked."""
    locked = payment.lock()
    match outcome:
        case Captured():
            _record_capture(locked, outcome)
        case _ if locked.status == Status.CAPTURED:
            pass  # an older answer than the one that another process has heard
        case Pending():
            _record_review(locked, outcome)
        case Declined() if _may_try_again(locked, outcome):
            _record_retry(locked, outcome)
        case Declined():
            _record_decline(locked, outcome)
        case _:
            if locked.status == Status.CAPTURING and locked.method == Method.PAYPAL:
                locked.move_to(Status.AWAITING)
            if payment.capture_key == locked.capture_key:  # else the answer is older than the decline
                locked.approval_declined_at = None  # the order waits for the buyer: what comes next is newer
            if locked.problem in NOTHING_LEARNT:
                locked.problem = ""
            locked.save(update_fields=["approval_declined_at", "problem"])
            locked.schedule()
    failpoint("before_outcome_committed")


def _record_review(payment: Payment, pending: Pending) -> None:
    payment.problem = pending.reason[:60]
    payment.capture_reference = pending.reference
    payment.save(update_fields=["problem", "capture_reference"])
    if payment.is_live:  # of an attempt that was given up, the buyer has heard that it does not count
        checkout.mark_under_review(payment.order, note=f"{payment.reference}: {pending.reason}"[:300])
    payment.schedule()


def _may_try_again(payment: Payment, declined: Declined) -> bool:
    """Whether the same attempt can still be paid: on the gateway's page, or with the right code."""
    if not payment.is_live or payment.order.status == Order.Status.UNDER_REVIEW:
        return False
    if payment.method == Method.UNIONPAY_CARD:
        return declined.code == WRONG_CODE
    if payment.method == Method.UNIONPAY_PAGE:  # whatever the first card was told, a second one may pay there
        return clock.now() <= payment.pay_until + PAGE_SETTLES
    return declined.retry == "same-gateway-page"


def _record_retry(payment: Payment, declined: Declined) -> None:
    payment.problem = declined.code[:60]
    payment.capture_key = secrets.token_hex(16)  # another try is another capture
    if payment.method == Method.PAYPAL:
        payment.approval_declined_at = clock.now()
        payment.order.log(f"{payment.reference}: PayPal declined: {declined.code}; no money was taken")
    payment.save(update_fields=["problem", "capture_key", "approval_declined_at"])
    if payment.status == Status.CAPTURING:
        payment.move_to(Status.AWAITING)
    payment.schedule()


def _record_decline(payment: Payment, declined: Declined) -> None:
    payment.problem = declined.code[:60]
    payment.next_check_at = None
    payment.save(update_fields=["problem", "next_check_at"])
    if not payment.is_live:  # an old attempt says nothing about the one that is under review
        return
    payment.move_to(Status.DECLINED)
    if declined.concern:
        _tell_staff(payment, declined)
    if payment.order.status == Order.Status.UNDER_REVIEW and not payment.has_unsettled_sibling:
        checkout.reopen(payment.order, note=f"{payment.reference}: {declined.code}"[:300])


def _tell_staff(payment: Payment, declined: Declined) -> None:
    """Log on the order why it was declined, and alert staff at most once per day and code."""
    name = payment.get_method_display()
    note = (
        f"{name} refuses us: {declined.code}"
        if declined.concern == "ours"
        else f"{name} declined with a code that is not known here: {declined.code}"
    )
    logger.error("Payment %s: %s", payment.reference, note)
    payment.order.log(f"{payment.reference}: {note}; no money was taken"[:300])
    alert_staff(
        f"{note} ({payment.reference}); no money was taken",
        key=f"{payment.gateway}:{declined.code}:{clock.today()}",
    )


def _record_capture(payment: Payment, capture: Captured) -> None:
    """Book the money. It makes the order paid, or goes back, or alerts staff: never nothing."""
    if capture.our_reference != payment.reference or not capture.payee_matches:
        _hold_for_staff(payment, "money of another order or payee")
        return
    try:
        _, is_new = LedgerEntry.objects.book(
            payment,
            LedgerEntry.Kind.CAPTURE,
            amount=capture.amount,
            currency=capture.currency,
            reference=capture.reference,
            at=clock.now(),
        )
    except ReferenceTaken:
        _hold_for_staff(payment, f"capture {capture.reference} belongs to another payment")
        return
    if not is_new:
        return
    payment.capture_reference = capture.reference
    payment.captured_at = clock.now()
    payment.problem = ""
    payment.next_check_at = None
    payment.save(update_fields=["capture_reference", "captured_at", "problem", "next_check_at"])
    payment.move_to(Status.CAPTURED)
    if (capture.amount, capture.currency) != (payment.amount, payment.currency):
        _hold_for_staff(payment, f"money that does not match: {capture.amount} {capture.currency}")
        return
    apply_to_order(payment)


def _hold_for_staff(payment: Payment, note: str) -> None:
    """Put the order under review: it keeps its stock, and nobody is asked to pay, until staff decide."""
    if payment.order.events.filter(note=closing_note(payment, note)).exists():
        return
    payment.raise_alarm(note)
    checkout.mark_under_review(payment.order, note=f"{payment.reference}: {note}"[:300])


def closing_note(payment: Payment, problem: str) -> str:
    """The note on the order once staff have dealt with an alarm in another way."""
    return f"{payment.reference}: alarm closed: {problem[:60]}"


def apply_to_order(payment: Payment) -> None:
    """Let captured money make the order paid, else give it back. Needs the order's lock."""
    order = payment.order
    if order.status == Order.Status.PAID:
        give_back(payment, "the order was already paid")
        return
    try:
        with transaction.atomic():
            checkout.mark_paid(
                order,
                method=payment.gateway,
                last4=payment.last4,
                note=f"paid, reference {payment.capture_reference}",
            )
    except checkout.CannotRevive:
        order.refresh_from_db()
        give_back(payment, "the order could not be revived")
        return
    payment.pays_order = True
    payment.save(update_fields=["pays_order"])
    for other in order.payments.live().exclude(status=Status.CAPTURING):
        other.move_to(Status.SUPERSEDED)  # still swept: money found there is given back


def record_gateway_error(payment: Payment, error: GatewayError) -> None:
    """Schedule a retry after a gateway error: nothing is known.

    Alerts staff at most once per day and error code when our credentials are at fault.
    """
    is_ours = isinstance(error, Misconfigured)
    level = logging.ERROR if is_ours else logging.WARNING
    logger.log(level, "Payment %s: %s %s", payment.reference, error.code, error.debug_id)
    if is_ours:
        with transaction.atomic():
            note = f"{payment.get_method_display()} refuses us: {error.code} ({payment.reference})"
            alert_staff(note, key=f"{payment.gateway}:{error.code}:{clock.today()}")
    if payment.status != Status.CAPTURED:
        payment.postpone(UNCLEAR if error.about_one else REFUSES_US if is_ours else UNREACHABLE)
