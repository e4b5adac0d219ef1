"""Paid orders whose money can go back, and what to check afterwards."""

import uuid
from decimal import Decimal

from django.contrib.auth.models import Permission, User

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, make_service, place
from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.gateways.base import GatewayError
from payments.models import LedgerEntry, Payment, Refund, RefundLine
from payments.refunds import services as refunds
from payments.refunds.plan import RefundRequest
from payments.sandbox import store

TEA, SERVICE, SHIPPING = Decimal("336.00"), Decimal("2560.00"), Decimal("30.00")
TOTAL = TEA + SERVICE + SHIPPING
SEES = ["view_order", "change_order", "view_orderline", "view_orderevent", "view_shipment", "view_refund"]


def paid_order(approve, **details) -> Order:
    order = place(
        make_cart(
            (make_goods(f"TEA-{uuid.uuid4().hex[:6]}", on_hand=10), 2),
            (make_service(f"SV-{uuid.uuid4().hex[:6]}"), 2),
        ),
        **details,
    )
    started = attempts.pay(order.pk, method=Payment.Method.PAYPAL, revision=order.revision)
    approve(started.approve_url)
    settlement.settle(started)
    order.refresh_from_db()
    assert order.is_paid
    return order


def tea_of(order):
    return order.lines.get(kind="goods")


def service_of(order):
    return order.lines.get(kind="service")


def some(order, *, tea: int = 0, service: int = 0, **more) -> RefundRequest:
    """So many pieces of the tea, so many subjects of the consultation."""
    return RefundRequest(quantities={tea_of(order).pk: tea, service_of(order).pk: service}, **more)


def ask_for(order, request, **more) -> Refund:
    values = {"key": uuid.uuid4().hex, "actor": "mei", **more}
    return refunds.request_refund(order.pk, request, **values)


def give(order, request) -> Refund:
    """Asked for and done."""
    refund = ask_for(order, request)
    refunds.execute_refund(refund.pk)
    order.refresh_from_db()
    refund.refresh_from_db()
    return refund


def at_paypal(payment) -> Decimal:
    """What PayPal has given back of a payment."""
    order = store.get("paypal-order", payment.gateway_id)
    refunds_there = [store.get("paypal-refund", name) for name in order["refunds"]]
    return sum((Decimal(refund["amount"]["value"]) for refund in refunds_there), Decimal(0))


def assert_books_agree(order):
    """Columns, rows and ledger say the same, and nobody got more than was paid."""
    order.refresh_from_db()
    payment = order.payments.get(pays_order=True)
    rows = LedgerEntry.objects.filter(payment=payment)
    given_back = -sum(entry.amount for entry in rows if entry.amount < 0)
    captured = sum(entry.amount for entry in rows if entry.amount > 0)
    done = payment.refunds.filter(status=Refund.Status.DONE)
    assert given_back == order.refunded_total == sum(refund.amount for refund in done) <= captured
    for line in order.lines.all():
        booked = RefundLine.objects.filter(line=line, refund__status=Refund.Status.DONE)
        assert line.refunded_total == sum(row.amount for row in booked) <= line.total
        assert line.withdrawn_quantity <= line.quantity
    assert sum(line.refunded_total for line in order.lines.all()) <= order.refunded_total


def silent(gateway, monkeypatch, *, after_work: bool = False):
    """The gateway's answers to refunds are lost; with ``after_work`` it has done them."""
    does = gateway.refund
    keys = []

    def lose(*args, **details):
        keys.append(details["key"])
        if after_work:
            does(*args, **details)
        raise GatewayError("timeout")

    monkeypatch.setattr(gateway, "refund", lose, raising=False)
    return keys


def staff(client, *permissions):
    """A signed-in member of staff."""
    user = User.objects.create_user(f"staff-{User.objects.count()}", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
