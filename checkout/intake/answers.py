"""The answers of an order: how they are stored, what of them is missing, and how that comes in later."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog.models import IntakeQuestion, in_language
from checkout.models import Intake, Order, OrderLine
from shop import clock
from shop.background import outbox

from . import uploads

REMIND_AFTER = dt.timedelta(days=3)
Answers = list[dict[str, Any]]


@dataclass(frozen=True)
class MissingAnswer:
    """A required answer that the buyer has left for later."""

    line: OrderLine
    subject: int
    key: str
    label_zh_hant: str
    label_en: str

    @property
    def label(self) -> str:
        return in_language(self, "label")  # type: ignore[arg-type]


def write(order: Order, subjects: Iterable[tuple[OrderLine, int, Answers]]) -> None:
    """Store the answers of an order that is being placed, and give it the files of its draft."""
    intakes = Intake.objects.bulk_create(
        Intake(
            line=line,
            subject=subject,
            answers=stamped(answers),
            is_complete=_is_complete(answers),
            next_keep_days=_next_keep_days(answers),
        )
        for line, subject, answers in subjects
    )
    has_files = any(answer.get("kind") == "file" for intake in intakes for answer in intake.answers)
    if order.draft_id and has_files:
        uploads.attach(order.draft_id, intakes)


def stamped(answers: Answers) -> Answers:
    """Consents get the moment in which they are stored."""
    now = clock.now().isoformat()
    return [
        answer | {"consent": {"at": now, **answer["consent"]}} if "consent" in answer else answer
        for answer in answers
    ]


def _is_complete(answers: Answers) -> bool:
    return not any(answer.get("is_missing") for answer in answers)


def _next_keep_days(answers: Answers) -> int | None:
    present = [answer for answer in answers if not answer.get("is_forgotten")]
    return min((days for answer in present if (days := answer.get("keep_days")) is not None), default=None)


def incomplete(order: Order) -> list[Intake]:
    """The subjects with missing answers, in the order of the lines; without refunded lines."""
    intakes = Intake.objects.filter(line__order=order, is_complete=False).select_related("line")
    return [intake for intake in intakes.order_by("line__position", "subject") if not intake.line.is_refunded]


def missing_answers(order: Order) -> list[MissingAnswer]:
    """Every required answer that is still missing."""
    return [
        MissingAnswer(intake.line, intake.subject, answer["key"], answer["label_zh_hant"], answer["label_en"])
        for intake in incomplete(order)
        for answer in intake.answers
        if answer.get("is_missing")
    ]


def questions_left(intake: Intake) -> list[IntakeQuestion]:
    """The missing questions as the catalogue has them now, without those deleted since."""
    product = intake.line.variant.product
    return list(product.questions.filter(key__in=intake.missing_keys))


def publish_details_missing(order: Order) -> None:
    """Publish the mail that asks for missing answers, and its reminder.

    Needs the transaction that pays the order.
    """
    if incomplete(order):
        outbox.publish("mail.details_missing", key=order.number, order_id=order.pk)
        outbox.publish("mail.details_reminder", key=order.number, due_in=REMIND_AFTER, order_id=order.pk)


@transaction.atomic
def add_answers(intake: Intake, new: Mapping[str, dict[str, Any]], *, typed: Mapping[str, Any]) -> Intake:
    """Store the new answers (by key) where they are missing, and keep what was typed for the others.

    Raises Intake.DoesNotExist where the order was erased meanwhile.
    An answer that is already there is never replaced. With a line's last missing answer the outbox topic
    ``intake.completed`` (key: the line's id) is published.
    """
    Order.objects.select_for_update().get(lines=intake.line_id)  # the last answer must know it is the last
    intake = Intake.objects.select_for_update().get(pk=intake.pk)
    stored = {answer["key"]: answer for answer in stamped(list(new.values()))}
    intake.answers = [
        stored.get(answer["key"], answer) if answer.get("is_missing") else answer for answer in intake.answers
    ]
    was_complete = intake.is_complete
    intake.is_complete = _is_complete(intake.answers)
    intake.typed = {} if intake.is_complete else dict(typed)
    intake.save(update_fields=["answers", "is_complete", "typed"])
    is_last = intake.is_complete and not was_complete
    if is_last and not Intake.objects.filter(line=intake.line_id, is_complete=False).exists():
        outbox.publish("intake.completed", key=str(intake.line_id), line_id=intake.line_id)
    return intake


@transaction.atomic
def erase_expired(intake_id: int, *, delivered_at: dt.datetime) -> None:
    """Delete the answers, and their files, whose days after the delivery of report or goods are over."""
    intake = Intake.objects.select_for_update().get(pk=intake_id)
    files: list[int] = []
    answers = []
    for answer in intake.answers:
        days = answer.get("keep_days")
        is_over = days is not None and delivered_at + dt.timedelta(days=days) <= clock.now()
        if is_over and not answer.get("is_forgotten"):
            files += [file["id"] for file in answer["value"] or []] if answer["kind"] == "file" else []
            answers.append(_erased(answer))
        else:
            answers.append(answer)
    intake.answers, intake.next_keep_days = answers, _next_keep_days(answers)
    intake.save(update_fields=["answers", "next_keep_days"])
    uploads.detach(intake, files)


def _erased(answer: dict[str, Any]) -> dict[str, Any]:
    """The entry with its question and without its answer."""
    question = {name: value for name, value in answer.items() if name not in {"consent", "is_missing"}}
    return question | {"value": None, "shown_zh_hant": "", "shown_en": "", "is_forgotten": True}
