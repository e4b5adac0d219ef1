"""Shipping on the pages of other apps. Prices and days come from the tariffs, nowhere else."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context

from cart.cart import Cart
from checkout.addresses import formats
from checkout.addresses.forms import FIRST_REGION
from checkout.models import Order
from checkout.placement import shipping_estimate as estimates
from checkout.shipping import rates

register = template.Library()


@register.inclusion_tag("checkout/_estimate.html", takes_context=True)
def shipping_estimate(context: Context, cart: Cart) -> dict[str, Any]:
    """Every way to send this cart to the region that the visitor chose, and what cannot go there."""
    request: HttpRequest = context["request"]
    region = estimates.region_of(request) or FIRST_REGION
    products = (line.variant.product for line in cart.goods)
    options = rates.options(region, cart.goods)
    return {
        "region": region,
        "region_name": formats.region_name(region),
        "regions": formats.region_choices(),
        "options": options,
        "too_heavy": rates.heaviest(options),
        "refused": rates.refused(region, products),
    }


@register.simple_tag
def address_hint(order: Order) -> str:
    """What may be missing from the address of an order that can still be changed; empty if nothing."""
    return formats.hint(order.region, order.address)


@register.filter
def grams(weight_g: int) -> str:
    """As people say it: 500 g, 2 kg."""
    return rates.kilograms(weight_g)


@register.inclusion_tag("checkout/_tariffs.html")
def shipping_table() -> dict[str, Any]:
    """All tariffs."""
    return {"tariffs": rates.TARIFFS.values()}


@register.inclusion_tag("checkout/_nearest.html")
def nearest_shipping() -> dict[str, Any]:
    """In a few words: what sending to an address in our own region costs."""
    return {"tariff": rates.tariffs_to(FIRST_REGION)[0]}
