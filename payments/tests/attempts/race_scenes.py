"""Orders that are being paid while something else happens, and whether they end whole."""

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import services, settlement
from payments.models import LedgerEntry, Payment
from payments.sandbox import store
from shop.models import OutboxMessage

PAYPAL, CARD, PAGE = Payment.Method


def new_order(on_hand=5, quantity=1) -> Order:
    count = Order.objects.count()
    return place(make_cart((make_goods(f"TEA-{count:03}", on_hand=on_hand), quantity)))


def started(order, method=PAYPAL) -> Payment:
    order.refresh_from_db()
    return services.pay(order.pk, method=method, revision=order.revision)


def approved(order, approve) -> Payment:
    payment = started(order)
    approve(payment.approve_url)
    return payment


def exchanges(payment, kind):
    lines = (store.folder() / "log.jsonl").read_text().splitlines()
    return sum(f'"kind": "{kind}"' in line and payment.gateway_id in line for line in lines)


def is_whole(order, *, captures=1) -> bool:
    """Paid once, in the books once, told once."""
    order.refresh_from_db()
    confirmed = OutboxMessage.objects.filter(key=f"mail.order_confirmation:{order.number}").count()
    booked = LedgerEntry.objects.filter(payment__order=order).count()
    return (order.status, booked, confirmed) == (Order.Status.PAID, captures, 1)


# --- return, notification, sweep: the claim ---


def ask(payment):
    return lambda: settlement.settle(Payment.objects.get(pk=payment.pk))
