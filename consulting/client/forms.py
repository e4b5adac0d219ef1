"""What clients type."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from checkout.orders.forms import FindForm
from consulting import case_messages
from consulting.keys.forms import OrderKeyForm
from shop.typed_values.fields import EmailField, TextField


class UnlockForm(OrderKeyForm):
    """``knows_an_order``: this browser has named an order's e-mail before, so it need not be asked."""

    email = EmailField(
        label=_("E-mail"),
        help_text=_("The e-mail address that was given with the order."),
        widget=forms.EmailInput(  # not asked about: if it opens the report, it is right
            attrs={"autocomplete": "email", "spellcheck": "false"}
        ),
        error_messages={"required": _("Please enter your e-mail address.")},
    )

    def __init__(self, *args: Any, knows_an_order: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.knows_an_order = knows_an_order
        self.fields["email"].required = not knows_an_order


class LostKeyForm(FindForm):
    """Which order's key is wanted: both its number and its e-mail address must be named."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].required = True
        self.fields["number"].error_messages["required"] = _("Please enter the order number.")
        self.fields["number"].help_text = _("It is in your confirmation email, for example A7K3-92QM.")
        self.order_fields(["number", "email"])


class MessageForm(forms.Form):
    """What the client writes to the consultant. Files go with the details, not with messages."""

    text = TextField(
        label=_("Your message"),
        max_length=case_messages.MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": _("Please write your message.")},
        help_text=_("Stored encrypted. Only your consultant reads it."),
    )
