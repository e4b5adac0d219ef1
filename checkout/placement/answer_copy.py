"""Copies what was typed about one subject into the form of another, of the same service or of a later one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from catalog.models import IntakeQuestion
from checkout.intake.forms import CONSENT, FILE, LATER, IntakeForm, Source

from .forms import CheckoutForms, LineForms

ACTION = "reuse:"  # with the prefix of the form that is to be filled in
FROM = "reuse.from"  # no question and no part of one has this name
MAX_NAME_LENGTH = 40


@dataclass(frozen=True)
class Copied:
    """How many answers came into the form with this prefix."""

    to: str
    count: int


def is_wanted(sent: QueryDict) -> bool:
    """Whether the button that copies answers was pressed."""
    return sent.get("action", "").startswith(ACTION)


@sensitive_variables()
def copy(forms: CheckoutForms, sent: QueryDict) -> tuple[QueryDict, Copied | None]:
    """The sent data with the answers copied, or unchanged where the two forms have nothing in common.

    Only empty questions are filled in, and only with what the other form's field accepts. Whether a date or a
    person is complete is judged later, as if it had been typed.
    """
    typed = sent.copy()
    offer(forms, typed)
    by_prefix = {str(form.prefix): form for line in forms.lines for form in line.subjects}
    target = by_prefix.get(sent.get("action", "").removeprefix(ACTION))
    chosen = next((source for source in target.sources if source.is_chosen), None) if target else None
    if target is None or chosen is None:
        return typed, None
    source = by_prefix[chosen.prefix]
    answered = _applying(source, typed)
    shared = [key for key in _shared(source, target) if key in answered]
    return typed, Copied(str(target.prefix), sum(_fill(target, source, key, typed) for key in shared))


@sensitive_variables()
def offer(forms: CheckoutForms, typed: QueryDict, copied: Copied | None = None) -> None:
    """Give each form as sources those earlier forms that ask the same questions."""
    earlier: list[tuple[IntakeForm, str]] = []
    for line in forms.lines:
        for number, form in enumerate(line.subjects, start=1):
            chosen = typed.get(form.add_prefix(FROM))
            form.sources = [
                Source(str(other.prefix), label, other.prefix == chosen)
                for other, label in earlier
                if _shared(other, form)
            ]
            form.copied = copied.count if copied and copied.to == form.prefix else None
            earlier.append((form, _label(line, number, form, typed)))


@sensitive_variables()
def _label(line: LineForms, number: int, form: IntakeForm, typed: QueryDict) -> str:
    """The service, which subject of it, and their name once it is typed; nothing else that was answered."""
    parts = [line.line.variant.product.name]
    if len(line.subjects) > 1:
        parts.append(_("subject %(number)s") % {"number": number})
    named = [
        key
        for key, ask in form.asks.items()
        if ask.question.kind == IntakeQuestion.Kind.PERSON
        or (key == "name" and ask.question.kind == IntakeQuestion.Kind.TEXT)
    ]
    name = _given(form, named[0], typed).get("", "") if named else ""
    return " – ".join(part for part in [*parts, name[:MAX_NAME_LENGTH]] if part)


def _shared(source: IntakeForm, target: IntakeForm) -> list[str]:
    """The questions that both ask in the same way. Each needs its own files."""
    return [
        key
        for key, ask in target.asks.items()
        if ask.question.kind != FILE and key in source.asks and type(source.asks[key]) is type(ask)
    ]


@sensitive_variables()
def _applying(form: IntakeForm, typed: QueryDict) -> Collection[str]:
    """The questions whose conditions hold: what was typed for the others counts for nothing."""
    answers: dict[str, Any] = {}
    for key, ask in form.asks.items():
        if ask.question.applies(answers):
            answers[key] = _given(form, key, typed).get("")
    return answers.keys()


@sensitive_variables()
def _given(form: IntakeForm, key: str, typed: QueryDict) -> dict[str, Any]:
    """Part -> what was typed there. What stands there from the start was not, nor is a consent an answer."""
    parts = {}
    for part, name in form.parts[key].items():
        field = form.fields[name]
        value = field.widget.value_from_datadict(typed, {}, form.add_prefix(name))
        value = value.strip() if isinstance(value, str) else value
        if part not in (LATER, CONSENT) and value not in (None, "", [], False, field.initial):
            parts[part] = value
    return parts


@sensitive_variables()
def _fill(target: IntakeForm, source: IntakeForm, key: str, typed: QueryDict) -> bool:
    """Copy the answer to one question. One that was begun stays: half of two people would be neither."""
    answer_parts, names = _given(source, key, typed), target.parts[key]
    if not answer_parts or not answer_parts.keys() <= names.keys() or _given(target, key, typed):
        return False
    if key not in _applying(target, typed):
        return False
    try:
        for part, value in answer_parts.items():
            target.fields[names[part]].clean(value)
    except ValidationError:
        return False
    for part in answer_parts:
        answer = typed.getlist(source.add_prefix(source.parts[key][part]))
        typed.setlist(target.add_prefix(names[part]), answer)
    return True
