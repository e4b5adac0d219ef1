"""What a draft may hold: the fields of the checkout's own forms, each no longer than it can be of use.

A draft is written for whoever asks, before anything is bought. So nothing else that was sent is kept.
"""

import json
from collections.abc import Iterator

from django import forms
from django.db.models import prefetch_related_objects
from django.http import QueryDict

from cart.cart import Cart
from checkout.addresses import formats
from checkout.addresses.forms import KEPT, LISTED, mark_of
from checkout.intake.forms import IntakeForm
from shop.typed_values.fields import AskingInput

from .answer_copy import FROM
from .forms import CheckoutForms

# A text that is too long is kept, to be shortened: so many times its length, at least so many characters.
TIMES, AT_LEAST = 4, 200
MOST_BYTES = 128 * 1024  # of all fields together: some fifty subjects of a long service


def kept(cart: Cart, data: QueryDict) -> dict[str, list[str]]:
    """By field, what was posted into the forms of this cart. What is too much is left out from the end."""
    prefetch_related_objects([line.variant.product for line in cart.lines], "questions")
    limits = dict(_fields(CheckoutForms(cart)))
    values: dict[str, list[str]] = {}
    left = MOST_BYTES
    for name, sent in data.lists():
        most = _carried(name) or limits.get(name)
        if most is None:
            continue
        count, length = most
        texts = [str(text)[:length] for text in sent[-count:]]
        left -= size_of({name: texts})
        if left < 0:
            break
        values[name] = texts
    return values


def size_of(values: dict[str, list[str]]) -> int:
    """Bytes that are sealed for these values."""
    return len(json.dumps(values, ensure_ascii=False).encode(errors="replace"))


def _carried(name: str) -> tuple[int, int] | None:
    """An address that was typed for a region which is not chosen now (``ShippingForm.carried``)."""
    match = KEPT.fullmatch(name)
    return (1, AT_LEAST) if match and formats.is_region(name[5:7]) else None


def _fields(all_forms: CheckoutForms) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name -> how many values, and characters of each."""
    for form in all_forms.all:
        for name, field in form.fields.items():
            html_name = form.add_prefix(name)
            yield html_name, _limit(field)
            if isinstance(field.widget, AskingInput):
                yield f"{html_name}{field.widget.READING}", (1, AT_LEAST)
        if isinstance(form, IntakeForm):
            yield form.add_prefix(FROM), (1, AT_LEAST)
    if all_forms.shipping:  # its fields change with the region and the way of delivery: all of them
        for name in (*formats.PARTS, "shape", *(mark_of(part) for part in LISTED)):
            yield name, (1, TIMES * AT_LEAST)


def _limit(field: forms.Field) -> tuple[int, int]:
    if isinstance(field, forms.MultipleChoiceField):
        return max(1, len(list(field.widget.choices))), AT_LEAST
    if isinstance(field, forms.ChoiceField | forms.BooleanField):
        return 1, AT_LEAST
    return 1, max(AT_LEAST, TIMES * (getattr(field, "max_length", None) or 0))
