"""What the payment page posts."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments.gateways.base import EncryptedCard
from payments.gateways.unionpay import checked_card
from payments.models import Payment
from shop.typed_values.characters import fold_code

_CARD_NUMBER = re.compile(r"\d(?:[ -]?\d){12,18}")


def _hidden(max_length: int) -> forms.CharField:
    return forms.CharField(required=False, max_length=max_length, widget=forms.HiddenInput)


class CardForm(forms.Form):
    """A card as the browser encrypted it. The inputs of the page that hold it in clear have no names."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    acc_no = _hidden(1024)
    encrypted_info = _hidden(1024)
    encrypt_cert_id = _hidden(128)
    last4 = _hidden(4)
    sms_code = _hidden(20)

    card: EncryptedCard | None = None

    def clean_sms_code(self) -> str:
        """Six digits of any script width, or nothing."""
        code = re.sub(r"[\s-]", "", fold_code(self.cleaned_data["sms_code"]))
        if not re.fullmatch("(?:[0-9]{6})?", code):
            raise forms.ValidationError(_("Please enter the six digits of the code."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.needs_card(cleaned):
            self.card = _card(cleaned)
        return cleaned

    def needs_card(self, cleaned: dict[str, Any]) -> bool:
        return True


class PayForm(CardForm):
    """The method, and perhaps a card."""

    method = forms.ChoiceField(
        label=_("Payment Method"),
        choices=[("paypal", "PayPal"), ("unionpay", _("UnionPay credit card"))],
        error_messages={
            "required": _("Please choose a payment method."),
            "invalid_choice": _("Please choose a payment method."),
        },
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.card and settings.UNIONPAY_SMS and not self.card.sms_code and "sms_code" in cleaned:
            self.add_error("sms_code", _("Please enter the six digits of the code."))
        return cleaned

    def needs_card(self, cleaned: dict[str, Any]) -> bool:
        """Without an encrypted card, a UnionPay card is entered on UnionPay's own page."""
        return cleaned.get("method") == "unionpay" and bool(cleaned.get("acc_no"))

    @property
    def chosen(self) -> Payment.Method:
        if self.cleaned_data["method"] == "paypal":
            return Payment.Method.PAYPAL
        return Payment.Method.UNIONPAY_CARD if self.card else Payment.Method.UNIONPAY_PAGE


def _card(cleaned: dict[str, Any]) -> EncryptedCard:
    names = ("acc_no", "encrypted_info", "encrypt_cert_id", "last4", "sms_code")
    try:
        return checked_card(**{name: cleaned.get(name, "") for name in names})
    except ValueError:
        message = _("The card could not be encrypted in your browser. Please enter it once more.")
        raise forms.ValidationError(message) from None


def holds_card_number(data: QueryDict) -> bool:
    """Digits that look like a card number, in any field but those that hold other things by design."""
    ours = {"csrfmiddlewaretoken", "acc_no", "encrypted_info", "encrypt_cert_id", "revision"}
    return any(
        _CARD_NUMBER.search(value)
        for name, values in data.lists()
        for value in [name, *values]
        if name not in ours
    ) or bool(_CARD_NUMBER.fullmatch(data.get("acc_no", "")))
