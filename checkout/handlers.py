"""What the shop does when it hears of an order, and what a cart asks of orders."""

from django.conf import settings
from django.dispatch import receiver
from django.urls import reverse
from django.utils.translation import override

from cart.cart import cart_lowered, holds_of_cart
from cart.recovery import cart_was_bought
from shop import outbox
from shop.mail import send

from . import addresses, drafts, services
from .models import Order, OrderLine, Shipment
from .sections import sections
from .shipping import TARIFFS
from .stock import holding


@receiver(holds_of_cart)
def held_by_own_order(sender: object, token: str, **_: object) -> dict[int, int]:
    """What an unpaid order of this very cart has reserved: its buyer must not find it sold out."""
    order = Order.objects.unpaid().filter(draft__token=token).first()
    return holding(order) if order else {}


@receiver(cart_was_bought)
def is_bought(sender: object, token: str, **_: object) -> bool:
    """What has been paid for does not come back into a cart."""
    settled = [Order.Status.PAID, Order.Status.UNDER_REVIEW]
    return Order.objects.filter(draft__token=token, status__in=settled).exists()


@receiver(cart_lowered)
def forget_what_left_the_cart(sender: object, token: str, quantities: dict[int, int], **_: object) -> None:
    drafts.forget_beyond(token, quantities)


def order_url(order: Order) -> str:
    """The order page, in the order's language."""
    with override(order.language):
        return settings.SITE_URL + order.get_absolute_url()


def _context(order: Order) -> dict[str, object]:
    lines = list(order.lines.all())
    return {
        "order": order,
        "goods": [line for line in lines if not line.is_service],
        "services": [line for line in lines if line.is_service],
        "tariff": TARIFFS.get(order.shipping_method),
        "order_url": order_url(order),
    }


def address_of(order: Order) -> list[str]:
    if not order.needs_shipping:
        return []
    return addresses.label(recipient=order.recipient, region=order.region, address=order.address)


@outbox.subscribe("mail.order_confirmation")
def send_confirmation(order_id: int) -> None:
    """To the customer, with whatever other apps add: the order key, where there is consulting."""
    order = Order.objects.get(pk=order_id)
    with override(order.language):
        context = {
            **_context(order),
            "address_label": address_of(order),
            "sections": sections(order, reveal=True),
        }
        send(
            "order_confirmation",
            to=[order.email],
            context=context,
            language=order.language,
            message_key=_confirmation_key(order),
        )


def _confirmation_key(order: Order) -> str:
    """To a corrected address it is another mail, not a copy."""
    corrected = order.email_corrections.count()
    return f"order-confirmation-{order.number}" + (f"-{corrected}" if corrected else "")


@outbox.subscribe("mail.new_order")
def tell_merchant(order_id: int) -> None:
    """To the shop's own inboxes, in the shop's language. No answers and no keys."""
    order = Order.objects.get(pk=order_id)
    with override(settings.LANGUAGE_CODE):
        context = {**_context(order), "address_label": address_of(order), "admin_url": admin_url(order)}
        send(
            "new_order",
            to=settings.MERCHANT_EMAILS,
            context=context,
            language=settings.LANGUAGE_CODE,
            message_key=f"new-order-{order.number}",
        )


def admin_url(order: Order) -> str:
    return settings.SITE_URL + reverse("admin:checkout_order_change", args=[order.pk])


@outbox.subscribe("mail.order_under_review")
def send_under_review(order_id: int) -> None:
    order = Order.objects.get(pk=order_id)
    with override(order.language):
        send(
            "order_under_review",
            to=[order.email],
            context=_context(order),
            language=order.language,
            message_key=f"order-under-review-{order.number}",
        )


@outbox.subscribe("mail.payment_denied")
def send_payment_denied(order_id: int) -> None:
    """What was under review came to nothing. Nothing is sent if the order has been paid or closed since."""
    order = Order.objects.get(pk=order_id)
    if order.status != Order.Status.PENDING:
        return
    with override(order.language):
        send(
            "payment_denied",
            to=[order.email],
            context=_context(order),
            language=order.language,
            message_key=f"payment-denied-{order.number}-{order.hold_until:%Y%m%d%H%M}",
        )


@outbox.subscribe("mail.order_shipped")
def send_shipped(shipment_id: int) -> None:
    """One mail per parcel: what is in it, and how to follow it."""
    shipment = Shipment.objects.select_related("order").get(pk=shipment_id)
    order = shipment.order
    with override(order.language):
        context = {
            **_context(order),
            "shipment": shipment,
            "items": list(shipment.items.select_related("line")),
            "address_label": address_of(order),
        }
        send(
            "order_shipped",
            to=[order.email],
            context=context,
            language=order.language,
            message_key=f"order-shipped-{shipment.pk}",
        )


@outbox.subscribe("intake.completed")
def start_the_working_days(line_id: int) -> None:
    services.restart_clock(line_id)


@outbox.subscribe("mail.new_report_date")
def send_new_report_date(line_id: int) -> None:
    """The details came later than the payment, so the report does too. Not told of what was paid back."""
    line = OrderLine.objects.select_related("order").get(pk=line_id)
    order = line.order
    if not order.is_paid or order.is_refunded or line.is_refunded:
        return
    with override(order.language):
        send(
            "new_report_date",
            to=[order.email],
            context={"order": order, "line": line, "order_url": order_url(order)},
            language=order.language,
            message_key=f"new-report-date-{line.pk}",
        )
