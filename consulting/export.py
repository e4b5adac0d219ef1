"""What a client who wants a copy of everything gets of consulting: reports, messages, and the access log."""

import logging
from typing import Any

from django.views.decorators.debug import sensitive_variables

from checkout.models import Order
from checkout.signals import Holdings
from shop import clock
from shop.models import AuditEntry

from . import case_messages, report_encryption
from .access import line_is_open
from .models import AccessLog, Case, Report
from .reports import archive, report_files

logger = logging.getLogger(__name__)


@sensitive_variables()
def holdings(sender: type[Order], order: Order, **_kwargs: Any) -> Holdings:
    """Published reports of what is paid for; a draft is the consultant's."""
    facts: dict[str, Any] = {"cases": []}
    files: dict[str, bytes] = {}
    for case in Case.objects.of(order):
        is_open = line_is_open(case.line)
        reports = case.reports.readable()
        facts["cases"].append(_facts_of(case, list(reports)))
        for report in reports if is_open else ():
            files |= _files_of(report)
    if facts["cases"]:
        AccessLog.objects.create(order=order, what=AccessLog.What.COPY, at=clock.now())
    facts["access_log"] = list(order.access_log.values("at", "what", "who", "case_id"))
    looks = AuditEntry.objects.filter(order_number=order.number, deed=AuditEntry.Deed.LOOK)
    facts["looks_of_staff"] = list(looks.values("at", "page", "subject"))
    facts["order_keys"] = list(order.keys.values("last_group", "state", "issued_at"))
    return Holdings(facts, files)


@sensitive_variables()
def _facts_of(case: Case, reports: list[Report]) -> dict[str, Any]:
    return {
        "id": case.pk,
        "line": case.line.position,
        "subject": case.subject,
        "state": case.state,
        "due_on": case.due_on,
        "opened_at": case.opened_at,
        "reports": [
            {"version": r.version, "author": r.author, "published_at": r.published_at} for r in reports
        ],
        "messages": [
            {"at": entry.message.at, "from": entry.name or "client", "text": entry.text}
            for entry in case_messages.entries(case)
        ],
    }


@sensitive_variables()
def _files_of(report: Report) -> dict[str, bytes]:
    """The text and its files, by their place in the copy."""
    folder = f"reports/{report.case.line.position}-{report.case.subject}-v{report.version}"
    try:
        opened = report_encryption.admitted_from_escrow(report)
        files = {f"{folder}.md": opened.text.document()}
        for file in opened.text.attachments:
            files[f"{folder}/{archive.safe(file.name)}"] = b"".join(report_files.read(opened, file))
    except report_encryption.Unreadable:
        logger.error("Report %s does not open from escrow", report.pk)
        return {}
    return files
