"""How each kind of question is asked: its form fields, the answer they make, and that answer in words.

One question may take several fields ("parts"); the part "" is the question itself. Answers are plain JSON.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from borax.calendars.lunardate import LunarDate
from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import IntakeQuestion
from checkout.forms.fields import normalised
from checkout.forms.form_data import current_language
from checkout.models import Upload
from shop import clock

Kind = IntakeQuestion.Kind
Typed = Mapping[str, Any]  # part -> cleaned value
UNKNOWN = "unknown"
LUNAR_YEARS = range(1900, 2101)  # those the calendar's table knows
OLDEST_YEAR = 1000
LUNAR_MONTH_MAX_DAYS = 30


class Unclear(Exception):
    """What was typed does not make an answer; ``part`` is the field to look at."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(part)
        self.part, self.message = part, message


class DateField(forms.CharField):
    """A date of any year, as browsers send it or as people write it: 1990-03-21, 1990/3/21, 1990年3月21日."""

    widget: forms.Widget = forms.DateInput(attrs={"type": "date"})
    wanted = gettext_lazy("Please enter a date such as 1990-03-21.")
    shape = r"(\d{4})[-/.年] ?(\d{1,2})[-/.月] ?(\d{1,2})日?"

    def clean(self, value: Any) -> str:
        text = normalised(str(super().clean(value)))
        if not text:
            return ""
        found = re.fullmatch(self.shape, text, re.ASCII)
        try:
            return self.made_of([int(number) for number in found.groups()]) if found else self.refuse()
        except ValueError:
            return self.refuse()

    def made_of(self, numbers: Sequence[int]) -> str:
        """ISO text. Raises ValueError for what the calendar does not have."""
        return dt.date(*numbers).isoformat()

    def refuse(self) -> str:
        raise forms.ValidationError(self.wanted)


class MonthField(DateField):
    widget = forms.DateInput(attrs={"type": "month"})
    wanted = gettext_lazy("Please enter a month such as 2024-05.")
    shape = r"(\d{4})[-/.年] ?(\d{1,2})月?"

    def made_of(self, numbers: Sequence[int]) -> str:
        return dt.date(numbers[0], numbers[1], 1).isoformat()[:7]


class TimeField(DateField):
    widget = forms.TimeInput(attrs={"type": "time"})
    wanted = gettext_lazy("Please enter a time such as 08:30.")
    shape = r"(\d{1,2}):(\d{2})(?::\d{2})?"

    def made_of(self, numbers: Sequence[int]) -> str:
        return dt.time(numbers[0], numbers[1]).isoformat("minutes")


class YearField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=OLDEST_YEAR, max_value=9999, **kwargs)

    def to_python(self, value: Any) -> int | None:
        found: int | None = super().to_python(normalised(str(value)) if value else value)
        return found


def _number(label: Any, least: int, most: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=most)


def _shown_date(iso: str) -> str:
    return str(date_format(dt.date.fromisoformat(iso), "DATE_FORMAT"))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Ask:
    """A question as one field."""

    def __init__(self, question: IntakeQuestion, kept: Sequence[Upload] = ()) -> None:
        self.question = question
        self.options: dict[str, Any] = question.options
        self.kept = list(kept)  # files that came up before

    needed_parts: tuple[str, ...] = ("",)  # without which a required question is not answered

    def parts(self) -> dict[str, forms.Field]:
        return {"": self.field(required=False, label=self.question.label)}

    def field(self, **common: Any) -> forms.Field:
        field = forms.CharField(max_length=self.question.max_length, **common)
        if self.question.pattern:
            field.validators.append(self.match)
        return field

    def match(self, text: str) -> None:
        if not re.fullmatch(self.question.pattern, text):
            raise forms.ValidationError(self.question.help or _("This is not in the expected form."))

    def read(self, typed: Typed) -> Any:
        """The answer, or None where there is none. Raises Unclear."""
        value = typed.get("")
        return None if value in (None, "", []) else value

    def shown(self, value: Any) -> str:
        """The answer in the active language."""
        return str(value)


