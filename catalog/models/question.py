"""What is asked about a product at checkout."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog import question_options

from .fields import in_language
from .product import Product


class IntakeQuestion(models.Model):
    """What must be known before the work can begin. Asked once per subject at checkout."""

    class Kind(models.TextChoices):
        TEXT = "text", _("one line")
        LONG_TEXT = "long_text", _("several lines")
        NUMBER = "number", _("number")
        DATE = "date", _("date")
        TIME = "time", _("time, or unknown")
        MONTH = "month", _("month")
        CHOICE = "choice", _("one of a list")
        MULTI = "multi", _("several of a list")
        YES_NO = "yes_no", _("yes or no")
        PERSON = "person", _("person: name, birth, place")
        REPEAT = "repeat", _("list of short entries")
        FILE = "file", _("files")

    product = models.ForeignKey(Product, models.CASCADE, related_name="questions", verbose_name=_("product"))
    key = models.SlugField(_("key"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TEXT)
    label_zh_hant = models.CharField(_("question (Chinese)"), max_length=200)
    label_en = models.CharField(_("question (English)"), max_length=200)
    help_zh_hant = models.CharField(_("help (Chinese)"), max_length=300, blank=True)
    help_en = models.CharField(_("help (English)"), max_length=300, blank=True)
    # [{"value": "n", "zh_hant": "北", "en": "North"}, ...]
    choices = models.JSONField(_("choices"), default=list, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)  # see question_options
    is_required = models.BooleanField(_("required"), default=False)
    may_follow = models.BooleanField(
        _("can follow after payment"), default=False, help_text=_("The buyer may leave it for later.")
    )
    is_personal = models.BooleanField(_("personal data"), default=False)
    is_third_person = models.BooleanField(
        _("about another person"), default=False, help_text=_("Their consent is asked for with the answer.")
    )
    purpose_zh_hant = models.CharField(
        _("why we ask (Chinese)"), max_length=200, blank=True, help_text=_("Stands at the question.")
    )
    purpose_en = models.CharField(_("why we ask (English)"), max_length=200, blank=True)
    keep_days = models.PositiveSmallIntegerField(_("days kept after delivery"), default=180)
    max_length = models.PositiveSmallIntegerField(_("longest answer"), default=200)
    pattern = models.CharField(_("pattern (regular expression)"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [models.UniqueConstraint(fields=["product", "key"], name="question_key_per_product")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return in_language(self, "label")

    @property
    def help(self) -> str:
        return in_language(self, "help")

    @property
    def purpose(self) -> str:
        return in_language(self, "purpose")

    @property
    def conditions(self) -> dict[str, list[str]]:
        """Asked only when each of these earlier questions (keys) was answered with one of the values."""
        return dict(self.options.get("conditions", {}))

    def applies(self, answers: Mapping[str, Any]) -> bool:
        """Whether the question is asked, after these answers to earlier ones (key -> value or values)."""
        for key, values in self.conditions.items():
            answer = answers.get(key)
            chosen = answer if isinstance(answer, list) else [answer]
            if not set(values) & set(chosen):
                return False
        return True

    @property
    def has_list(self) -> bool:
        return self.kind in {self.Kind.CHOICE, self.Kind.MULTI, self.Kind.YES_NO}

    @property
    def possible_answers(self) -> set[str]:
        if self.kind == self.Kind.YES_NO:
            return {"yes", "no"}
        return {choice["value"] for choice in self.choices}

    def clean(self) -> None:
        question_options.check_options(self.kind, self.options)
