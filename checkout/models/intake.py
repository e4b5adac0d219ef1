"""What a consultant must know: answers about a line, sealed, and files that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.crypto import EncryptedJSONField
from shop.l10n.languages import current_column

from .draft import Draft
from .order import OrderLine


@dataclass(frozen=True)
class AnswerRow:
    """One question and its answer in the reader's language, as a page shows them."""

    label: str
    text: str
    files: list[dict[str, Any]] = field(default_factory=list)  # of a file question: id, name, size
    is_missing: bool = False
    is_forgotten: bool = False
    consent: dict[str, str] | None = None  # of another person: text, version, language, at


class Intake(models.Model):
    """The answers about one subject of a line (1…quantity), or the line's contact block (subject 0). Sealed.

    ``answers`` is a list of {"key", "kind", "label_zh_hant", "label_en", "value", "shown_zh_hant",
    "shown_en"}: the questions as they were asked, so a question edited later does not change an old answer.
    One that was left for later has "is_missing" instead of a value, one whose time is over "is_forgotten"; a
    personal one has "keep_days" (after delivery), one about another person "consent".
    """

    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="intakes")
    subject = models.PositiveSmallIntegerField()
    answers = EncryptedJSONField(default=list)
    is_complete = models.BooleanField(default=True)  # no required answer is missing
    next_keep_days = models.PositiveSmallIntegerField(null=True)  # the shortest of the answers still kept
    typed = EncryptedJSONField(default=dict)  # on the page that asks for the missing ones, to go on later

    class Meta:
        ordering = ["line", "subject"]
        verbose_name = _("consultation details")
        verbose_name_plural = _("consultation details")
        constraints = [models.UniqueConstraint(fields=["line", "subject"], name="one_intake_per_subject")]

    def __str__(self) -> str:
        return f"{self.line_id}/{self.subject}"

    @property
    def rows(self) -> list[AnswerRow]:
        column = current_column()
        answers: list[dict[str, Any]] = self.answers
        return [
            AnswerRow(
                label=answer[f"label_{column}"],
                text=answer[f"shown_{column}"],
                files=answer["value"] if answer.get("kind") == "file" and answer["value"] else [],
                is_missing=bool(answer.get("is_missing")),
                is_forgotten=bool(answer.get("is_forgotten")),
                consent=answer.get("consent"),
            )
            for answer in answers
        ]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """(question, answer) pairs in the reader's language."""
        return [(row.label, row.text) for row in self.rows]

    @property
    def missing_keys(self) -> list[str]:
        """The questions that were left for later."""
        answers: list[dict[str, Any]] = self.answers
        return [answer["key"] for answer in answers if answer.get("is_missing")]


class Upload(models.Model):
    """A file that belongs to an answer. Its content lies sealed in a private folder.

    It hangs on the draft in which it was sent, and on the intakes of the orders made of that draft. See
    ``checkout.intake.uploads``.
    """

    draft = models.ForeignKey(Draft, models.SET_NULL, null=True, related_name="uploads")
    intakes = models.ManyToManyField(Intake, related_name="uploads")
    field = models.CharField(max_length=100)  # the form field it was sent in
    name = EncryptedJSONField()  # as its owner calls it
    kind = models.CharField(max_length=8)  # pdf, jpeg, png
    size = models.PositiveIntegerField()
    stored_as = models.CharField(max_length=60, unique=True)
    uploaded_at = models.DateTimeField()
    # Whence it came: a digest, until it is paid for. Its share of the room is counted by it.
    surroundings = models.CharField(max_length=32, default="", db_default="")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"upload {self.pk}"
