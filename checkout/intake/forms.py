"""A product's own questions about one subject, as one form."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django import forms
from django.forms import BoundField
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from catalog import question_options as rules
from catalog.models import IntakeQuestion
from checkout.models import Upload
from shop.l10n.languages import LANGUAGE_COLUMNS

from . import consents
from .asks import Ask, InvalidAnswer
from .question_kinds import ask_of

LATER, CONSENT = "later", "consent"
FILE = IntakeQuestion.Kind.FILE


@dataclass(frozen=True)
class AskedQuestion:
    """A question as the page shows it."""

    question: IntakeQuestion
    fields: list[BoundField]  # its parts
    extras: list[BoundField]  # "I will add this later", consent
    uploads: list[Upload]  # received before
    problems: list[str]  # with files, where the form itself is not validated
    notes: SafeString
    asked_if: str  # JSON: field name -> values, for the page's script

    @property
    def is_compound(self) -> bool:
        return len(self.fields) + len(self.extras) > 1

    @property
    def is_list(self) -> bool:
        return self.question.kind == IntakeQuestion.Kind.REPEAT

    @property
    def columns(self) -> int:
        """Fields of one row of a list."""
        return len(self.question.options.get("parts") or [1])


class Source(NamedTuple):
    """Another subject's form whose answers may serve for this one."""

    prefix: str
    label: str
    is_chosen: bool


