"""Give up unpaid orders, cancelled or past their hold: never while their money may be on its way."""

from checkout import services as checkout
from checkout.models import Order
from payments.models import Payment
from payments.models.payment import GIVE_UP_AFTER
from shop import clock
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

from . import settlement

Status = Payment.Status
Method = Payment.Method


class MayBePaid(Exception):
    """Money of the order may be on its way, or has come."""


def cancel_unpaid(order_id: int) -> Order:
    """Cancel the order for its buyer after asking the gateway: stock goes on sale, attempts are given up.

    A repeat changes nothing. Needs no transaction open. Raises MayBePaid.
    """
    for payment in Payment.objects.filter(order_id=order_id).live():
        if _may_have_been_paid(payment) and not settlement.ask_for_visitor(payment):
            raise MayBePaid(payment.reference)
    return _cancel(order_id)


def _may_have_been_paid(payment: Payment) -> bool:
    """Only we take money at PayPal, and only from ``capturing`` on. Asked about approved money we would take
    it: the last thing wanted by somebody who cancels.
    """
    return payment.method != Method.PAYPAL or payment.status == Status.CAPTURING


@retry_transaction
def _cancel(order_id: int) -> Order:
    order = Order.objects.lock(order_id)
    if order.status == Order.Status.CANCELLED:
        return order
    if order.status != Order.Status.PENDING:
        raise MayBePaid(order.number)
    for payment in order.payments.live():
        if payment.status == Status.CAPTURING or payment.is_claimed:
            raise MayBePaid(payment.reference)
        payment.move_to(Status.SUPERSEDED)  # still swept: money found there is given back
    checkout.give_up(order)
    return order


def expire_order(order_id: int) -> None:
    """Expire an unpaid order past its hold after asking the gateway: its stock goes back on sale."""
    for payment in Payment.objects.filter(order_id=order_id).live():
        if not settlement.ask(payment) and clock.now() - payment.started_at <= GIVE_UP_AFTER:
            return  # another process is asking, or the gateway is silent: later, but not for ever
    failpoint("before_expiry")
    _release(order_id)


@retry_transaction
def _release(order_id: int) -> None:
    order = Order.objects.lock(order_id)
    if order.status != Order.Status.PENDING or not order.hold_is_over:
        return
    for payment in order.payments.live():
        if payment.status == Status.CAPTURING or payment.is_claimed:
            return  # later
        payment.move_to(Status.EXPIRED)
    checkout.expire(order)
    failpoint("before_expiry_committed")


def has_possible_capture(sender: object, order: Order, **_: object) -> bool:
    """Whether the gateway may have taken money for the order already, whatever we have heard.

    Receives ``checkout.signals.money_is_on_its_way``.
    """
    return order.payments.filter(status=Payment.Status.CAPTURING).exists()
