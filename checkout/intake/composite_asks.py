"""Questions of several fields: a date in either calendar, a person, a list of entries."""

import calendar
import datetime as dt
from typing import Any

from borax.calendars.lunardate import LCalendars, LunarDate
from django import forms
from django.utils.translation import gettext as _

from shop import clock
from shop.l10n.languages import current_column
from shop.typed_values.fields import LineField

from .asks import UNKNOWN, Ask, InvalidAnswer, Typed, shown_date
from .fields import DateField, DayNumberField, MonthNumberField, TimeField, YearField

LUNAR_YEARS = range(1900, 2101)  # those the calendar's table knows
LUNAR_MONTH_MAX_DAYS = 30


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
            f"{self.prefix}month": MonthNumberField(label=_("Month"), required=False),
            f"{self.prefix}day": DayNumberField(label=_("Day"), required=False),
            f"{self.prefix}leap": leap,
        }

    def read(self, typed: Typed) -> Any:
        numbers = {name: typed.get(f"{self.prefix}{name}") for name in ("year", "month", "day")}
        if not any(numbers.values()):
            return None
        missing = next((name for name, number in numbers.items() if not number), None)
        if missing:
            raise InvalidAnswer(f"{self.prefix}{missing}", _("Please enter year, month and day."))
        is_lunar = typed.get(f"{self.prefix}calendar") == "lunar"
        leap = bool(typed.get(f"{self.prefix}leap"))
        if leap and not is_lunar:
            raise InvalidAnswer(f"{self.prefix}leap", _("Only the lunar calendar has leap months."))
        value = {"calendar": "lunar" if is_lunar else "solar", **numbers, "leap": leap}
        self.check(value)
        return value

    def check(self, value: dict[str, Any]) -> None:
        try:
            solar = self.solar(value)
        except ValueError:
            part, reason = _why_never(value)
            raise InvalidAnswer(f"{self.prefix}{part}", reason) from None
        latest = clock.today() if self.options.get("past", True) else dt.date.max
        if (solar and solar > latest) or value["year"] > latest.year:
            raise InvalidAnswer(f"{self.prefix}year", _("This date is in the future."))

    def solar(self, value: dict[str, Any]) -> dt.date | None:
        """None for a lunar date outside the table. Raises ValueError for one that never was."""
        numbers = (value["year"], value["month"], value["day"])
        if value["calendar"] == "solar":
            return dt.date(*numbers)
        if value["year"] not in LUNAR_YEARS:
            if value["day"] > LUNAR_MONTH_MAX_DAYS:
                raise ValueError(value["day"])
            return None
        solar: dt.date = LunarDate(*numbers, int(value["leap"])).to_solar_date()
        return solar

    def shown(self, value: Any) -> str:
        solar = self.solar(value)
        if value["calendar"] == "solar" and solar:
            return shown_date(solar.isoformat())
        text = _("lunar calendar: year %(year)s, month %(month)s, day %(day)s") % value
        if value["leap"]:
            text = _("lunar calendar: year %(year)s, leap month %(month)s, day %(day)s") % value
        if not solar:
            return str(text)
        dates = {"lunar": text, "solar": shown_date(solar.isoformat())}
        return _("%(lunar)s (solar calendar: %(solar)s)") % dates


def _why_never(value: dict[str, Any]) -> tuple[str, str]:
    """The part that is wrong with a date that never was, and what would be right."""
    year, month = value["year"], value["month"]
    if value["calendar"] == "solar":
        days = calendar.monthrange(year, month)[1]
        return "day", _("This month has %(days)s days. Please check the date.") % {"days": days}
    if year not in LUNAR_YEARS:
        return "day", _("A month of the lunar calendar has at most 30 days.")
    leap_month = LCalendars.leap_month(year)
    if value["leap"] and leap_month != month:
        if not leap_month:
            return "leap", _("The lunar year %(year)s has no leap month.") % {"year": year}
        facts = {"year": year, "month": leap_month}
        return "leap", _("The leap month of the lunar year %(year)s is month %(month)s.") % facts
    facts = {"year": year, "month": month, "days": LCalendars.ndays(year, month, int(value["leap"]))}
    if value["leap"]:
        return "day", _("Leap month %(month)s of the lunar year %(year)s has %(days)s days.") % facts
    return "day", _("Month %(month)s of the lunar year %(year)s has %(days)s days.") % facts


class AskBirth(AskCalendarDate):
    prefix = "birth-"


class AskPerson(Ask):
    """Name, birth, time of birth or unknown, place: as a report about two people needs them."""

    def parts(self) -> dict[str, forms.Field]:
        max_length = self.question.max_length
        return {
            "": LineField(label=_("Name, or what to call them"), required=False, max_length=max_length),
            **self.birth().parts(),
            "time": TimeField(label=_("Time of birth"), required=False),
            f"time-{UNKNOWN}": forms.BooleanField(label=_("The time is unknown"), required=False),
            "place": LineField(
                label=_("Place of birth"),
                required=False,
                max_length=max_length,
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
            raise InvalidAnswer(
                f"time-{UNKNOWN}", _("Please give the time, or tick that it is unknown, not both.")
            )
        for part, value, message in (
            ("", name, _("Please enter the name.")),
            ("birth-year", birth, _("Please enter the date of birth.")),
            ("time", time or is_unknown, _("Please give the time, or tick that it is unknown.")),
            ("place", place, _("Please enter the place of birth.")),
        ):
            if not value:
                raise InvalidAnswer(part, message)
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
        columns: list[dict[str, str]] = self.options.get("parts") or []
        return columns or [{"key": "text", "kind": "text", "zh_hant": "", "en": ""}]

    def part(self, row: int, column: dict[str, str]) -> str:
        return f"{row}-{column['key']}"

    def label(self, row: int, column: dict[str, str]) -> str:
        return f"{column[current_column()]} {row}".strip()

    def parts(self) -> dict[str, forms.Field]:
        rows = range(1, self.options["most"] + 1)
        return {self.part(row, column): self.cell(row, column) for row in rows for column in self.columns}

    def cell(self, row: int, column: dict[str, str]) -> forms.Field:
        common: dict[str, Any] = {"label": self.label(row, column), "required": False}
        if column["kind"] == "year":
            return YearField(**common)
        if column["kind"] == "date":
            return DateField(**common)
        return LineField(max_length=self.question.max_length, **common)

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
            raise InvalidAnswer(
                self.part(row, column), _("Please complete this entry, or leave all of it empty.")
            )
        about_birth = self.question.is_third_person
        if column["kind"] == "year" and cell > clock.today().year:
            raise InvalidAnswer(self.part(row, column), _("This year is in the future."))
        if column["kind"] == "date" and about_birth and cell > clock.today().isoformat():
            raise InvalidAnswer(self.part(row, column), _("This date is in the future."))

    def shown(self, value: Any) -> str:
        kinds = {column["key"]: column["kind"] for column in self.columns}
        return "\n".join(
            ", ".join(
                shown_date(cell) if kinds.get(key) == "date" else str(cell) for key, cell in row.items()
            )
            for row in value
        )
