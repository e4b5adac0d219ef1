"""The field for an order key, as clients and consultants meet it."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consulting import key_format
from shop.typed_values.fields import CodeField


class OrderKeyForm(forms.Form):
    """The order key, as tolerantly as it can be read; ``cleaned_data`` holds its canonical form."""

    order_key = CodeField(
        label=_("Order key"),
        max_length=100,
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
        except key_format.TypingError:
            raise ValidationError(
                _("There is a typing error in the order key, please check it again.")
            ) from None
