"""Form fields for answers: dates, months, times and years however people write them, and several files.

Where a browser has its own way to enter a value, it sends nothing of one that is not complete:
``data-incomplete`` is what ``static/js/enhance.js`` says then.
"""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.typed_values import dates
from shop.typed_values.characters import fold
from shop.typed_values.fields import CodeField, LineField, WholeNumberField, check_characters, why_no_day

_LUNAR = re.compile("[農农陰阴][曆历]|lunar", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"(?:時間|时间)?(?:不詳|不详|不明|不知道?|未知|唔知道?)|unknown|not known|n/?a|\?+", re.IGNORECASE
)


class DateField(CodeField):
    """A date of any year, as browsers send it or as people write it; cleaned to ISO text."""

    widget: forms.Widget = forms.DateInput(
        attrs={
            "type": "date",
            "data-incomplete": gettext_lazy("Please complete the date: day, month and year of four digits."),
        }
    )
    invalid = gettext_lazy("Please enter the date with the year first, for example 1990-03-21.")
    read: Callable[[str], Any] = staticmethod(dates.read_date)
    length = len("1990-03-21")

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text:
            return ""
        try:
            return str(self.read(text).isoformat())[: self.length]
        except ValueError as error:
            raise forms.ValidationError(self.refusal(text, error)) from None

    def refusal(self, text: str, error: ValueError) -> Any:
        if _LUNAR.search(text):
            return _(
                "Please enter the day of the solar calendar, with the year first, for example 1990-03-21."
            )
        return why_no_day(text, error) or self.invalid


class MonthField(DateField):
    widget = forms.DateInput(
        attrs={
            "type": "month",
            "data-incomplete": gettext_lazy("Please complete the month and its year of four digits."),
        }
    )
    invalid = gettext_lazy("Please enter year and month, for example 2024-05.")
    read = staticmethod(dates.read_month)
    length = len("2024-05")


class TimeField(DateField):
    widget = forms.TimeInput(
        attrs={
            "type": "time",
            "data-incomplete": gettext_lazy("Please complete the time: hour and minute, for example 08:30."),
        }
    )
    invalid = gettext_lazy("Please enter the time, for example 08:30 or 8:30 pm.")
    double_hour = gettext_lazy(
        "A double-hour lasts two hours. Please enter a time within it, for example 00:30 for 子時 after"
        " midnight."
    )
    read = staticmethod(dates.read_time)
    length = len("08:30")

    def refusal(self, text: str, error: ValueError) -> Any:
        if isinstance(error, dates.Midnight):
            return _("Midnight is the beginning of a day or its end. Please enter 00:00 or 23:59.")
        if _UNKNOWN.fullmatch(fold(text)):
            return _("Please leave the time empty and tick “The time is unknown”.")
        return self.double_hour if re.search(dates.DOUBLE_HOUR, text) else self.invalid


class YearField(WholeNumberField):
    """A year: 1990, 一九九〇年, 民國79年."""

    default_error_messages = {
        name: gettext_lazy("Please enter a year of four digits, for example 1990.")
        for name in ("invalid", "min_value", "max_value")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=dates.OLDEST_YEAR, max_value=9999, **kwargs)
        del self.widget.attrs["class"]  # 民國七十九年 is longer than a number

    def read(self, text: str) -> int:
        return dates.read_year(text)


class MonthNumberField(WholeNumberField):
    """The month of a date that is asked for in parts: 3, 三月, March."""

    default_error_messages = {
        name: gettext_lazy("Please enter a number from 1 to 12.")
        for name in ("invalid", "min_value", "max_value")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=12, **kwargs)

    def read(self, text: str) -> int:
        try:
            return dates.read_month_number(text)
        except dates.LeapMonth:
            raise forms.ValidationError(
                _("Please enter the month as a number and tick “Leap month”.")
            ) from None


class DayNumberField(WholeNumberField):
    """The day of a date that is asked for in parts: 21, 廿一, 初八, 21st."""

    default_error_messages = {
        name: gettext_lazy("Please enter a number from 1 to 31.")
        for name in ("invalid", "min_value", "max_value")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=31, **kwargs)

    def read(self, text: str) -> int:
        return dates.read_day_number(text)


class PatternField(LineField):
    """A line of a form that its question prescribes; blanks within it are no mistake: 歐 陽."""

    def __init__(self, *, pattern: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pattern = re.compile(pattern)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        compact = text.replace(" ", "")
        return compact if self.pattern.fullmatch(compact) and not self.pattern.fullmatch(text) else text

    def run_validators(self, value: str) -> None:
        check_characters(value)
        if value and not self.pattern.fullmatch(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        super().run_validators(value)


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True