class IntakeForm(forms.Form):
    """Validate each question by its kind; questions that do not apply are neither validated nor stored.

    ``earlier``: answers given before, which conditions may name. ``is_partial``: asked after payment, where
    an empty answer is no error; else a required question that can follow after payment may be left for later.
    """

    def __init__(
        self,
        *args: Any,
        questions: Iterable[IntakeQuestion],
        uploads: Mapping[str, Sequence[Upload]] | None = None,
        problems: Mapping[str, list[str]] | None = None,
        earlier: Mapping[str, Any] | None = None,
        is_partial: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.earlier, self.is_partial = dict(earlier or {}), is_partial
        self.problems = problems or {}
        self.asks: dict[str, Ask] = {}
        self.parts: dict[str, dict[str, str]] = {}  # question -> part -> field
        self.answered: dict[str, Any] = {}
        self.missing: list[str] = []
        self.sources: list[Source] = []
        self.copied: int | None = None  # answers that have just come from one of them
        for question in questions:
            self._add(ask_of(question, (uploads or {}).get(self.add_prefix(question.key), ())))

    def _add(self, ask: Ask) -> None:
        question, fields = ask.question, ask.parts()
        if question.is_required and question.may_follow and not self.is_partial:
            fields[LATER] = forms.BooleanField(label=_("I will add this later"), required=False)
        if question.is_third_person:
            fields[CONSENT] = forms.BooleanField(label=consents.THIRD_PERSON, required=False)
        self.asks[question.key] = ask
        self.parts[question.key] = names = {}
        for part, field in fields.items():
            names[part] = f"{question.key}.{part}" if part else question.key
            self.fields[names[part]] = field
            is_own = part not in ("", LATER, CONSENT)
            full_label = f"{question.label} – {field.label}" if is_own else question.label
            field.full_label = full_label  # type: ignore[attr-defined]
        if len(fields) == 1:
            only = self.fields[next(iter(names.values()))]
            only.label, only.help_text = question.label, self.notes(question)
        # Whether it is asked at all shows only later, so to Django the fields themselves are never required.
        if question.is_required and "" in names:
            self.fields[names[""]].is_needed = True  # type: ignore[attr-defined]
        if question.is_required and not (question.may_follow or question.conditions):
            for part in ask.needed_parts:
                self.fields[names[part]].widget.attrs["required"] = True

    # --- validation ---

    def clean(self) -> dict[str, Any]:
        self.answered, self.missing = {}, []
        for key, ask in self.asks.items():
            if ask.question.applies(self.earlier | self.answered):
                self._validate(key, ask)
                continue
            for name in self.parts[key].values():
                self.errors.pop(name, None)
        return self.cleaned_data

    def _validate(self, key: str, ask: Ask) -> None:
        names, question = self.parts[key], ask.question
        first = next(iter(names.values()))
        problems = self.problems.get(self.add_prefix(key), [])
        for problem in problems:
            self.add_error(first, problem)
        if any(name in self.errors for name in names.values()):
            return
        try:
            value = ask.read({part: self.cleaned_data.get(name) for part, name in names.items()})
            self._check_order(question, value)
        except InvalidAnswer as error:
            self.add_error(names[error.part], error.message)
            return
        if value is None:
            self._leave_out(question, first)
        elif CONSENT in names and not self.cleaned_data.get(names[CONSENT]):
            self.add_error(names[CONSENT], _("Please tick this. Without it we may not use the answer."))
        else:
            self.answered[key] = value

    def _check_order(self, question: IntakeQuestion, value: Any) -> None:
        base = (self.earlier | self.answered).get(question.options.get("not_before", ""))
        if base and value and value < base:
            raise InvalidAnswer("", _("This date is before the one above."))

    def _leave_out(self, question: IntakeQuestion, first: str) -> None:
        if not question.is_required:
            return
        later = self.parts[question.key].get(LATER)
        if self.is_partial or (later and self.cleaned_data.get(later)):
            self.missing.append(question.key)
        elif later:
            self.add_error(first, _("Please answer this question, or tick that you will add it later."))
        else:
            self.add_error(first, _("Please answer this question."))

    def answers(self) -> list[dict[str, Any]]:
        """The answers, and the questions left for later, each with its text as it was asked."""
        return [
            answer_of(ask, self.answered.get(key))
            for key, ask in self.asks.items()
            if key in self.answered or key in self.missing
        ]

    # --- showing ---

    @cached_property
    def asked(self) -> list[AskedQuestion]:
        return [self._asked(key, ask) for key, ask in self.asks.items()]

    def _asked(self, key: str, ask: Ask) -> AskedQuestion:
        names = self.parts[key]
        extras = [name for part, name in names.items() if part in (LATER, CONSENT)]
        return AskedQuestion(
            question=ask.question,
            fields=[self[name] for name in names.values() if name not in extras],
            extras=[self[name] for name in extras],
            uploads=ask.uploads,
            problems=[] if self.is_bound else self.problems.get(self.add_prefix(key), []),
            notes=self.notes(ask.question),
            asked_if=self._asked_if(ask.question),
        )

    def _asked_if(self, question: IntakeQuestion) -> str:
        conditions = {
            self.add_prefix(key): values for key, values in question.conditions.items() if key in self.asks
        }
        return json.dumps(conditions) if conditions else ""

    def notes(self, question: IntakeQuestion) -> SafeString:
        """Help, when it is asked, limits of files, why it is asked, how long it is kept: one line each."""
        lines = [*self._conditions(question), question.help, *_file_limits(question), question.purpose]
        if question.is_personal:
            lines.append(_how_long_kept(question))
        return format_html_join("", '<span class="note">{}</span>', ((line,) for line in lines if line))

    def _conditions(self, question: IntakeQuestion) -> list[str]:
        notes = []
        for key, values in question.conditions.items():
            if (other := self.asks.get(key)) is not None:
                answers = other.shown(values)
                text = _("Only if “%(question)s” is answered: %(answers)s.")
                notes.append(text % {"question": other.question.label, "answers": answers})
        return notes


def _how_long_kept(question: IntakeQuestion) -> str:
    """Goods have no report: their answers are kept until some time after the last parcel."""
    if question.product.is_service:
        text = ngettext(
            "Kept for %(days)s day after the report is delivered, then deleted.",
            "Kept for %(days)s days after the report is delivered, then deleted.",
            question.keep_days,
        )
    else:
        text = ngettext(
            "Kept for %(days)s day after the order is shipped, then deleted.",
            "Kept for %(days)s days after the order is shipped, then deleted.",
            question.keep_days,
        )
    return text % {"days": question.keep_days}


def _file_limits(question: IntakeQuestion) -> list[str]:
    if question.kind != FILE:
        return []
    accepted = question.options.get("accept") or list(rules.FILE_TYPES)
    return [
        _("%(types)s, up to %(most)s files of %(mb)s MB each.")
        % {
            "types": ", ".join(name for key, name in rules.FILE_TYPES.items() if key in accepted),
            "most": question.options.get("most", 1),
            "mb": question.options.get("max_mb", rules.MAX_MB),
        }
    ]


def answer_of(ask: Ask, value: Any) -> dict[str, Any]:
    """The answer (None: still missing) with its question as it was asked, in both languages."""
    question = ask.question
    answer = {
        "key": question.key,
        "kind": question.kind,
        "label_zh_hant": question.label_zh_hant,
        "label_en": question.label_en,
        "keep_days": question.keep_days if question.is_personal else None,
        "value": value,
        **dict.fromkeys((f"shown_{column}" for column in LANGUAGE_COLUMNS), ""),
    }
    if value is None:
        return answer | {"is_missing": True}
    for column, language in LANGUAGE_COLUMNS.items():
        with override(language):
            answer[f"shown_{column}"] = ask.shown(value)
    return answer | ({"consent": consents.current_consent()} if question.is_third_person else {})
