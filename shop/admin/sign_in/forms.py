"""The forms of signing in."""

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
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
    """Whoever has somebody's session cannot guess the password here, which would also open other browsers."""

    @sensitive_variables()
    def clean_old_password(self) -> str:
        tries = limits.OLD_PASSWORD.take(str(self.user.pk))
        if not tries:
            raise forms.ValidationError(_("Too many tries. Please try again in 15 minutes."))
        old = str(super().clean_old_password())
        limits.OLD_PASSWORD.release(tries)
        return old


class LinkForm(forms.Form):
    """Whose account it is that cannot be signed in to."""

    username = LineField(
        label=_("User name"),
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
        error_messages={"required": _("Please enter your user name.")},
    )
