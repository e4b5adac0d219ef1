"""What the buttons on the page of money health do: call a service, and say why it could not be done.

Each is safe to repeat, and the service looks again before it acts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from checkout.models import Order
from payments import disputes
from payments.attempts import closing, settlement
from payments.attempts import reconciliation as attempts
from payments.gateways.base import GatewayError
from payments.models import GatewayEvent, LedgerEntry, Payment, Refund
from payments.models.ledger import ReferenceTaken
from payments.refunds import reconciliation
from payments.refunds import services as refunds
from payments.refunds.four_eyes import NeedsSecondPerson
from payments.refunds.plan import DisputeOpen, NothingToRefund, PlanChanged, TooMuch
from payments.webhooks import inbox
from shop.monitoring.audit import NotRepaired


def _gateway_unreachable() -> NotRepaired:
    return NotRepaired(_("The gateway could not be asked just now. Please try again in a few minutes."))


@contextmanager
def _asking() -> Iterator[None]:
    """Raise NotRepaired where the gateway cannot be asked."""
    try:
        yield
    except (GatewayError, refunds.RefundNotKnown):
        raise _gateway_unreachable() from None


@contextmanager
def _refunding() -> Iterator[None]:
    """Raise NotRepaired where the money cannot go back, or not now."""
    try:
        yield
    except (refunds.NotRefused, NothingToRefund, TooMuch):
        raise NotRepaired(_("So much is not left to give back any more. Please look at the order.")) from None
    except NeedsSecondPerson:
        raise NotRepaired(
            _("This needs a second person. Please refund it from its order, where you can ask one.")
        ) from None
    except DisputeOpen:
        raise NotRepaired(_("The gateway decides about this money while the dispute is open.")) from None


# --- money that was taken ---


def ask(payment: Payment) -> None:
    """Ask for the outcome; of captured money, for refunds and reversals."""
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


def book_capture(payment: Payment) -> None:
    try:
        with _asking():
            attempts.book_missing_capture(payment)
    except attempts.NoSuchMoney:
        raise NotRepaired(
            _("The gateway knows of no such money. The payment now waits for a person.")
        ) from None


def find_payer(order: Order) -> None:
    try:
        with _asking():
            attempts.find_payer(order)
    except attempts.NoSuchMoney:
        raise NotRepaired(
            _("No gateway knows of money for this order. Please put it on hold and look into it.")
        ) from None


def use_money(payment: Payment, actor: str) -> None:
    try:
        with _refunding():
            attempts.use_idle_money(payment, actor=actor)
    except attempts.PaidByAnotherAmount:
        raise NotRepaired(
            _("The order counts as paid, but by another amount. Please compare the two.")
        ) from None


# --- money that went back ---


def execute(refund: Refund) -> None:
    with _asking():
        refunds.execute_refund(refund.pk)


def retry(refund: Refund, actor: str) -> None:
    """Only where nothing else was refunded since: no page has shown what."""
    seen = refund.payment.money_stamp
    again = _("Something was refunded since. Please look at it, and try it again from the list of refunds.")
    if refunds.can_be_retried(refund) and refunds.refunded_since(refund):
        raise NotRepaired(again)
    try:
        with _refunding():
            refunds.retry_refund(refund, actor=actor, seen=seen)
    except PlanChanged:
        raise NotRepaired(again) from None


def book_refund(refund: Refund) -> None:
    try:
        with _asking():
            reconciliation.book_done_refund(refund)
    except reconciliation.NotConfirmed:
        raise NotRepaired(
            _("The gateway does not know this refund. Please compare it with the account there.")
        ) from None
    except ReferenceTaken:
        raise NotRepaired(
            _("This cannot be put right by a button. Please look at the rows themselves.")
        ) from None


def create_refund_of(entry: LedgerEntry, actor: str) -> None:
    try:
        reconciliation.create_refund_of(entry, actor=actor)
    except reconciliation.AmountsDiffer:
        raise NotRepaired(
            _("There is a refund of this name, but of another amount. Please compare the two.")
        ) from None


def set_refunded_totals(order: Order, actor: str) -> None:
    try:
        reconciliation.set_refunded_totals(order, actor=actor)
    except reconciliation.MoreCameBack:
        raise NotRepaired(
            _("More came back than ever left. Please compare the bookings with the gateway.")
        ) from None


def send_refund_mail(refund: Refund) -> None:
    reconciliation.publish_mail(refund)


def update_dispute_flag(order_id: int, actor: str) -> None:
    disputes.update_order(order_id, actor=actor)
