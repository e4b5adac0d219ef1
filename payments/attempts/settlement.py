"""Ask the gateway what became of an attempt, and record it. Public: ``settle``, ``ask``, for visitors too."""

import datetime as dt

from checkout import services as checkout
from checkout.models import Order
from payments.gateways import get_gateway
from payments.gateways.base import Approved, Declined, GatewayError, Unfinished
from payments.models import Payment
from payments.models.payment import LEASE, NOTHING_LEARNT
from payments.purchase import purchase_of
from shop.background.lines import Busy, line
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

from . import limits, movements
from .explanations import CODE_USED
from .outcomes import record, record_gateway_error

Status = Payment.Status


def settle(payment: Payment) -> Payment:
    """Ask the gateway for the outcome, capture approved money, record it. Returns the fresh row.

    The browser's return, a notification, the sweep and the admin's button all end here, in any order, any
    number of times.
    """
    payment.refresh_from_db()
    if payment.status != Status.CAPTURED:
        ask(payment)
        payment.refresh_from_db()
    return payment


def ask(payment: Payment) -> bool:
    """Like ``settle``, and also for captured payments: fetch refunds and reversals.

    Returns False if another process holds the lease, the gateway is unreachable, or too many requests of this
    process wait for it: then the sweep asks when it would have asked anyway.
    """
    with payment.claim() as is_ours:
        return is_ours and _ask(payment)


def settle_for_visitor(payment: Payment, *, is_signed: bool = False) -> bool:
    """Like ``settle``, where a page's visitor asks: a few times for each payment, else the row answers.

    Attempts that have ended are left to the sweep, unless the gateway has signed what the visitor brings.
    The row is fresh then. Returns False where another process is asking just now: what it hears may be older
    than what the visitor has done, so they ask again.
    """
    payment.refresh_from_db()
    is_ours = True
    if payment.is_live or (is_signed and payment.status != Status.CAPTURED):
        if limits.may_ask_for_visitor(payment):
            with payment.claim() as is_ours:
                if is_ours:
                    _ask(payment)
        payment.refresh_from_db()
    return is_ours


def ask_for_visitor(payment: Payment) -> bool:
    """Like ``ask``, where a page's visitor asks. Returns False also if they have asked too often already."""
    return limits.may_ask_for_visitor(payment) and ask(payment)


def _ask(payment: Payment) -> bool:
    payment.refresh_from_db()
    try:
        with line(payment.gateway):
            if payment.status == Status.CAPTURED:
                movements.sync_movements(payment)
            else:
                _ask_for_result(payment)
    except Busy:
        return False
    except GatewayError as error:
        record_gateway_error(payment, error)
        return False
    return True


def _ask_for_result(payment: Payment) -> None:
    gateway = get_gateway(payment.gateway)
    if gateway.captures and not payment.gateway_id:  # never reached the gateway: nobody can have paid
        record(payment, Unfinished("not started"))
        return
    outcome = gateway.fetch(purchase_of(payment))
    failpoint("after_outcome_fetched")
    if isinstance(outcome, Approved):
        if _has_lost_its_code(payment):
            record(payment, Declined(CODE_USED))
            return
        if not _may_capture(payment):
            _leave_approved(payment)
            return
        failpoint("before_capture")
        outcome = gateway.capture(purchase_of(payment))
        failpoint("before_capture_recorded")
        record(payment, outcome)
        failpoint("after_outcome_recorded")
        if isinstance(outcome, Declined):
            _see_what_is_left(payment)
        return
    record(payment, outcome)
    failpoint("after_outcome_recorded")
    payment.refresh_from_db()
    if payment.status == Status.CAPTURED:  # before today: part of it may have gone back already
        movements.sync_movements(payment)


def _has_lost_its_code(payment: Payment) -> bool:
    """Whether its order may not be paid with its promo code any more, and nothing was ever captured of it."""
    if payment.status != Status.AWAITING or payment.order.status != Order.Status.PENDING:
        return False
    try:
        checkout.require_good_code(payment.order)
    except checkout.CodeUsedMeanwhile:
        return True
    return False


@retry_transaction
def _may_capture(payment: Payment) -> bool:
    """Mark the attempt as ``capturing`` if it is live and its order still waits; this blocks its expiry.

    What PayPal has declined is not captured: its buyer was told that no money was taken.
    """
    locked = payment.lock()
    if not locked.is_live or locked.order.status != Order.Status.PENDING or locked.approval_declined_at:
        return False
    if locked.status != Status.CAPTURING:
        locked.move_to(Status.CAPTURING)
    locked.reset_polling(LEASE)  # if this process dies before it hears the answer
    return True


def _see_what_is_left(payment: Payment) -> None:
    """Learn whether an order whose approval was declined waits for its buyer again.

    Only then is the next approval known to be a newer one. PayPal's order tells nothing else of it: an
    approved one has no update_time, and some approvals are announced twice.
    """
    payment.refresh_from_db()
    if not payment.approval_declined_at:
        return
    outcome = get_gateway(payment.gateway).fetch(purchase_of(payment))
    if not isinstance(outcome, Approved):
        record(payment, outcome)


@retry_transaction
def _leave_approved(payment: Payment) -> None:
    """Do not capture: the order was closed before the buyer approved, or PayPal has declined this approval.

    PayPal lets the approval expire.
    """
    locked = payment.lock()
    if locked.is_live and locked.order.status != Order.Status.PENDING:
        locked.move_to(Status.SUPERSEDED)
    if locked.problem in NOTHING_LEARNT:
        locked.problem = ""
        locked.save(update_fields=["problem"])
    locked.schedule()


@retry_transaction
def mark_capture_expected(payment: Payment) -> None:
    """UnionPay told the browser that the money was taken: no second payment until a query has answered."""
    locked = payment.lock()
    if locked.status == Status.AWAITING:
        locked.move_to(Status.CAPTURING)
        locked.reset_polling(dt.timedelta(0))
