"""The field for an order key, as clients and consultants meet it."""

from contextlib import suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from checkout import order_numbers
from consulting import key_format
from shop.typed_values.fields import CodeField


class OrderKeyForm(forms.Form):
    """The order key, as tolerantly as it can be read; ``cleaned_data`` holds its canonical form."""

    order_key = CodeField(
        label=_("Order key"),
        error_messages={"required": _("Please enter the order key.")},
        help_text=_(
            "20 letters and digits from your confirmation email. Spaces, dashes and case do not matter."
        ),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "class": "key-input",
            }
        ),
    )

    def clean_order_key(self) -> str:
        try:
            return key_format.parse(self.cleaned_data["order_key"])
        except key_format.TypingError as error:
            raise ValidationError(
                _why_no_key(self.cleaned_data["order_key"], error), params={"count": error.length}
            ) from None


@sensitive_variables()
def _why_no_key(text: str, error: key_format.TypingError) -> Any:
    with suppress(order_numbers.TypingError):
        order_numbers.parse(text)
        return _(
            "This is an order number. The order key has 20 letters and digits; it is in the confirmation"
            " email."
        )
    if error.length != key_format.LENGTH:
        return _(
            "There is a typing error in the order key: it has 20 letters and digits, and here there are"
            " %(count)s."
        )
    return _("There is a typing error in the order key, please check it again.")
