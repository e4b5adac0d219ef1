"""Attempts to pay and what they leave in the books."""

from decimal import Decimal

from checkout.models import Order
from payments.attempts import services
from payments.models import LedgerEntry, Payment

PAYPAL, CARD, PAGE = Payment.Method


def start(order: Order, method=PAYPAL) -> Payment:
    order.refresh_from_db()
    return services.pay(order.pk, method=method, revision=order.revision)


def books(order: Order) -> list[Decimal]:
    return list(LedgerEntry.objects.filter(payment__order=order).values_list("amount", flat=True))
