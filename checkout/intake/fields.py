"""Form fields for answers: dates, months, times and years however people write them, and several files."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from checkout.forms.fields import normalised

OLDEST_YEAR = 1000


class DateField(forms.CharField):
    """A date of any year, as browsers send it or as people write it: 1990-03-21, 1990/3/21, 1990年3月21日."""

    widget: forms.Widget = forms.DateInput(attrs={"type": "date"})
    invalid = gettext_lazy("Please enter a date such as 1990-03-21.")
    pattern = r"(\d{4})[-/.年] ?(\d{1,2})[-/.月] ?(\d{1,2})日?"

    def clean(self, value: Any) -> str:
        text = normalised(str(super().clean(value)))
        if not text:
            return ""
        match = re.fullmatch(self.pattern, text, re.ASCII)
        try:
            return self.parse([int(number) for number in match.groups()]) if match else self.fail()
        except ValueError:
            return self.fail()

    def parse(self, numbers: Sequence[int]) -> str:
        """ISO text. Raises ValueError for a date the calendar does not have."""
        return dt.date(*numbers).isoformat()

    def fail(self) -> str:
        raise forms.ValidationError(self.invalid)


class MonthField(DateField):
    widget = forms.DateInput(attrs={"type": "month"})
    invalid = gettext_lazy("Please enter a month such as 2024-05.")
    pattern = r"(\d{4})[-/.年] ?(\d{1,2})月?"

    def parse(self, numbers: Sequence[int]) -> str:
        return dt.date(numbers[0], numbers[1], 1).isoformat()[:7]


class TimeField(DateField):
    widget = forms.TimeInput(attrs={"type": "time"})
    invalid = gettext_lazy("Please enter a time such as 08:30.")
    pattern = r"(\d{1,2}):(\d{2})(?::\d{2})?"

    def parse(self, numbers: Sequence[int]) -> str:
        return dt.time(numbers[0], numbers[1]).isoformat("minutes")


class YearField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=OLDEST_YEAR, max_value=9999, **kwargs)

    def to_python(self, value: Any) -> int | None:
        year: int | None = super().to_python(normalised(str(value)) if value else value)
        return year


def number_field(label: Any, lowest: int, highest: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=lowest, max_value=highest)


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True
