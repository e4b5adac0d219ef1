"""Mails about answers that were left for later: one after payment, one reminder. Neither names any."""

from django.utils.translation import override

from shop import outbox
from shop.mail import send

from . import intake
from .handlers import order_url
from .models import Order


@outbox.subscribe("mail.details_missing")
def ask_for_details(order_id: int) -> None:
    _send(order_id, name="details_missing")


@outbox.subscribe("mail.details_reminder")
def remind_of_details(order_id: int) -> None:
    _send(order_id, name="details_reminder")


def _send(order_id: int, *, name: str) -> None:
    """Nothing is sent once everything has come, or once the order is paid back."""
    order = Order.objects.get(pk=order_id)
    lines = {subject.line_id: subject.line for subject in intake.incomplete(order)}
    if not lines or not order.is_paid or order.is_refunded:
        return
    with override(order.language):
        context = {"order": order, "lines": list(lines.values()), "order_url": order_url(order)}
        send(
            name,
            to=[order.email],
            context=context,
            language=order.language,
            message_key=f"{name}-{order.number}",
        )
