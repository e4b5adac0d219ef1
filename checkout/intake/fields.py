"""Form fields for answers: dates, months, times and years however people write them, and several files."""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from shop.typed_values import dates
from shop.typed_values.fields import CodeField, WholeNumberField

OLDEST_YEAR = 1000


class DateField(CodeField):
    """A date of any year, as browsers send it or as people write it; cleaned to ISO text."""

    widget: forms.Widget = forms.DateInput(attrs={"type": "date"})
    invalid = gettext_lazy("Please enter the date with the year first, for example 1990-03-21.")
    read: Callable[[str], Any] = staticmethod(dates.read_date)
    length = len("1990-03-21")

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text:
            return ""
        try:
            return str(self.read(text).isoformat())[: self.length]
        except ValueError:
            raise forms.ValidationError(self.refusal(text)) from None

    def refusal(self, text: str) -> Any:
        return self.invalid


class MonthField(DateField):
    widget = forms.DateInput(attrs={"type": "month"})
    invalid = gettext_lazy("Please enter year and month, for example 2024-05.")
    read = staticmethod(dates.read_month)
    length = len("2024-05")


class TimeField(DateField):
    widget = forms.TimeInput(attrs={"type": "time"})
    invalid = gettext_lazy("Please enter the time, for example 08:30 or 8:30 pm.")
    double_hour = gettext_lazy(
        "A double-hour lasts two hours. Please enter a time within it, for example 00:30 for 子時 after"
        " midnight."
    )
    read = staticmethod(dates.read_time)
    length = len("08:30")

    def refusal(self, text: str) -> Any:
        return self.double_hour if re.search(dates.DOUBLE_HOUR, text) else self.invalid


class YearField(WholeNumberField):
    """A year: 1990, 一九九〇年, 民國79年."""

    default_error_messages = {
        name: gettext_lazy("Please enter a year of four digits, for example 1990.")
        for name in ("invalid", "min_value", "max_value")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=OLDEST_YEAR, max_value=9999, **kwargs)
        del self.widget.attrs["class"]  # 民國七十九年 is longer than a number

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values or isinstance(value, int):
            return super().to_python(value)
        try:
            return dates.read_year(str(value))
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None


def number_field(label: Any, lowest: int, highest: int) -> forms.IntegerField:
    messages = {
        name: gettext_lazy("Please enter a number from %(lowest)s to %(highest)s.")
        % {"lowest": lowest, "highest": highest}
        for name in ("invalid", "min_value", "max_value")
    }
    return WholeNumberField(
        label=label, required=False, min_value=lowest, max_value=highest, error_messages=messages
    )


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True
