"""What of a post is kept, to go on with later: the fields of known forms, none longer than it can be of use.

Nothing else that was sent is stored anywhere.
"""

import json
from collections.abc import Callable, Iterator

from django import forms
from django.http import QueryDict

from shop.typed_values.fields import AskingInput

# A text that is too long is kept, to be shortened: so many times its length, at least so many characters.
TIMES, AT_LEAST = 4, 200
MOST_BYTES = 128 * 1024  # of all fields together: some fifty subjects of a long service

Limit = tuple[int, int]  # how many values, and characters of each


def limits_of(form: forms.BaseForm) -> Iterator[tuple[str, Limit]]:
    """HTML name of each field -> what is kept of it."""
    for name, field in form.fields.items():
        html_name = form.add_prefix(name)
        yield html_name, _limit(field)
        if isinstance(field.widget, AskingInput):
            yield f"{html_name}{field.widget.READING}", (1, AT_LEAST)


def kept(data: QueryDict, limit_of: Callable[[str], Limit | None]) -> dict[str, list[str]]:
    """By field, what was posted into those that have a limit. What is too much is left out from the end."""
    values: dict[str, list[str]] = {}
    left = MOST_BYTES
    for name, sent in data.lists():
        most = limit_of(name)
        if most is None:
            continue
        count, length = most
        texts = [str(text)[:length] for text in sent[-count:]]
        left -= size_of({name: texts})
        if left < 0:
            break
        values[name] = texts
    return values


def size_of(values: dict[str, list[str]]) -> int:
    """Bytes that are sealed for these values."""
    return len(json.dumps(values, ensure_ascii=False).encode(errors="replace"))


def _limit(field: forms.Field) -> Limit:
    if isinstance(field, forms.MultipleChoiceField):
        return max(1, len(list(field.widget.choices))), AT_LEAST
    if isinstance(field, forms.ChoiceField | forms.BooleanField):
        return 1, AT_LEAST
    return 1, max(AT_LEAST, TIMES * (getattr(field, "max_length", None) or 0))
