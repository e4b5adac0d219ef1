"""What a page says about whether something can be had."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .models import Product, Variant

LOW_STOCK = 5


@dataclass(frozen=True)
class Label:
    """``tone`` is the ending of a badge class."""

    text: str
    tone: str


def product_label(product: Product) -> Label | None:
    """For all variants together. Services have none: they are not counted."""
    return _label(product, product.offers)


def variant_label(product: Product, variant: Variant) -> Label | None:
    return _label(product, [variant])


def _label(product: Product, variants: Sequence[Variant]) -> Label | None:
    if not product.can_be_ordered or not variants:
        return Label(_("Not yet available"), "quiet")
    if product.is_service:
        return None
    if all(variant.is_sold_out for variant in variants):
        return Label(_("Sold out"), "quiet")
    if product.is_preorder:
        return Label(_("Pre-order"), "warning")
    left = [variant.available for variant in variants]
    if None not in left and (total := sum(n for n in left if n)) <= LOW_STOCK:
        return Label(_("Only %(n)s left") % {"n": total}, "warning")
    return Label(_("In stock"), "success")
