"""Typed form data as it is stored and shown again, and the language it is typed in."""

from collections.abc import Mapping
from typing import Any

from django.forms import BaseForm
from django.http import QueryDict
from django.utils.translation import get_language

LANGUAGE_COLUMNS = {"zh_hant": "zh-hant", "en": "en"}


def current_language() -> str:
    """The reader's language: zh-hant or en."""
    return "en" if (get_language() or "").startswith("en") else "zh-hant"


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
