"""An order whose promo code another has used meanwhile: what its buyer is told, and where it goes on."""

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from cart.locking import locked_cart
from checkout.models import Order

from .explanations import code_was_used


def go_on(request: HttpRequest, order: Order) -> str:
    """Tell the buyer, and return the address where to go on.

    The code is taken off the cart that the order was made of, where that is this browser's: the checkout
    does not know the e-mail address yet, and would go on showing the lower amount.
    """
    messages.warning(request, str(code_was_used(order)))
    with locked_cart(request) as cart:
        if order.draft is None or order.draft.token != cart.token:
            return order.get_absolute_url()
        cart.promo_code = ""
    return reverse("checkout:begin")