class AskLongText(Ask):
    def field(self, **common: Any) -> forms.Field:
        area = forms.Textarea(attrs={"rows": 4})
        return forms.CharField(max_length=self.question.max_length, widget=area, **common)

    def read(self, typed: Typed) -> Any:
        return (typed.get("") or "").replace("\r\n", "\n") or None


class AskNumber(Ask):
    def field(self, **common: Any) -> forms.Field:
        least, most = self.options.get("min", -1000), self.options.get("max", 10**9)
        return forms.IntegerField(min_value=least, max_value=most, **common)


class AskMonth(Ask):
    def field(self, **common: Any) -> forms.Field:
        return MonthField(max_length=20, **common)

    def shown(self, value: Any) -> str:
        return date_format(dt.date.fromisoformat(f"{value}-01"), "YEAR_MONTH_FORMAT")


class AskChoice(Ask):
    def names(self) -> dict[str, str]:
        column = current_language().replace("-", "_")
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
            "": TimeField(label=self.question.label, required=False, max_length=20),
            UNKNOWN: forms.BooleanField(label=_("The time is unknown"), required=False),
        }

    def read(self, typed: Typed) -> Any:
        if typed.get("") and typed.get(UNKNOWN):
            raise Unclear(UNKNOWN, _("Please give the time, or tick that it is unknown, not both."))
        return UNKNOWN if typed.get(UNKNOWN) else typed.get("") or None

    def shown(self, value: Any) -> str:
        return _("unknown") if value == UNKNOWN else str(value)


class AskDate(Ask):
    def field(self, **common: Any) -> forms.Field:
        return DateField(max_length=20, **common)

    def read(self, typed: Typed) -> Any:
        value = super().read(typed)
        if value:
            self.check(value)
        return value

    def check(self, iso: str) -> None:
        today, days = clock.today(), self.options.get("days_ahead")
        if self.options.get("past") and iso > today.isoformat():
            raise Unclear("", _("This date is in the future."))
        first = today + dt.timedelta(days=days or 0)
        if days and iso < first.isoformat():
            raise Unclear(
                "",
                _("Please choose a date from %(date)s on.") % {"date": date_format(first, "DATE_FORMAT")},
            )

    def shown(self, value: Any) -> str:
        return _shown_date(value)


