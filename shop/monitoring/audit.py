"""Audit checks of money, goods and mails: the types in which apps report what is not as it must be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

MAX_FINDINGS = 50  # rows of one check that are looked for and shown


class NotRepaired(Exception):
    """The repair failed; the text says why, for the person who pressed the button."""


@dataclass(frozen=True)
class Repair:
    """A button beside a finding. ``act`` gets the user's name, may be repeated, may raise NotRepaired."""

    label: str
    act: Callable[[str], object] = field(repr=False)
    permission: str = "payments.change_payment"


@dataclass(frozen=True)
class Finding:
    """One row that is not as it must be, and what helps."""

    key: str  # names the row within its check
    text: str
    advice: str
    url: str = ""  # the row's page in the admin
    repair: Repair | None = None
    is_red: bool = True  # False: nothing is wrong yet, but somebody should know


@dataclass(frozen=True)
class Check:
    """The result of one check: a title, and the rows that are not as they must be."""

    name: str  # the same for ever: for scripts and outbox keys
    title: str  # in plain words
    findings: tuple[Finding, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()  # figures, under ``headings``
    is_cut: bool = False  # there are more findings than are shown

    @property
    def state(self) -> Literal["ok", "note", "red"]:
        if any(finding.is_red for finding in self.findings):
            return "red"
        return "note" if self.findings else "ok"


Checks = dict[str, Callable[[], Check]]  # by name: what runs each


def check(name: str, title: str, findings: Iterable[Finding]) -> Check:
    """Make a check of at most ``MAX_FINDINGS`` findings."""
    every = tuple(findings)
    return Check(name, title, every[:MAX_FINDINGS], is_cut=len(every) > MAX_FINDINGS)
