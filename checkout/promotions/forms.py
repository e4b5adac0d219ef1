"""What a visitor types to use a promo code."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cart.cart import MAX_CODE_LENGTH, Cart
from checkout.models.promotion import normalised_code
from shop.typed_values.fields import CodeField

from .services import PromoOffer, offer_for


class PromoForm(forms.Form):
    """A code that takes something off the cart. ``offer`` says what, or why not."""

    code = CodeField(
        label=_("Promo code"),
        max_length=MAX_CODE_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "size": 14}),
        error_messages={
            "required": _("Please enter the promo code."),
            "max_length": _("This is too long for a promo code. Please check how it is written."),
        },
    )
    offer: PromoOffer | None = None

    def __init__(self, *args: Any, cart: Cart | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cart = cart

    def clean_code(self) -> str:
        code = normalised_code(self.cleaned_data["code"])
        if self.cart is not None:
            self.offer = offer_for(self.cart, code)
            if self.offer.problem:
                raise forms.ValidationError(self.offer.problem)
            return self.offer.code
        return code
