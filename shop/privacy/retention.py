"""How long the shop keeps what: one schedule, obeyed by the hourly job and printed on the privacy page.

Each app declares its classes of data when it starts. A class without ``forget`` has no term of its own: it
goes with what it belongs to.

Nothing that fails keeps anything else: each class, and each row that has work of its own, is apart from the
others. What failed is told in the log and on the health page, and tried again with the next hour.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from django.db import transaction
from django.utils.functional import Promise
from django.utils.timezone import localtime

from shop import clock
from shop.background import outbox, peers

logger = logging.getLogger(__name__)

Words: TypeAlias = "str | Promise"
NOT_FORGOTTEN = "privacy.not_forgotten"
MOST_TOLD = 50  # rows of one class an hour


@dataclass(frozen=True)
class DataClass:
    """One class of data. ``position`` is its place on the privacy page."""

    name: str  # for the command and the log
    position: int
    data: Words
    purpose: Words
    kept: Callable[[], str]  # in the reader's language
    overdue: Callable[[], int] | None = None  # how many are past their time
    forget: Callable[[], object] | None = None


@dataclass(frozen=True)
class Question:
    """A question about personal data, as the privacy page lists it."""

    label: str
    purpose: str
    keep_days: int


Questions: TypeAlias = "list[tuple[str, list[Question]]]"  # by what they are asked for

_kinds: dict[str, DataClass] = {}
_questions: list[Callable[[], Questions]] = []


def declare(*kinds: DataClass) -> None:
    _kinds.update({kind.name: kind for kind in kinds})


def declare_questions(source: Callable[[], Questions]) -> None:
    _questions.append(source)


def questions() -> Questions:
    """Whose answers have a term of their own."""
    return [row for source in _questions for row in source()]


def schedule() -> list[DataClass]:
    return sorted(_kinds.values(), key=lambda kind: kind.position)


def overdue() -> Iterator[tuple[DataClass, int | None]]:
    """What ``forget`` would delete now, class by class; None for a class that cannot be counted."""
    for kind in schedule():
        if kind.overdue:
            try:
                count: int | None = kind.overdue()
            except Exception:
                logger.exception("%s: could not be counted", kind.name)
                count = None
            yield kind, count


def forget() -> Iterator[tuple[DataClass, int]]:
    """Delete what is past its time. May be repeated, and stopped at any moment."""
    for kind in schedule():
        if kind.overdue:
            try:
                count = kind.overdue()
                if count and kind.forget:
                    kind.forget()
            except Exception as error:
                note_failure(kind.name, None, error)
            else:
                yield kind, count


def each(name: str, pks: Iterable[int], act: Callable[[int], object]) -> None:
    """Do it with each row, which has a transaction of its own: one that fails keeps none of the others."""
    failed = 0
    for pk in list(pks):
        try:
            act(pk)
        except Exception as error:
            failed += 1
            if failed <= MOST_TOLD:
                note_failure(name, pk, error)


def note_failure(name: str, pk: int | None, error: Exception) -> None:
    """Tell the log and the health page that something was not deleted: which row, never what is in it."""
    logger.error("%s: row %s could not be deleted", name, pk, exc_info=error)
    hour, kind = f"{localtime(clock.now()):%Y-%m-%d %H}", type(error).__name__
    with transaction.atomic():
        outbox.publish(NOT_FORGOTTEN, key=f"{name}:{pk}:{hour}", name=name, row=pk, error=kind)


@outbox.subscribe(NOT_FORGOTTEN, peer=peers.LOCAL)
def _told(name: str, row: int | None, error: str) -> None:
    """Nothing is left to do: the health page reads the message itself."""
