"""Forms on the pages of a placed order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from cart.cart import Cart
from checkout import order_numbers
from checkout.addresses import formats
from checkout.addresses.forms import ShippingForm, unlisted_marks
from checkout.forms.contact import EmailForm, OrderEmailForm
from checkout.models import Order, OrderLine
from checkout.shipping.rates import zone_of
from shop.typed_values.fields import CodeField, TextField

from .corrections import Correction

KEY_LENGTH = 20  # of the order keys that the consulting app gives
TYPED = ("recipient", "phone", "phone_extension", "region", "delivery_note")


class FindForm(EmailForm):
    """An e-mail address, and the number of one of its orders by choice."""

    number = CodeField(
        label=_("Order number"),
        required=False,
        help_text=_("For example A7K3-92QM. Leave it empty to see all orders of the address."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["email"].help_text = _("The address you gave when you ordered.")

    def clean_number(self) -> str:
        typed: str = self.cleaned_data["number"]
        try:
            return order_numbers.parse(typed) if typed else ""
        except order_numbers.TypingError as error:
            raise forms.ValidationError(
                _why_no_number(typed, error), params={"count": error.length}
            ) from None


def _why_no_number(typed: str, error: order_numbers.TypingError) -> Any:
    if any(order_numbers.codes_in(typed, KEY_LENGTH)):
        return _("This may be an order key. An order number has 8 letters and digits, for example A7K3-92QM.")
    if error.length != order_numbers.LENGTH:
        return _(
            "There is a typing error in the order number: it has 8 letters and digits, for example A7K3-92QM,"
            " and here there are %(count)s."
        )
    return _("There is a typing error in the order number, please check it again.")


class CancellationForm(forms.Form):
    """Why the buyer wants to cancel, if they like to say."""

    reason = TextField(
        label=_("Reason"),
        required=False,
        max_length=500,
        help_text=_("You need not give one; it may help the merchant to answer."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AnswerForm(forms.Form):
    """What the merchant answers; whoever declines says why."""

    answer = TextField(
        label=_("Text for the customer"),
        required=False,
        max_length=1000,
        help_text=_("It is sent by e-mail and stands on the order page. Needed to decline."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    action = forms.ChoiceField(choices=[("accept", ""), ("decline", "")], widget=forms.HiddenInput)

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if cleaned.get("action") == "decline" and not (cleaned.get("answer") or "answer" in self.errors):
            self.add_error("answer", _("Please tell the customer why it cannot be cancelled."))
        return cleaned


@dataclass(frozen=True)
class OrderedGoods:
    """The part of a cart that the delivery form reads, made of the order's lines."""

    goods: list[OrderLine]
    needs_shipping: bool = True


class CorrectionForms:
    """E-mail address and delivery details of a placed order, over one POST."""

    def __init__(self, order: Order, data: Mapping[str, Any] | None = None) -> None:
        self.email = OrderEmailForm(data, initial={"email": order.email})
        self.shipping = self._shipping(order, data) if order.needs_shipping else None

    def _shipping(self, order: Order, data: Mapping[str, Any] | None) -> ShippingForm:
        """The delivery form of the order: the address may change, delivery method and gift card may not."""
        goods = order.lines.filter(ships=True).select_related("variant__product")
        cart = cast("Cart", OrderedGoods(list(goods)))
        fixed = {"method": order.shipping_method, "is_gift": order.is_gift, "card_text": order.card_text}
        if data is None:
            form = ShippingForm(cart=cart)
            typed = {name: getattr(order, name) for name in TYPED} | {"phone": order.shown_phone}
            form.suit(typed | order.address | unlisted_marks(order.region, order.address) | fixed)
        else:
            form = ShippingForm({**{name: data[name] for name in data}, **fixed}, cart=cart)
        zone = zone_of(order.region)
        region = cast("forms.ChoiceField", form.fields["region"])
        region.choices = [pair for pair in formats.region_choices() if zone_of(pair[0]) == zone]
        region.help_text = _("Only where the shipping fee is the same; else please contact customer service.")
        return form

    @property
    def all(self) -> list[forms.Form]:
        return [self.email, *([self.shipping] if self.shipping else [])]

    def is_valid(self) -> bool:
        verdicts = [form.is_valid() for form in self.all]  # every form is to say what is wrong
        return all(verdicts)

    def correction(self) -> Correction:
        """The typed values. Needs ``is_valid()``."""
        email = self.email.cleaned_data["email"]
        if self.shipping is None:
            return Correction(email)
        values = self.shipping.delivery()
        return Correction(email, **{name: values[name] for name in (*TYPED, "address")})
