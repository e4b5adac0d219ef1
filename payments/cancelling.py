"""The buyer cancels an order that is not paid: never while its money may be on its way."""

from checkout import services as checkout
from checkout.models import Order
from shop.database import repeatable

from . import services
from .attempts import Method, Status, is_claimed, move
from .models import Payment


class MayBePaid(Exception):
    """Money of the order may be on its way, or has come."""


def cancel_unpaid(order_id: int) -> Order:
    """Ask first, then cancel: the stock goes back on sale, attempts are given up. A repeat changes nothing.

    Needs no transaction open. Raises MayBePaid.
    """
    for payment in Payment.objects.filter(order_id=order_id).live():
        if _may_have_been_paid(payment) and not services.ask(payment):
            raise MayBePaid(payment.reference)
    return _cancel(order_id)


def _may_have_been_paid(payment: Payment) -> bool:
    """Only we take money at PayPal, and only from ``capturing`` on. Asked about approved money we would take
    it: the last thing wanted by somebody who cancels.
    """
    return payment.method != Method.PAYPAL or payment.status == Status.CAPTURING


@repeatable
def _cancel(order_id: int) -> Order:
    order = checkout.lock(order_id)
    if order.status == Order.Status.CANCELLED:
        return order
    if order.status != Order.Status.PENDING:
        raise MayBePaid(order.number)
    for payment in order.payments.live():
        if payment.status == Status.CAPTURING or is_claimed(payment):
            raise MayBePaid(payment.reference)
        move(payment, Status.SUPERSEDED)  # still swept: money found there is given back
    checkout.give_up(order)
    return order
