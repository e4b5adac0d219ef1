"""Filters of the order list whose values may be empty."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AllValuesFieldListFilter


class NamedValues(AllValuesFieldListFilter):
    """An order without a region, or not paid yet, is a value too: its link needs a name to be read."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "–"}