class AskCalendarDate(Ask):
    """A date of birth in either calendar: year, month, day, and for lunar ones the leap month.

    Lunar dates are checked against the calendar's table, and the solar date stands beside the answer.
    """

    needed_parts = ("year", "month", "day")
    prefix = ""  # of the parts, where the date is part of something larger

    def parts(self) -> dict[str, forms.Field]:
        calendar = forms.ChoiceField(
            label=_("Calendar"),
            required=False,
            choices=[("solar", _("Solar (Gregorian)")), ("lunar", _("Lunar"))],
            initial="solar",
            widget=forms.RadioSelect,
        )
        leap = forms.BooleanField(label=_("Leap month"), required=False, help_text=_("Lunar calendar only."))
        return {
            f"{self.prefix}calendar": calendar,
            f"{self.prefix}year": YearField(label=_("Year"), required=False),
            f"{self.prefix}month": _number(_("Month"), 1, 12),
            f"{self.prefix}day": _number(_("Day"), 1, 31),
            f"{self.prefix}leap": leap,
        }

    def read(self, typed: Typed) -> Any:
        numbers = {name: typed.get(f"{self.prefix}{name}") for name in ("year", "month", "day")}
        if not any(numbers.values()):
            return None
        missing = next((name for name, number in numbers.items() if not number), None)
        if missing:
            raise Unclear(f"{self.prefix}{missing}", _("Please enter year, month and day."))
        is_lunar = typed.get(f"{self.prefix}calendar") == "lunar"
        leap = bool(typed.get(f"{self.prefix}leap"))
        if leap and not is_lunar:
            raise Unclear(f"{self.prefix}leap", _("Only the lunar calendar has leap months."))
        value = {"calendar": "lunar" if is_lunar else "solar", **numbers, "leap": leap}
        self.check(value)
        return value

    def check(self, value: dict[str, Any]) -> None:
        try:
            solar = self.solar(value)
        except ValueError:
            raise Unclear(f"{self.prefix}day", _("The calendar does not have this date.")) from None
        latest = clock.today() if self.options.get("past", True) else dt.date.max
        if (solar and solar > latest) or value["year"] > latest.year:
            raise Unclear(f"{self.prefix}year", _("This date is in the future."))

    def solar(self, value: dict[str, Any]) -> dt.date | None:
        """None for a lunar date outside the table. Raises ValueError for one that never was."""
        numbers = (value["year"], value["month"], value["day"])
        if value["calendar"] == "solar":
            return dt.date(*numbers)
        if value["year"] not in LUNAR_YEARS:
            if value["day"] > LUNAR_MONTH_MAX_DAYS:
                raise ValueError(value["day"])
            return None
        found: dt.date = LunarDate(*numbers, int(value["leap"])).to_solar_date()
        return found

    def shown(self, value: Any) -> str:
        solar = self.solar(value)
        if value["calendar"] == "solar" and solar:
            return _shown_date(solar.isoformat())
        text = _("lunar calendar: year %(year)s, month %(month)s, day %(day)s") % value
        if value["leap"]:
            text = _("lunar calendar: year %(year)s, leap month %(month)s, day %(day)s") % value
        if not solar:
            return str(text)
        known = {"lunar": text, "solar": _shown_date(solar.isoformat())}
        return _("%(lunar)s (solar calendar: %(solar)s)") % known


class AskBirth(AskCalendarDate):
    prefix = "birth-"


class AskPerson(Ask):
    """Name, birth, time of birth or unknown, place: as a report about two people needs them."""

    def parts(self) -> dict[str, forms.Field]:
        longest = self.question.max_length
        return {
            "": forms.CharField(label=_("Name, or what to call them"), required=False, max_length=longest),
            **self.birth().parts(),
            "time": TimeField(label=_("Time of birth"), required=False, max_length=20),
            f"time-{UNKNOWN}": forms.BooleanField(label=_("The time is unknown"), required=False),
            "place": forms.CharField(
                label=_("Place of birth"),
                required=False,
                max_length=longest,
                help_text=_("City and country or region."),
            ),
        }

    def birth(self) -> AskBirth:
        return AskBirth(self.question)

    def read(self, typed: Typed) -> Any:
        name, place, time = (typed.get(part) or "" for part in ("", "place", "time"))
        is_unknown = bool(typed.get(f"time-{UNKNOWN}"))
        birth = self.birth().read(typed)
        if not (name or place or time or birth or is_unknown):
            return None
        if time and is_unknown:
            raise Unclear(f"time-{UNKNOWN}", _("Please give the time, or tick that it is unknown, not both."))
        for part, given, message in (
            ("", name, _("Please enter the name.")),
            ("birth-year", birth, _("Please enter the date of birth.")),
            ("time", time or is_unknown, _("Please give the time, or tick that it is unknown.")),
            ("place", place, _("Please enter the place of birth.")),
        ):
            if not given:
                raise Unclear(part, message)
        return {"name": name, "birth": birth, "time": UNKNOWN if is_unknown else time, "place": place}

    def shown(self, value: Any) -> str:
        time = _("unknown") if value["time"] == UNKNOWN else value["time"]
        return "\n".join(
            [
                value["name"],
                _("Born: %(date)s") % {"date": self.birth().shown(value["birth"])},
                _("Time of birth: %(time)s") % {"time": time},
                _("Place of birth: %(place)s") % {"place": value["place"]},
            ]
        )


