"""What a draft may hold: the fields of the checkout's own forms.

A draft is written for whoever asks, before anything is bought. So nothing else that was sent is kept.
"""

from collections.abc import Iterator

from django.db.models import prefetch_related_objects
from django.http import QueryDict

from cart.cart import Cart
from checkout.addresses import formats
from checkout.addresses.forms import KEPT, LISTED, mark_of
from checkout.forms import kept_fields
from checkout.forms.kept_fields import AT_LEAST, TIMES, Limit
from checkout.intake.forms import IntakeForm

from .answer_copy import FROM
from .forms import CheckoutForms


def kept(cart: Cart, data: QueryDict) -> dict[str, list[str]]:
    """By field, what was posted into the forms of this cart. What is too much is left out from the end."""
    prefetch_related_objects([line.variant.product for line in cart.lines], "questions")
    limits = dict(_fields(CheckoutForms(cart)))
    return kept_fields.kept(data, lambda name: _carried(name) or limits.get(name))


def _carried(name: str) -> Limit | None:
    """An address that was typed for a region which is not chosen now (``ShippingForm.carried``)."""
    match = KEPT.fullmatch(name)
    return (1, AT_LEAST) if match and formats.is_region(name[5:7]) else None


def _fields(all_forms: CheckoutForms) -> Iterator[tuple[str, Limit]]:
    for form in all_forms.all:
        yield from kept_fields.limits_of(form)
        if isinstance(form, IntakeForm):
            yield form.add_prefix(FROM), (1, AT_LEAST)
    if all_forms.shipping:  # its fields change with the region and the way of delivery: all of them
        for name in (*formats.PARTS, "shape", *(mark_of(part) for part in LISTED)):
            yield name, (1, TIMES * AT_LEAST)
