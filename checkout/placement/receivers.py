"""What the checkout knows of a cart: answers to the cart's signals."""

from django.dispatch import receiver

from cart.cart import cart_lowered, holds_of_cart
from cart.recovery import cart_was_bought
from checkout.models import Order
from checkout.stock import holding

from . import drafts


@receiver(holds_of_cart)
def held_by_own_order(sender: object, token: str, **_: object) -> dict[int, int]:
    """Variant id -> quantity that an unpaid order of this very cart holds."""
    order = Order.objects.unpaid().filter(draft__token=token).first()
    return holding(order) if order else {}


@receiver(cart_was_bought)
def is_bought(sender: object, token: str, **_: object) -> bool:
    """Whether the cart has become an order that is paid or under review: such a cart does not come back."""
    settled = [Order.Status.PAID, Order.Status.UNDER_REVIEW]
    return Order.objects.filter(draft__token=token, status__in=settled).exists()


@receiver(cart_lowered)
def forget_what_left_the_cart(sender: object, token: str, quantities: dict[int, int], **_: object) -> None:
    """Drop what was typed about lines that are no longer in the cart."""
    drafts.forget_beyond(token, quantities)
