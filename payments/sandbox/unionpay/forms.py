"""What the buyer types on the cashier's page. Checked for shape, then forgotten."""

import re
import unicodedata
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer, DjangoTemplates
from django.utils.translation import gettext_lazy as _

from .cards import Card


class ForgottenField(forms.TextInput):
    """A field that comes back empty."""

    def format_value(self, value: Any) -> None:
        return None


def _field(label: Any, message: Any, **attributes: str) -> forms.CharField:
    widget = ForgottenField(attrs={"inputmode": "numeric", "autocomplete": "off", **attributes})
    return forms.CharField(label=label, max_length=40, error_messages={"required": message}, widget=widget)


_NUMBER = _("Please enter the 13 to 19 digits of the card number.")
_EXPIRY = _("Please enter the expiration date as month and year, e.g. 08/29.")
_CVC = _("Please enter the three digits of the CVC.")


class CashierForm(forms.Form):
    """Card number, expiration date, CVC, as tolerant as the shop's own page."""

    default_renderer: BaseRenderer = DjangoTemplates()

    number = _field(_("Card number"), _NUMBER, maxlength="40")
    expiry = _field(_("Expiration date"), _EXPIRY, placeholder="MM/YY", maxlength="9")
    cvc = _field(_("CVC"), _CVC, maxlength="4")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")

    def clean_number(self) -> str:
        return self._matching("number", r"(\d{13,19})", _NUMBER)[0]

    def clean_expiry(self) -> str:
        month, year = self._matching("expiry", r"(0[1-9]|1[0-2])/?(?:20)?(\d\d)", _EXPIRY)
        return f"{year}{month}"

    def clean_cvc(self) -> str:
        return self._matching("cvc", r"(\d{3})", _CVC)[0]

    @property
    def card(self) -> Card:
        return Card(self.cleaned_data["number"], self.cleaned_data["expiry"], self.cleaned_data["cvc"])

    def _matching(self, name: str, pattern: str, message: Any) -> tuple[str, ...]:
        text = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", self.cleaned_data[name]))
        match = re.fullmatch(pattern, text, re.ASCII)
        if not match:
            raise forms.ValidationError(message)
        return match.groups()
