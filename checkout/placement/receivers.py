from django.dispatch import receiver

from cart.cart import cart_lowered, holds_of_cart
from cart.recovery import cart_was_bought
from checkout.models import Order
from checkout.stock import holding

from . import drafts


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
