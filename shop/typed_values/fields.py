"""Form fields that take what people type and paste as it comes, and say clearly what they cannot take.

Whatever a form asks in words, numbers or dates stands in one of these; a test finds a field that does not.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from . import dates, email_addresses, numbers, phone_numbers
from .characters import fold
from .text_fields import AddressPartField as AddressPartField
from .text_fields import CodeField as CodeField
from .text_fields import LabelField as LabelField
from .text_fields import LineField as LineField
from .text_fields import NameField as NameField
from .text_fields import RecipientField as RecipientField
from .text_fields import TextField as TextField
from .text_fields import WholeText
from .text_fields import check_characters as check_characters

_NO_DATE = gettext_noop("“%(text)s” is no date. Please enter it with the year first, for example 2026-12-01.")


class _TypedText(str):
    """What was typed, and the reading that the person was asked about and has seen."""

    confirmed = ""


class AskingInput(forms.TextInput):
    """Carries the reading that the person is asked about, so that the same text sent again confirms it."""

    asked = ""
    READING = "_reading"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        if value is None:
            return None
        typed = _TypedText(value)
        typed.confirmed = str(data.get(f"{name}{self.READING}") or "")
        return typed

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        shown = super().render(name, value, attrs, renderer)
        if not self.asked:
            return shown
        hidden = forms.HiddenInput().render(f"{name}{self.READING}", self.asked, renderer=renderer)
        return shown + hidden


class EmailInput(AskingInput):
    input_type = "email"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "email", **(attrs or {})})


class EmailField(WholeText, forms.EmailField):
    """An e-mail address, cleaned to the form in which it is stored: ``email_addresses.normalise``.

    One that is probably misspelt is asked about once. Sent again as it was, it is taken if mail can be sent
    to it, and else as the address that was asked about.
    """

    widget = EmailInput
    default_error_messages = {"invalid": _("Please enter an e-mail address such as name@example.com.")}

    def clean(self, value: Any) -> Any:
        text = str(value or "")
        meant = (
            ""
            if email_addresses.holds_several(fold(text))
            else email_addresses.suggestion(self.to_python(text))
        )
        if not (meant and isinstance(self.widget, EmailInput)):
            return super().clean(value)
        is_confirmed = getattr(value, "confirmed", "") == meant
        if is_confirmed:  # also while something else of the form is put right
            self.widget.asked = meant
        try:
            address = super().clean(text)
        except ValidationError:
            if is_confirmed:
                return super().clean(meant)
            address = ""
        if not is_confirmed:
            self._ask(address, meant)
        return address

    def _ask(self, address: str, meant: str) -> None:
        self.widget.asked = meant
        values = {"typed": email_addresses.shown(address), "meant": email_addresses.shown(meant)}
        text = _("Do you mean %(meant)s? If so, please continue; else correct it.")
        if address:
            text = _("Do you mean %(meant)s? Then please correct it; if %(typed)s is right, please continue.")
        raise ValidationError(text, params=values, code="doubtful")

    def to_python(self, value: Any) -> str:
        return email_addresses.normalise(str(super().to_python(value) or ""))

    def prepare_value(self, value: Any) -> Any:
        return email_addresses.shown(value) if isinstance(value, str) else value

    def run_validators(self, value: str) -> None:
        if value and (reason := _why_no_address(value)):
            raise ValidationError(reason, params={"text": email_addresses.shown(value)})
        super().run_validators(value)


def _why_no_address(text: str) -> Any:
    """What is wrong with an e-mail address, as far as that is known."""
    local, at, domain = text.rpartition("@")
    if not at:
        return _("There is no @ in “%(text)s”. Please enter an address such as name@example.com.")
    if email_addresses.holds_several(text):
        return _("Please enter one e-mail address only.")
    if "@" in local:
        return _("There is more than one @ in “%(text)s”. Please enter an address such as name@example.com.")
    if ".." in text or local.startswith(".") or local.endswith(".") or domain.startswith("."):
        return _("There is a dot too many in “%(text)s”. Please enter an address such as name@example.com.")
    if not local.isascii():
        return _("Before the @ only letters without accents, digits and signs can be used: name@example.com.")
    if (
        "." not in domain or domain.startswith("[") or domain.rpartition(".")[2].isdigit()
    ):  # no mail leaves us
        return _("The part behind the @ is not complete in “%(text)s”. It should be like name@example.com.")
    return ""


class PhoneInput(AskingInput):
    input_type = "tel"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "tel", "inputmode": "tel", **(attrs or {})})


class PhoneField(WholeText):
    """A telephone number of any country, cleaned to a ``PhoneNumber``.

    A reading that says something else than what was typed, or that may not be in use, is shown and asked
    once; sent again, it is taken. Metadata about numbers is never quite up to date.
    """

    widget = PhoneInput
    region = "HK"

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "")
        if not text:
            return phone_numbers.PhoneNumber()
        reading = phone_numbers.read(text, self.region)
        if reading.is_several:
            raise ValidationError(_("Please enter one number only; another one can go into the note."))
        if reading.others:
            raise ValidationError(
                _("Please add the country code. Do you mean %(numbers)s?"),
                params={"numbers": gettext(" or ").join(number.shown for number in reading.others)},
            )
        if not reading.number:
            raise ValidationError(
                _("Please enter a phone number, with the country code if it is abroad, e.g. +852 9123 4567.")
            )
        if not reading.is_certain:
            if isinstance(self.widget, PhoneInput):
                self.widget.asked = str(reading.number)
            if getattr(value, "confirmed", "") != str(reading.number):
                self._ask(reading)
        return reading.number

    def _ask(self, reading: phone_numbers.Reading) -> None:
        text = _(
            "Do you mean %(number)s? We know no such number in use. If it is right, please continue; else"
            " correct it."
        )
        if reading.is_elsewhere or reading.is_doubled:
            text = _("Do you mean %(number)s? If so, please continue; else correct it.")
        if reading.rest:
            text = _(
                "Do you mean %(number)s? “%(rest)s” would be left out; it can go into the note. If so, please"
                " continue; else correct it."
            )
        values = {"number": reading.number.shown, "rest": reading.rest}
        raise ValidationError(text, params=values, code="doubtful")

    def prepare_value(self, value: Any) -> Any:
        return value.shown if isinstance(value, phone_numbers.PhoneNumber) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class NumberText(forms.TextInput):
    """A number, typed as text.

    A browser's own field for numbers takes what it does not read out of what is typed, 12,50 becomes 1250,
    and the wheel of the mouse changes it. So it would be judged by nobody.
    """

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "number", "autocomplete": "off", **(attrs or {})})


class _NumberField(forms.Field):
    widget = NumberText
    keys = "numeric"

    def __init__(self, **kwargs: Any) -> None:
        widget = kwargs.get("widget")
        if isinstance(widget, forms.NumberInput) or (
            isinstance(widget, type) and issubclass(widget, forms.NumberInput)
        ):
            kwargs["widget"] = NumberText  # what Django's admin wants for every column of numbers
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """The keys of a telephone have no minus."""
        lowest = getattr(self, "min_value", None)
        is_shown = not widget.is_hidden and lowest is not None and lowest >= 0
        return super().widget_attrs(widget) | ({"inputmode": self.keys} if is_shown else {})


class AmountField(_NumberField, forms.DecimalField):
    """An amount of money: HK$1,250.00, １２５０. Cleaned to a Decimal."""

    keys = "decimal"

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as Django's own
        if value in self.empty_values or isinstance(value, (int, Decimal)):
            return super().to_python(value)
        try:
            return super().to_python(str(numbers.read_amount(str(value))))
        except ValueError:
            raise ValidationError(
                _("“%(text)s” is not clear. Please enter an amount such as 1250.00."),
                params={"text": value},
            ) from None


class WholeNumberField(_NumberField, forms.IntegerField):
    """A whole number, in digits of any width, grouped or not, or in numerals; ``unit`` may follow."""

    default_error_messages = {
        "invalid": _("“%(text)s” is no whole number. Please enter digits, for example 12."),
        "min_value": _("Please enter %(limit_value)s or more."),
        "max_value": _("Please enter %(limit_value)s or less."),
    }

    def __init__(self, *, unit: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit = unit

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values or isinstance(value, int):
            return super().to_python(value)
        try:
            return self.read(str(value))
        except ValueError:
            raise ValidationError(
                self.error_messages["invalid"], code="invalid", params={"text": value}
            ) from None

    def read(self, text: str) -> int:
        """Return the number that was typed. Raises ValueError."""
        return numbers.read_whole(text, self.unit)


class DayField(forms.DateField):
    """A day of the calendar: 2026-12-01, 2026年12月1日, 1 December 2026. 1/12/2026 could be two."""

    def to_python(self, value: Any) -> Any:
        if not (isinstance(value, str) and value.strip()):
            return super().to_python(value)
        try:
            return dates.read_date(value)
        except ValueError as error:
            reason = why_no_day(value, error) or gettext(_NO_DATE) % {"text": value}
            raise ValidationError(reason, code="invalid") from None


def why_no_day(text: str, error: ValueError) -> str:
    """Return what is wrong with a typed day, as far as that is known; else nothing."""
    match error:
        case dates.NotInCalendar(days_of_month=0):
            return gettext("There are only 12 months. Please check the date.")
        case dates.NotInCalendar():
            return gettext("This month has %(days)s days. Please check the date.") % {
                "days": error.days_of_month
            }
        case dates.SeveralDays():
            first, second = error.days
            values = {"text": text, "first": first.isoformat(), "second": second.isoformat()}
            return gettext("“%(text)s” may be two days. Please enter %(first)s or %(second)s.") % values
    return ""


# For ``ModelAdmin.formfield_overrides``: the same fields where Django makes the form of a model.
FORM_FIELDS: "Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]" = {
    models.SlugField: {"form_class": AddressPartField},
    models.CharField: {"form_class": LineField},
    models.TextField: {"form_class": TextField},
    models.EmailField: {"form_class": EmailField},
    models.DecimalField: {"form_class": AmountField, "widget": NumberText},
    models.IntegerField: {"form_class": WholeNumberField, "widget": NumberText},
    models.DateField: {"form_class": DayField},
}
