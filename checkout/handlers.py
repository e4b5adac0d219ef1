"""What the shop does when it hears of an order, and what a cart asks of orders."""

from django.conf import settings
from django.dispatch import receiver
from django.urls import reverse
from django.utils.translation import override

from cart.cart import holds_of_cart
from shop import outbox
from shop.mail import send

from . import addresses
from .models import Order, Shipment
from .shipping import TARIFFS
from .stock import holding
from .views import sections


@receiver(holds_of_cart)
def held_by_own_order(sender: object, token: str, **_: object) -> dict[int, int]:
    """What an unpaid order of this very cart has reserved: its buyer must not find it sold out."""
    order = Order.objects.unpaid().filter(draft__token=token).first()
    return holding(order) if order else {}


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


def _address(order: Order) -> list[str]:
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
            "address_label": _address(order),
            "sections": sections(order, reveal=True),
        }
        send(
            "order_confirmation",
            to=[order.email],
            context=context,
            language=order.language,
            message_key=f"order-confirmation-{order.number}",
        )


@outbox.subscribe("mail.new_order")
def tell_merchant(order_id: int) -> None:
    """To the shop's own inboxes, in the shop's language. No answers and no keys."""
    order = Order.objects.get(pk=order_id)
    with override(settings.LANGUAGE_CODE):
        context = {**_context(order), "address_label": _address(order), "admin_url": _admin_url(order)}
        send(
            "new_order",
            to=settings.MERCHANT_EMAILS,
            context=context,
            language=settings.LANGUAGE_CODE,
            message_key=f"new-order-{order.number}",
        )


def _admin_url(order: Order) -> str:
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
            "address_label": _address(order),
        }
        send(
            "order_shipped",
            to=[order.email],
            context=context,
            language=order.language,
            message_key=f"order-shipped-{shipment.pk}",
        )
