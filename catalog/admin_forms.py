"""Admin forms whose rules the tables alone do not hold."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shop.typed_values.characters import fold_code
from shop.typed_values.fields import LineField, TextField, WholeNumberField
from shop.typed_values.promised_days import check_year

from . import stock_receipts
from .models import IntakeQuestion, Product, StockReceipt, Variant
from .question_options import FILE_TYPES, MAX_ENTRIES, MAX_MB, PART_KINDS
from .shipping_zones import EXCLUDABLE


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    excluded_zones = forms.MultipleChoiceField(
        label=capfirst(_("not shipped to")),
        choices=list(EXCLUDABLE.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Product
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "max_per_order" in self.fields:
            text = gettext("All variants together. Empty: %(n)s of each.")
            self.fields["max_per_order"].help_text = text % {"n": settings.MOST_PER_ORDER}

    def clean_code(self) -> str:
        return fold_code(self.cleaned_data["code"])

    def clean_available_from(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["available_from"]
        check_year(day)
        return day


class VariantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Stock is changed by a difference: a number typed over the old one would undo a sale made meanwhile."""

    stock_change = WholeNumberField(
        label=capfirst(_("add or take away")),
        required=False,
        min_value=-1_000_000,
        max_value=1_000_000,
        help_text=_("For example 20 or -3."),
    )

    stock_note = LineField(
        label=capfirst(_("reason")),
        required=False,
        max_length=StockReceipt._meta.get_field("note").max_length,
        help_text=_("For example “counted” or a delivery note's number."),
    )
    weight_g = WholeNumberField(label=capfirst(_("weight in grams")), initial=0, min_value=0, unit="g")
    actor = ""  # who changes the stock; the admin sets it

    class Meta:
        model = Variant
        exclude = ("on_hand", "reserved")

    def clean_sku(self) -> str:
        return fold_code(self.cleaned_data["sku"])

    def clean_stock_change(self) -> int:
        """The row stays locked until the admin's transaction ends, so what is checked here holds in save."""
        change: int = self.cleaned_data["stock_change"] or 0
        stock = self._locked()
        if change and stock.on_hand + change < stock.reserved:
            raise ValidationError(_("More is reserved for open orders than would be left."))
        return change

    def _locked(self) -> Variant:
        """All variants of the product are locked, in the order in which orders lock them: no deadlock."""
        rows = Variant.objects.select_for_update().filter(product_id=self.instance.product_id).order_by("pk")
        return next((row for row in rows if row.pk == self.instance.pk), Variant())

    def save(self, commit: bool = True) -> Any:
        """Write the changed columns only: reservations may have moved since the form was read."""
        change, note = self.cleaned_data["stock_change"], self.cleaned_data["stock_note"]
        if self.instance.pk is None:
            self.instance.on_hand = change
            return super().save(commit)
        columns = {field.name for field in Variant._meta.fields} & set(self.changed_data)
        if columns:
            self.instance.save(update_fields=columns)
        if change:
            stock_receipts.change(self.instance, change, by=self.actor, note=note)
        return self.instance

    def _save_m2m(self) -> None:
        """Called when a new variant has been saved, at once or later."""
        super()._save_m2m()  # type: ignore[misc]
        stock_receipts.book([self.instance], by=self.actor, note=self.cleaned_data["stock_note"])


class TermsFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Every service says what it promises; goods promise nothing of the kind."""

    def clean(self) -> None:
        super().clean()
        filled = [form for form in self.forms if form.has_changed() or form.instance.pk]
        remaining = [form for form in filled if not getattr(form, "cleaned_data", {}).get("DELETE")]
        if self.instance.is_service and not remaining:
            raise ValidationError(_("A consulting service needs its terms: working days, unit, capacity."))
        if not self.instance.is_service and remaining:
            raise ValidationError(_("Only a consulting service has terms."))


class ChoicesField(TextField):
    """The answers one can choose from, one a line: ``value | Chinese | English``."""

    widget = forms.Textarea(attrs={"rows": 5, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(f"{choice['value']} | {choice['zh_hant']} | {choice['en']}" for choice in value)

    def to_python(self, value: Any) -> Any:
        choices = []
        for line in (super().to_python(value) or "").splitlines():
            parts = [part.strip() for part in line.split("|")]
            if not line.strip():
                continue
            if len(parts) != 3 or not all(parts):
                raise ValidationError(_("One choice a line, as: value | Chinese | English."))
            choices.append(dict(zip(("value", "zh_hant", "en"), parts, strict=True)))
        return choices

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class PartsField(ChoicesField):
    """What one entry of a list consists of, one a line: ``key | kind | Chinese | English``."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(
            f"{part['key']} | {part['kind']} | {part['zh_hant']} | {part['en']}" for part in value
        )

    def to_python(self, value: Any) -> Any:
        parts = []
        for line in (TextField.to_python(self, value) or "").splitlines():
            if not line.strip():
                continue
            texts = [text.strip() for text in line.split("|")]
            if len(texts) != 4 or not all(texts) or texts[1] not in PART_KINDS:
                raise ValidationError(_("One part a line, as: key | text, year or date | Chinese | English."))
            parts.append(dict(zip(("key", "kind", "zh_hant", "en"), texts, strict=True)))
        return parts


