"""What the cart page shows of promo codes; the cart itself stores only the text of one."""

from decimal import Decimal

from django import template

from cart.cart import Cart
from checkout.promotions import services as promotions
from checkout.promotions.forms import PromoForm

register = template.Library()


@register.simple_tag
def promo_offer(cart: Cart) -> promotions.PromoOffer:
    """The effect of the cart's promo code."""
    return promotions.offer_of(cart)


@register.simple_tag
def promo_form() -> PromoForm:
    """The empty form, for a page that brought none along."""
    return PromoForm()


@register.filter
def less(amount: Decimal, discount: Decimal) -> Decimal:
    return amount - discount
