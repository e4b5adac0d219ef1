"""The forms of signing in."""

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from shop.typed_values.fields import LineField

from . import limits


class CodeForm(forms.Form):
    """A code of the app, or a recovery code, however it is spaced."""

    code = LineField(
        label=_("Code"),
        help_text=_("Six digits from your app. Or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "characters"}
        ),
        error_messages={"required": _("Please enter the code.")},
    )


class NewAppForm(CodeForm):
    """The first code of an app that is being set up."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.fields["code"].help_text = _("The six digits that the app shows now.")
        self.fields["code"].widget.attrs |= {"inputmode": "numeric"}


class ChangePasswordForm(AdminPasswordChangeForm):
    """Whoever has somebody's session cannot guess the password here, which would also open other browsers.

    Nor keep its owner from changing it: the owner's browsers have tries of their own.
    """

    request: HttpRequest  # the site says which

    @sensitive_variables()
    def clean_old_password(self) -> str:
        tries = limits.OLD_PASSWORD.take(limits.browser_key(self.request, self.user))
        if not tries:
            raise forms.ValidationError(_("Too many tries. Please try again in 15 minutes."))
        try:
            return str(super().clean_old_password())
        except forms.ValidationError:
            tries = []  # a wrong one stays counted; where nothing was compared, it does not
            raise
        finally:
            limits.OLD_PASSWORD.release(tries)


class LinkForm(forms.Form):
    """Whose account it is that cannot be signed in to."""

    username = LineField(
        label=_("User name"),
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
        error_messages={"required": _("Please enter your user name.")},
    )
