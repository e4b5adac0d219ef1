"""The e-mail address of an order."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shop.typed_values.fields import EmailField


class EmailForm(forms.Form):
    """The e-mail address that an order is placed with."""

    email = EmailField(
        label=_("E-mail"),
        max_length=200,
        help_text=_("The confirmation email goes here. No account is needed."),
        error_messages={"required": _("Please enter your e-mail address.")},
    )


class OrderEmailForm(EmailForm):
    """Names the e-mail address of an order, to see it in full."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = ""
