"""What people type, as forms take it."""

from collections.abc import Mapping
from typing import Any

from django.forms import BaseForm
from django.http import QueryDict


def query_of(data: Mapping[str, list[str]]) -> QueryDict:
    """Stored names and values as a QueryDict, as if they had just been posted."""
    query = QueryDict(mutable=True)
    for name, values in data.items():
        query.setlist(name, values)
    return query


def initial_of(form: BaseForm, typed: QueryDict) -> dict[str, Any]:
    """What was typed into this form, as initial values: it is shown without being validated."""
    initial: dict[str, Any] = {}
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        if key in typed:
            initial[name] = field.widget.value_from_datadict(typed, {}, key)
    return initial
