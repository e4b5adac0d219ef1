"""How long the shop keeps what: one schedule, obeyed by the hourly job and printed on the privacy page.

Each app declares its classes of data when it starts. A class without ``forget`` has no term of its own: it
goes with what it belongs to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from django.utils.functional import Promise

Words: TypeAlias = "str | Promise"


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


def overdue() -> Iterator[tuple[DataClass, int]]:
    """What ``forget`` would delete now, class by class."""
    for kind in schedule():
        if kind.overdue:
            yield kind, kind.overdue()


def forget() -> Iterator[tuple[DataClass, int]]:
    """Delete what is past its time. May be repeated, and stopped at any moment."""
    for kind, count in overdue():
        if count and kind.forget:
            kind.forget()
        yield kind, count
