"""Payments by PayPal in rows, and what to look at afterwards. For tests with the fixture ``shop``."""

from contextlib import contextmanager

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, make_service, place
from payments.attempts import services as attempts
from payments.models import GatewayEvent, Payment
from payments.webhooks import inbox
from shop.background import outbox
from shop.models import OutboxMessage


def awaiting(number: int = 900) -> Payment:
    """An attempt of a new order, whose buyer is at PayPal."""
    goods, service = make_goods(f"TEA-{number}", on_hand=5), make_service(f"SV-{number}")
    order = place(make_cart((goods, 2), (service, 1)))
    return attempts.pay(order.pk, method=Payment.Method.PAYPAL, revision=order.revision)


def order_of(payment: Payment) -> Order:
    return Order.objects.get(pk=payment.order_id)


def books(payment: Payment) -> list[tuple[str, str]]:
    """(kind, amount) of what is booked, oldest first."""
    return [(entry.kind, str(entry.amount)) for entry in payment.ledger.order_by("id")]


def history(payment: Payment) -> list[str]:
    return [event.note for event in payment.order.events.order_by("id")]


def sent(topic: str) -> int:
    return OutboxMessage.objects.filter(topic=topic).count()


def deliver(*topics: str) -> None:
    """Have the outbox deliver what is due of these topics, whatever else waits."""
    with only(*topics):
        while outbox.deliver_next():
            pass


@contextmanager
def only(*topics: str):
    others = OutboxMessage.objects.exclude(topic__in=topics).filter(delivered_at=None)
    kept = {message.pk: message.due_at for message in others}
    others.update(due_at="2999-01-01T00:00:00Z")
    try:
        yield
    finally:
        for pk, due_at in kept.items():
            OutboxMessage.objects.filter(pk=pk).update(due_at=due_at)


def take(headers, body: bytes) -> GatewayEvent:
    """The shop gets a notification and acts on it, as its view and its worker do."""
    event = inbox.receive("paypal", headers, body)
    event.refresh_from_db()
    inbox.process(event)
    event.refresh_from_db()
    return event
