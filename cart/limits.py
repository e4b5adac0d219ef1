"""How many of something one cart can hold, and how that is said."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.models import MAX_QUANTITY, Variant


@dataclass(frozen=True)
class Limit:
    """How many of a variant one cart can hold, and what sets that limit."""

    most: int
    by_stock: bool = False  # else by a rule of the shop


def limit_of(variant: Variant, *, available: int | None, others: int) -> Limit:
    """The smallest limit on the variant.

    ``available``: pieces this cart can have (None: not counted); ``others``: sister variants in it.
    """
    product = variant.product
    if not variant.is_active or not product.can_be_ordered:
        return Limit(0)
    limits = [Limit(MAX_QUANTITY)]
    if product.max_per_order is not None:
        limits.append(Limit(max(0, product.max_per_order - others)))
    elif variant.tracks_stock:
        limits.append(Limit(settings.MOST_PER_ORDER))
    if product.is_service and product.terms is not None:
        limits.append(Limit(max(0, product.terms.max_subjects - others)))
    if available is not None:
        limits.append(Limit(max(0, available), by_stock=True))
    return min(limits, key=lambda limit: limit.most)


def problem_of(variant: Variant, quantity: int, limit: Limit) -> str:
    """Message for the visitor: why a line cannot be ordered, and what to do about it. Empty when it can."""
    if not variant.is_active or not variant.product.can_be_ordered:
        return _("This is no longer available. Please remove it.")
    if quantity <= limit.most:
        return ""
    if limit.by_stock and limit.most == 0:
        return _("Sold out. Please remove it.")
    if limit.by_stock:
        return _("Only %(n)s left. Please change the quantity.") % {"n": limit.most}
    return _("At most %(n)s per order. Please change the quantity.") % {"n": limit.most}


def shortfall_of(variant: Variant, quantity: int, limit: Limit) -> str:
    """Message for the visitor when the requested quantity was reduced to ``quantity`` by ``limit``."""
    facts = {"name": variant.full_name, "n": limit.most, "quantity": quantity}
    if not variant.is_active or not variant.product.can_be_ordered:
        return _("%(name)s cannot be ordered at present.") % facts
    if limit.by_stock and limit.most == 0:
        return _("%(name)s is sold out.") % facts
    if limit.by_stock:
        return _("Only %(n)s left of %(name)s. Quantity in your shopping cart: %(quantity)s.") % facts
    return _("At most %(n)s of %(name)s per order. Quantity in your shopping cart: %(quantity)s.") % facts