class AskRepeat(Ask):
    """A list of short entries, each one text or a few parts. Empty rows do not count."""

    needed_parts = ()

    @property
    def columns(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.options.get("parts") or []
        return found or [{"key": "text", "kind": "text", "zh_hant": "", "en": ""}]

    def part(self, row: int, column: dict[str, str]) -> str:
        return f"{row}-{column['key']}"

    def label(self, row: int, column: dict[str, str]) -> str:
        return f"{column[current_language().replace('-', '_')]} {row}".strip()

    def parts(self) -> dict[str, forms.Field]:
        rows = range(1, self.options["most"] + 1)
        return {self.part(row, column): self.cell(row, column) for row in rows for column in self.columns}

    def cell(self, row: int, column: dict[str, str]) -> forms.Field:
        common: dict[str, Any] = {"label": self.label(row, column), "required": False}
        if column["kind"] == "year":
            return YearField(**common)
        if column["kind"] == "date":
            return DateField(max_length=20, **common)
        return forms.CharField(max_length=self.question.max_length, **common)

    def read(self, typed: Typed) -> Any:
        rows = []
        for row in range(1, self.options["most"] + 1):
            cells = {column["key"]: typed.get(self.part(row, column)) or "" for column in self.columns}
            if not any(cells.values()):
                continue
            for column in self.columns:
                self.check(cells[column["key"]], row, column)
            rows.append(cells)
        return rows or None

    def check(self, cell: Any, row: int, column: dict[str, str]) -> None:
        if not cell:
            raise Unclear(self.part(row, column), _("Please complete this entry, or leave all of it empty."))
        about_birth = self.question.is_third_person
        if column["kind"] == "year" and cell > clock.today().year:
            raise Unclear(self.part(row, column), _("This year is in the future."))
        if column["kind"] == "date" and about_birth and cell > clock.today().isoformat():
            raise Unclear(self.part(row, column), _("This date is in the future."))

    def shown(self, value: Any) -> str:
        kinds = {column["key"]: column["kind"] for column in self.columns}
        return "\n".join(
            ", ".join(
                _shown_date(cell) if kinds.get(key) == "date" else str(cell) for key, cell in row.items()
            )
            for row in value
        )


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class AskFile(Ask):
    """The files themselves are taken in by ``uploads`` before the form is judged; here only what is kept."""

    needed_parts = ()

    def field(self, **common: Any) -> forms.Field:
        widget = ManyFiles(attrs={"accept": self.accept})
        return forms.Field(widget=widget, **common)

    @property
    def accept(self) -> str:
        types = {"pdf": ".pdf,application/pdf", "jpeg": ".jpg,.jpeg,image/jpeg", "png": ".png,image/png"}
        return ",".join(types[name] for name in self.options.get("accept", types))

    def read(self, typed: Typed) -> Any:
        return [{"id": upload.pk, "name": upload.name, "size": upload.size} for upload in self.kept] or None

    def shown(self, value: Any) -> str:
        return "\n".join(file["name"] for file in value)


ASKS: dict[str, type[Ask]] = {
    Kind.TEXT: Ask,
    Kind.LONG_TEXT: AskLongText,
    Kind.NUMBER: AskNumber,
    Kind.DATE: AskDate,
    Kind.TIME: AskTime,
    Kind.MONTH: AskMonth,
    Kind.CHOICE: AskChoice,
    Kind.MULTI: AskMulti,
    Kind.YES_NO: AskYesNo,
    Kind.PERSON: AskPerson,
    Kind.REPEAT: AskRepeat,
    Kind.FILE: AskFile,
}


def ask_of(question: IntakeQuestion, kept: Sequence[Upload] = ()) -> Ask:
    if question.kind == Kind.DATE and question.options.get("lunar"):
        return AskCalendarDate(question, kept)
    return ASKS[question.kind](question, kept)
