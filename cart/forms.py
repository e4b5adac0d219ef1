"""What the cart's forms send. Quantities are read as people write them."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import MAX_QUANTITY, Variant
from shop.typed_values import numbers
from shop.typed_values.characters import fold, is_dash

MORE_THAN_ANY = MAX_QUANTITY + 1
_SHOWN = 20  # characters of what could not be read


class QuantityField(forms.CharField):
    """A whole number from 0 as people write it: ３, 兩本, 2 books. More than one can buy is "too many"."""

    default_error_messages = {
        "required": _("Please enter the quantity."),
        "whole": _("“%(text)s” cannot be read. Please enter the quantity as a whole number, for example 2."),
        "negative": _("The quantity cannot be less than 0."),
    }

    def to_python(self, value: Any) -> Any:
        text = fold(super().to_python(value) or "")
        if not text:
            return None
        is_negative = is_dash(text[0])
        digits = text[1:] if is_negative or text[0] == "+" else text
        if not (digits.isascii() and digits.isdecimal()):
            digits = str(abs(self._read(text)))
        number = int(digits.lstrip("0")[:6] or "0")
        if number and is_negative:
            raise forms.ValidationError(self.error_messages["negative"], code="negative")
        return min(number, MORE_THAN_ANY)

    def _read(self, text: str) -> int:
        try:
            return numbers.read_whole(text)
        except ValueError:
            shown = {"text": text[:_SHOWN]}
            raise forms.ValidationError(self.error_messages["whole"], code="whole", params=shown) from None

    def validate(self, value: Any) -> None:
        if value is None:
            raise forms.ValidationError(self.error_messages["required"], code="required")


class VariantForm(forms.Form):
    variant = forms.ModelChoiceField(
        Variant.objects.select_related("product__service_terms"),
        widget=forms.HiddenInput,  # the page draws it
        error_messages={
            "required": _("Please choose a variant."),
            "invalid_choice": _("This product is no longer in the shop."),
        },
    )


class QuantityForm(VariantForm):
    quantity = QuantityField(label=_("Quantity"))


class RemovalForm(forms.Form):
    """What was just removed, so that it can be put back."""

    removed = forms.ModelChoiceField(
        Variant.objects.select_related("product__service_terms"), widget=forms.HiddenInput
    )
    quantity = QuantityField(label=_("Quantity"))
