"""What clients and consultants type."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from . import keys, manuscript


class OrderKeyForm(forms.Form):
    """The order key, as tolerantly as it can be read; ``cleaned_data`` holds its canonical form."""

    order_key = forms.CharField(
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
            return keys.parse(self.cleaned_data["order_key"])
        except keys.TypingError:
            raise ValidationError(
                _("There is a typing error in the order key, please check it again.")
            ) from None


class UnlockForm(OrderKeyForm):
    """``knows_an_order``: this browser has named an order's e-mail before, so it need not be asked."""

    email = forms.EmailField(
        label=_("E-mail"),
        help_text=_("The e-mail address that was given with the order."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, knows_an_order: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.knows_an_order = knows_an_order
        self.fields["email"].required = not knows_an_order


class ConsultantKeyForm(OrderKeyForm):
    """The client reads the key out to the consultant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["order_key"].help_text = _(
            "As the client reads it out. Opens the order's cases to you for 24 hours; the client sees that."
        )


class ReportForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=manuscript.LONGEST_TITLE)
    body = forms.CharField(
        label=_("Report text"),
        max_length=manuscript.LONGEST_TEXT,
        help_text=_(
            "Markdown: ## heading, **bold**, - list, > quotation, | table |. Empty lines separate paragraphs."
        ),
        widget=forms.Textarea(attrs={"rows": 24, "class": "report-text"}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)  # the stamp of the loaded version

    def now_seen(self, stamp: str) -> None:
        """The newer version is shown beside what was typed: saving again is a decision now."""
        data = cast("QueryDict", self.data).copy()
        data["seen"] = stamp
        self.data = data


def consultants() -> Any:
    """Users a case can be given to."""
    return User.objects.with_perm(
        "consulting.change_report",
        backend="django.contrib.auth.backends.ModelBackend",
        include_superusers=False,
    ).filter(is_staff=True)
