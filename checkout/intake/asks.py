"""How a question is asked: its form fields, the answer they make, and that answer in words.

One question may take several fields ("parts"); the part "" is the question itself. Answers are plain JSON.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from catalog.models import IntakeQuestion
from checkout.models import Upload
from shop import clock
from shop.l10n.languages import current_column
from shop.typed_values.fields import LineField, TextField, WholeNumberField

from .fields import DateField, ManyFiles, MonthField, PatternField, TimeField

Typed = Mapping[str, Any]  # part -> cleaned value
UNKNOWN = "unknown"


class InvalidAnswer(Exception):
    """The typed values do not make an answer; ``part`` names the field to correct."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(part)
        self.part, self.message = part, message


def shown_date(iso: str) -> str:
    return str(date_format(dt.date.fromisoformat(iso), "DATE_FORMAT"))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Ask:
    """A question as one field."""

    def __init__(self, question: IntakeQuestion, uploads: Sequence[Upload] = ()) -> None:
        self.question = question
        self.options: dict[str, Any] = question.options
        self.uploads = list(uploads)  # files that were received before

    needed_parts: tuple[str, ...] = ("",)  # without which a required question is not answered

    def parts(self) -> dict[str, forms.Field]:
        return {"": self.field(required=False, label=self.question.label)}

    def field(self, **common: Any) -> forms.Field:
        common["max_length"] = self.question.max_length
        if not self.question.pattern:
            return LineField(**common)
        refusal = self.question.help or _("This is not in the expected form.")
        return PatternField(pattern=self.question.pattern, error_messages={"invalid": refusal}, **common)

    def read(self, typed: Typed) -> Any:
        "The answer, or None where there is none. Raises InvalidAnswer."
        value = typed.get("")
        return None if value in (None, "", []) else value

    def shown(self, value: Any) -> str:
        """The answer in the active language."""
        return str(value)


class AskLongText(Ask):
    def field(self, **common: Any) -> forms.Field:
        area = forms.Textarea(attrs={"rows": 4})
        return TextField(max_length=self.question.max_length, widget=area, **common)


class AskNumber(Ask):
    def field(self, **common: Any) -> forms.Field:
        lowest, highest = self.options.get("min", -1000), self.options.get("max", 10**9)
        return WholeNumberField(min_value=lowest, max_value=highest, **common)


class AskMonth(Ask):
    def field(self, **common: Any) -> forms.Field:
        return MonthField(**common)

    def shown(self, value: Any) -> str:
        return date_format(dt.date.fromisoformat(f"{value}-01"), "YEAR_MONTH_FORMAT")


class AskChoice(Ask):
    def names(self) -> dict[str, str]:
        column = current_column()
        return {str(choice["value"]): str(choice[column]) for choice in self.question.choices}

    def field(self, **common: Any) -> forms.Field:
        return forms.ChoiceField(choices=list(self.names().items()), widget=forms.RadioSelect, **common)

    def shown(self, value: Any) -> str:
        names = self.names()
        return ", ".join(names.get(one, one) for one in _as_list(value))


class AskMulti(AskChoice):
    needed_parts = ()  # no single box has to be ticked

    def field(self, **common: Any) -> forms.Field:
        return forms.MultipleChoiceField(
            choices=list(self.names().items()), widget=forms.CheckboxSelectMultiple, **common
        )


class AskYesNo(AskChoice):
    def names(self) -> dict[str, str]:
        return {"yes": _("Yes"), "no": _("No")}


class AskTime(Ask):
    """A time of day, or the tick that nobody knows it."""

    needed_parts = ()

    def parts(self) -> dict[str, forms.Field]:
        return {
            "": TimeField(label=self.question.label, required=False),
            UNKNOWN: forms.BooleanField(label=_("The time is unknown"), required=False),
        }

    def read(self, typed: Typed) -> Any:
        if typed.get("") and typed.get(UNKNOWN):
            raise InvalidAnswer(UNKNOWN, _("Please give the time, or tick that it is unknown, not both."))
        return UNKNOWN if typed.get(UNKNOWN) else typed.get("") or None

    def shown(self, value: Any) -> str:
        return _("unknown") if value == UNKNOWN else str(value)


class AskDate(Ask):
    def field(self, **common: Any) -> forms.Field:
        return DateField(**common)

    def read(self, typed: Typed) -> Any:
        value = super().read(typed)
        if value:
            self.check(value)
        return value

    def check(self, iso: str) -> None:
        today, days = clock.today(), self.options.get("days_ahead")
        if self.options.get("past") and iso > today.isoformat():
            raise InvalidAnswer("", _("This date is in the future."))
        first = today + dt.timedelta(days=days or 0)
        if days and iso < first.isoformat():
            raise InvalidAnswer(
                "",
                _("Please choose a date from %(date)s on.") % {"date": date_format(first, "DATE_FORMAT")},
            )

    def shown(self, value: Any) -> str:
        return shown_date(value)


class AskFile(Ask):
    """The files are received by the module ``uploads`` before validation; the answer lists them."""

    needed_parts = ()

    def field(self, **common: Any) -> forms.Field:
        widget = ManyFiles(attrs={"accept": self.accept})
        return forms.Field(widget=widget, **common)

    @property
    def accept(self) -> str:
        types = {"pdf": ".pdf,application/pdf", "jpeg": ".jpg,.jpeg,image/jpeg", "png": ".png,image/png"}
        return ",".join(types[name] for name in self.options.get("accept", types))

    def read(self, typed: Typed) -> Any:
        files = [{"id": upload.pk, "name": upload.name, "size": upload.size} for upload in self.uploads]
        return files or None

    def shown(self, value: Any) -> str:
        return "\n".join(file["name"] for file in value)
