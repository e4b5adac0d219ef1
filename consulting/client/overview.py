"""What the key page shows: how far each report is, what we wait for, and who has opened what."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from checkout.intake import answers
from checkout.intake.answers import MissingAnswer
from checkout.models import Order
from consulting.access import line_is_open
from consulting.case_messages import names_of
from consulting.models import AccessLog, Case, Report

SHOWN_AT_FIRST = 10
What = AccessLog.What
BY_SERVICE = {What.KEY_SENT, What.KEY_REPLACED, What.KEY_REVOKED, What.READDRESSED}


@dataclass(frozen=True)
class CaseSummary:
    """One report of the order, or what there is of it."""

    case: Case
    is_open: bool
    report: Report | None  # the latest published version
    missing: list[MissingAnswer]  # about its subject, or about the whole line

    @property
    def has_news(self) -> bool:
        return self.is_open and bool(getattr(self.case, "news_for_client", False))


def case_summaries(order: Order) -> list[CaseSummary]:
    cases = list(Case.objects.of(order).with_news())
    readable = Report.objects.readable().filter(case__in=cases).order_by("version")
    latest = {report.case_id: report for report in readable.defer("body", "escrow_wrap", "client_wrap")}
    missing = answers.missing_answers(order)
    return [
        CaseSummary(
            case,
            line_is_open(case.line),
            latest.get(case.pk),
            [m for m in missing if m.line.pk == case.line_id and m.subject in {0, case.subject}],
        )
        for case in cases
    ]


@dataclass(frozen=True)
class DescribedAccess:
    """A line of the access log in words."""

    entry: AccessLog
    who: str


def access_log(order: Order) -> QuerySet[AccessLog]:
    """Newest first."""
    return order.access_log.select_related("case__line__order")


def described(accesses: Iterable[AccessLog]) -> list[DescribedAccess]:
    entries = list(accesses)
    names = names_of({entry.who for entry in entries})
    return [DescribedAccess(entry, _who(entry, names.get(entry.who, ""))) for entry in entries]


def _who(entry: AccessLog, name: str) -> str:
    if not entry.who:
        return _("You, or whoever has your order key")
    if entry.what in BY_SERVICE:
        return _("Customer service")
    return _("Consultant %(name)s") % {"name": name} if name else _("Your consultant")
