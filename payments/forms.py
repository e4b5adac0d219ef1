"""What the payment page posts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .gateways.base import EncryptedCard
from .gateways.unionpay import checked_card
from .models import Payment


class PayForm(forms.Form):
    """The method, and a card only as the browser encrypted it. The card inputs of the page have no names."""

    method = forms.ChoiceField(
        choices=[("paypal", "PayPal"), ("unionpay", _("UnionPay credit card"))],
        error_messages={
            "required": _("Please choose a payment method."),
            "invalid_choice": _("Please choose a payment method."),
        },
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)
    acc_no = forms.CharField(required=False, max_length=1024, widget=forms.HiddenInput)
    encrypted_info = forms.CharField(required=False, max_length=1024, widget=forms.HiddenInput)
    encrypt_cert_id = forms.CharField(required=False, max_length=128, widget=forms.HiddenInput)
    last4 = forms.CharField(required=False, max_length=4, widget=forms.HiddenInput)

    card: EncryptedCard | None = None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("method") == "unionpay" and cleaned.get("acc_no"):
            try:
                self.card = checked_card(
                    cleaned["acc_no"],
                    cleaned.get("encrypted_info", ""),
                    cleaned.get("encrypt_cert_id", ""),
                    cleaned.get("last4", ""),
                )
            except ValueError:
                message = _("The card could not be encrypted in your browser. Please enter it once more.")
                raise forms.ValidationError(message) from None
        return cleaned

    @property
    def chosen(self) -> Payment.Method:
        """Without an encrypted card, a UnionPay card is entered on UnionPay's own page."""
        if self.cleaned_data["method"] == "paypal":
            return Payment.Method.PAYPAL
        return Payment.Method.UNIONPAY_CARD if self.card else Payment.Method.UNIONPAY_PAGE
