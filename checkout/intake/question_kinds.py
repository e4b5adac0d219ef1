"""Which way of asking belongs to which kind of question."""

from collections.abc import Sequence

from catalog.models import IntakeQuestion
from checkout.models import Upload

from .asks import (
    Ask,
    AskChoice,
    AskDate,
    AskFile,
    AskLongText,
    AskMonth,
    AskMulti,
    AskNumber,
    AskTime,
    AskYesNo,
)
from .composite_asks import AskCalendarDate, AskPerson, AskRepeat

Kind = IntakeQuestion.Kind

ASKS: dict[str, type[Ask]] = {
    Kind.TEXT: Ask,
    Kind.LONG_TEXT: AskLongText,
    Kind.NUMBER: AskNumber,
    Kind.DATE: AskDate,
    Kind.TIME: AskTime,
    Kind.MONTH: AskMonth,
    Kind.CHOICE: AskChoice,
    Kind.MULTI: AskMulti,
    Kind.YES_NO: AskYesNo,
    Kind.PERSON: AskPerson,
    Kind.REPEAT: AskRepeat,
    Kind.FILE: AskFile,
}


def ask_of(question: IntakeQuestion, uploads: Sequence[Upload] = ()) -> Ask:
    """How the question is asked, with the files received for it before."""
    if question.kind == Kind.DATE and question.options.get("lunar"):
        return AskCalendarDate(question, uploads)
    return ASKS[question.kind](question, uploads)
