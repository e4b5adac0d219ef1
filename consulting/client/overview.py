"""What the key page shows: how far each report is, what we wait for, and who has opened what."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import TruncHour
from django.utils.translation import gettext as _

from checkout.intake import answers
from checkout.intake.answers import MissingAnswer
from checkout.models import Order
from consulting.access import line_is_open
from consulting.case_messages import names_of
from consulting.models import AccessLog, Case, Report
from shop.audit import trail
from shop.models import AuditEntry

SHOWN_AT_FIRST = 10
MOST_SHOWN = 1000
What = AccessLog.What
LOOKS = {What.REPORT, What.FILE, What.DOWNLOAD}
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

    at: dt.datetime
    what: str
    who: str
    case: Case | None = None


def access_log(order: Order, *, most: int | None = MOST_SHOWN) -> list[DescribedAccess]:
    """What was opened of the order, by whomever, newest first: the newest ``most`` of each kind.

    What others opened, and each use of the key, is never pushed out by the looks of whoever has the key.
    """
    log = order.access_log.select_related("case__line__order")
    own = log.filter(who="")
    kinds = (log.exclude(who=""), own.filter(what__in=LOOKS), own.exclude(what__in=LOOKS))
    entries = [entry for kind in kinds for entry in kind[:most]]
    names = names_of({entry.who for entry in entries})
    opened = [
        DescribedAccess(entry.at, entry.get_what_display(), _who(entry, names.get(entry.who, "")), entry.case)
        for entry in entries
    ]
    return sorted([*opened, *_looks_of_staff(order, most)], key=lambda access: access.at, reverse=True)


def _looks_of_staff(order: Order, most: int | None) -> list[DescribedAccess]:
    """Whatever page about the order was answered to staff, by a form or a link: what they saw counts, not
    what the trail calls the deed. Each page once an hour: whoever works on an order opens it again and again.
    """
    entries = AuditEntry.objects.filter(order_number=order.number, status=HTTPStatus.OK)
    opened = (
        entries.annotate(
            hour=TruncHour("at"),
            is_clients=Q(detail__startswith=trail.CLIENTS_PAGE),
            is_desks=Q(page__startswith="consulting:"),
        )
        .values("actor", "subject", "hour", "is_clients", "is_desks")
        .annotate(last=Max("at"))
        .order_by("-last")
    )
    return [DescribedAccess(each["last"], _looked_at(each), _("The shop's staff")) for each in opened[:most]]


def _looked_at(opened: Mapping[str, Any]) -> str:
    if opened["is_clients"]:
        return _("Your own page of the order opened")
    if opened["is_desks"]:
        return _("Case opened in the consultants' workspace")
    return {
        "payments.payment": _("Payment opened"),
        "payments.refund": _("Refund opened"),
        "consulting.orderkey": _("Page about the order key opened, without the key"),
        "consulting.case": _("Case opened, without details and report"),
    }.get(opened["subject"], _("Order opened"))


def _who(entry: AccessLog, name: str) -> str:
    if not entry.who:
        return _("You, or whoever has your order key")
    if entry.what in BY_SERVICE:
        return _("Customer service")
    return _("Consultant %(name)s") % {"name": name} if name else _("Your consultant")