class ConditionsField(TextField):
    """When a question is asked, one condition a line: ``key = value, value``."""

    widget = forms.Textarea(attrs={"rows": 2, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{key} = {', '.join(values)}" for key, values in value.items())

    def to_python(self, value: Any) -> Any:
        conditions = {}
        for line in (super().to_python(value) or "").splitlines():
            if not line.strip():
                continue
            key, _sign, texts = line.partition("=")
            values = [text.strip() for text in texts.split(",") if text.strip()]
            if not key.strip() or not values:
                raise ValidationError(_("One condition a line, as: key = value, value."))
            conditions[key.strip()] = values
        return conditions

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class QuestionForm(forms.ModelForm):  # type: ignore[type-arg]
    """The options stand as fields of their own; each kind of question takes those that it has."""

    choices = ChoicesField(
        label=capfirst(_("choices")), required=False, help_text=_("One a line: value | Chinese | English")
    )
    # It may name characters that nobody types.
    pattern = forms.CharField(
        label=capfirst(_("pattern (regular expression)")),
        required=False,
        max_length=IntakeQuestion._meta.get_field("pattern").max_length,
    )
    option_min = WholeNumberField(label=_("Smallest number"), required=False)
    option_max = WholeNumberField(label=_("Largest number"), required=False)
    option_lunar = forms.BooleanField(label=_("Solar or lunar calendar can be chosen"), required=False)
    option_past = forms.BooleanField(label=_("Not in the future"), required=False)
    option_days_ahead = WholeNumberField(
        label=_("At least so many days from now"), required=False, min_value=1, max_value=365
    )
    option_not_before = forms.SlugField(
        label=_("Not before the date asked as (key)"), required=False, max_length=40
    )
    option_most = WholeNumberField(
        label=_("Most entries or files"), required=False, min_value=1, max_value=MAX_ENTRIES
    )
    option_parts = PartsField(
        label=_("Parts of an entry"),
        required=False,
        help_text=_("One a line: key | text, year or date | Chinese | English. Empty: one short text."),
    )
    option_accept = forms.MultipleChoiceField(
        label=_("File types"),
        required=False,
        choices=list(FILE_TYPES.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    option_max_mb = WholeNumberField(
        label=_("Largest file in MB"), required=False, min_value=1, max_value=MAX_MB
    )
    option_conditions = ConditionsField(
        label=_("Asked only if"),
        required=False,
        help_text=_("One condition a line: key of an earlier question = value, value. Empty: always."),
    )

    class Meta:
        model = IntakeQuestion
        exclude = ("options",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.instance.options.items():
            self.initial.setdefault(f"option_{name}", value)

    def clean_pattern(self) -> str:
        pattern: str = self.cleaned_data["pattern"]
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValidationError(_("This is not a regular expression: %(why)s") % {"why": error}) from None
        return pattern

    def clean(self) -> None:
        super().clean()
        has_list = self.cleaned_data.get("kind") in {IntakeQuestion.Kind.CHOICE, IntakeQuestion.Kind.MULTI}
        if has_list and "choices" not in self.errors and not self.cleaned_data["choices"]:
            self.add_error("choices", _("Please list the answers to choose from."))
        if self.cleaned_data.get("may_follow") and not self.cleaned_data.get("is_required"):
            self.add_error("may_follow", _("Only a required question can follow: others may be left out."))
        self.instance.options = {
            name.removeprefix("option_"): value
            for name, value in self.cleaned_data.items()
            if name.startswith("option_") and value not in (None, "", False, [], {})
        }


class QuestionFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Conditions name other questions, so they are judged together."""

    def clean(self) -> None:
        super().clean()
        if not any(self.errors):
            gone = self.deleted_forms
            remaining = [form.instance for form in self.forms if form not in gone and form.instance.key]
            check_together(remaining)


def check_together(questions: Iterable["IntakeQuestion"]) -> None:
    """Conditions and comparisons name questions that are there, stand before, and are certain to be answered.

    Raises ValidationError.
    """
    earlier: dict[str, IntakeQuestion] = {}
    for question in sorted(questions, key=lambda each: each.position):
        for key, values in question.conditions.items():
            other = earlier.get(key)
            if other is None or not other.has_list:
                raise ValidationError(
                    gettext(
                        "“%(question)s” depends on “%(key)s”, no earlier question with a list of answers."
                    )
                    % {"question": question.label, "key": key}
                )
            if other.may_follow:
                raise ValidationError(
                    gettext(
                        "“%(question)s” depends on “%(key)s”, which therefore cannot follow after payment."
                    )
                    % {"question": question.label, "key": key}
                )
            if unknown := set(values) - other.possible_answers:
                raise ValidationError(
                    gettext("“%(question)s” depends on an answer that “%(key)s” does not have: %(answers)s.")
                    % {"question": question.label, "key": key, "answers": ", ".join(sorted(unknown))}
                )
        base = question.options.get("not_before")
        if base and (base not in earlier or earlier[base].kind != question.kind):
            raise ValidationError(
                gettext("“%(question)s” is compared with “%(key)s”, which is no earlier date.")
                % {"question": question.label, "key": base}
            )
        earlier[question.key] = question
