"""What the buyer types. Checked for shape, then forgotten: nothing of it is stored, logged or shown again."""

import datetime as dt
import re
import unicodedata
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer, DjangoTemplates
from django.utils.translation import gettext_lazy as _

from shop import clock


class ForgottenField(forms.TextInput):
    """A field that comes back empty."""

    def format_value(self, value: Any) -> None:
        return None


class SandboxForm(forms.Form):
    default_renderer: BaseRenderer = DjangoTemplates()

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")


def _email() -> forms.EmailField:
    hint = _("Any address will do.")
    return forms.EmailField(
        label=_("E-mail"),
        help_text=hint,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _password(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=200,
        help_text=_("Any password will do. Please do not type a real one."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class LogInForm(SandboxForm):
    email = _email()
    password = _password(_("Password"))


class NewAccountForm(SandboxForm):
    email = _email()
    name = forms.CharField(
        label=_("Name"), max_length=100, widget=ForgottenField(attrs={"autocomplete": "off"})
    )
    password = _password(_("Choose a password"))


class FundingForm(SandboxForm):
    funding = forms.ChoiceField(
        label=_("Pay with"),
        initial="balance",
        choices=[
            ("balance", _("PayPal balance")),
            ("card", _("Demo card ending in 4242")),
            ("declined", _("A card that will be declined, to see what happens then")),
        ],
        widget=forms.RadioSelect,
    )


class CardForm(SandboxForm):
    number = forms.CharField(
        label=_("Card number"),
        help_text=_("Please make one up, e.g. 4111 1111 1111 1111."),
        widget=ForgottenField(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 30}),
    )
    expires = forms.CharField(
        label=_("Expiration date"),
        help_text=_("Month and year, e.g. 09/30."),
        widget=ForgottenField(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 9}),
    )
    cvc = forms.CharField(
        label=_("CVC"),
        help_text=_("3 or 4 digits."),
        widget=ForgottenField(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 4}),
    )
    name = forms.CharField(
        label=_("Name on the card"), max_length=100, widget=ForgottenField(attrs={"autocomplete": "off"})
    )
    is_declined = forms.BooleanField(label=_("Decline this card, to see what happens then"), required=False)

    def clean_number(self) -> str:
        digits = re.sub(r"[ -]", "", _plain_digits(self.cleaned_data["number"]))
        if not re.fullmatch(r"[0-9]{12,19}", digits):
            raise forms.ValidationError(_("A card number has 12 to 19 digits. Please check it."))
        return ""

    def clean_expires(self) -> str:
        match = re.fullmatch(
            r"(0?[1-9]|1[0-2]) ?[/-]? ?(?:20)?([0-9]{2})", _plain_digits(self.cleaned_data["expires"])
        )
        if not match:
            raise forms.ValidationError(_("Please enter month and year, e.g. 09/30."))
        month, year = int(match[1]), 2000 + int(match[2])
        if dt.date(year, month, 1) < clock.today().replace(day=1):
            raise forms.ValidationError(_("This card has expired. Please use another one."))
        return ""

    def clean_cvc(self) -> str:
        if not re.fullmatch(r"[0-9]{3,4}", _plain_digits(self.cleaned_data["cvc"])):
            raise forms.ValidationError(_("The CVC has 3 or 4 digits. Please check it."))
        return ""


def _plain_digits(text: str) -> str:
    """Full-width digits become plain ones."""
    return unicodedata.normalize("NFKC", text)
