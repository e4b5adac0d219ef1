"""Admin forms whose rules the tables alone do not hold."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F
from django.forms.models import BaseInlineFormSet
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from .models import IntakeQuestion, Product, Variant
from .zones import ZONES


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    excluded_zones = forms.MultipleChoiceField(
        label=capfirst(_("not shipped to")),
        choices=list(ZONES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Product
        fields = "__all__"


class VariantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Stock is changed by a difference: a number typed over the old one would undo a sale made meanwhile."""

    stock_change = forms.IntegerField(
        label=capfirst(_("add or take away")),
        required=False,
        min_value=-1_000_000,
        max_value=1_000_000,
        help_text=_("For example 20 or -3."),
    )

    class Meta:
        model = Variant
        exclude = ("on_hand", "reserved")

    def clean_stock_change(self) -> int:
        """The row stays locked until the admin's transaction ends, so what is checked here holds in save."""
        change: int = self.cleaned_data["stock_change"] or 0
        stock = Variant.objects.select_for_update().filter(pk=self.instance.pk).first() or Variant()
        if change and stock.on_hand + change < stock.reserved:
            raise ValidationError(_("More is reserved for open orders than would be left."))
        return change

    def save(self, commit: bool = True) -> Any:
        """Write the changed columns only: reservations may have moved since the form was read."""
        if self.instance.pk is None:
            self.instance.on_hand = self.cleaned_data["stock_change"]
            return super().save(commit)
        columns = {field.name for field in Variant._meta.fields} & set(self.changed_data)
        if columns:
            self.instance.save(update_fields=columns)
        if change := self.cleaned_data["stock_change"]:
            Variant.objects.filter(pk=self.instance.pk).update(on_hand=F("on_hand") + change)
        return self.instance


class TermsFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Every service says what it promises; goods promise nothing of the kind."""

    def clean(self) -> None:
        super().clean()
        given = [form for form in self.forms if form.has_changed() or form.instance.pk]
        kept = [form for form in given if not getattr(form, "cleaned_data", {}).get("DELETE")]
        if self.instance.is_service and not kept:
            raise ValidationError(_("A consulting service needs its terms: working days, unit, capacity."))
        if not self.instance.is_service and kept:
            raise ValidationError(_("Only a consulting service has terms."))


class ChoicesField(forms.CharField):
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


class QuestionForm(forms.ModelForm):  # type: ignore[type-arg]
    choices = ChoicesField(
        label=capfirst(_("choices")), required=False, help_text=_("One a line: value | Chinese | English")
    )

    class Meta:
        model = IntakeQuestion
        fields = "__all__"

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
