"""What a client who wants a copy of everything gets of consulting: reports, messages, and the access log."""

import logging
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from checkout.models import Order
from checkout.signals import Holdings
from shop import clock
from shop.privacy.streamed_zip import Entry

from . import case_messages, report_encryption
from .access import active_key, line_is_open
from .client import overview
from .keys.services import NotOpened
from .models import AccessLog, Case, OrderKey, Report
from .reports import archive, report_files
from .reports import services as reports

logger = logging.getLogger(__name__)


@sensitive_variables()
def holdings(sender: type[Order], order: Order, **_kwargs: Any) -> Holdings:
    """Published reports of what is paid for, opened by the order key; a draft is the consultant's.

    Without a key that is active a copy holds neither reports nor messages: see ``closed``.
    """
    facts: dict[str, Any] = {"cases": []}
    files: list[Iterator[Entry]] = []
    order_key = active_key(order)
    for case in Case.objects.of(order):
        is_open = line_is_open(case.line)
        versions = case.reports.readable()
        facts["cases"].append(_facts_of(case, list(versions), with_messages=order_key is not None))
        if order_key and is_open:
            files += [_files_of(report, order_key) for report in versions]
    if facts["cases"]:
        AccessLog.objects.create(order=order, what=AccessLog.What.COPY, at=clock.now())
    # What the client's page tells, in its words: nobody reads what somebody of the staff signs in with.
    facts["access_log"] = [
        {"at": each.at, "what": each.what, "who": each.who, "case_id": each.case and each.case.pk}
        for each in overview.access_log(order, most=None)
    ]
    facts["order_keys"] = list(order.keys.values("last_group", "state", "issued_at"))
    return Holdings(facts, chain.from_iterable(files))


def closed(sender: type[Order], order: Order, **_kwargs: Any) -> tuple[set[int], str] | None:
    """The services of an order whose key was revoked: the mailbox, where copies go, may be in wrong hands."""
    if not order.keys.exists() or active_key(order):
        return None
    why = _(
        "No order key of this order is valid at present. So the copy holds no reports, no messages and none"
        " of the answers and files that belong to the services. Please contact customer service."
    )
    return set(Case.objects.of(order).values_list("line_id", flat=True)), why


@sensitive_variables()
def _facts_of(case: Case, versions: list[Report], *, with_messages: bool) -> dict[str, Any]:
    return {
        "id": case.pk,
        "line": case.line.position,
        "subject": case.subject,
        "state": case.state,
        "due_on": case.due_on,
        "opened_at": case.opened_at,
        "reports": [
            {"version": r.version, "author": r.author, "published_at": r.published_at} for r in versions
        ],
        "messages": [
            {"at": entry.message.at, "from": entry.name or "client", "text": entry.text}
            for entry in (case_messages.entries(case) if with_messages else ())
        ],
    }


@sensitive_variables()
def _files_of(report: Report, order_key: OrderKey) -> Iterator[Entry]:
    """The text and its files, opened when their turn has come."""
    folder = f"reports/{report.case.line.position}-{report.case.subject}-v{report.version}"
    try:
        opened = reports.open_version(report.case, order_key, report.version)
    except NotOpened:  # the key ended this moment
        return
    except report_encryption.Unreadable:
        logger.error("Report %s does not open with its order key", report.pk)
        yield Entry(f"{folder}.md", _unreadable(report))
        return
    yield Entry(f"{folder}.md", iter([opened.text.document()]), report.published_at)
    for file in opened.text.attachments:
        path = f"{folder}/{archive.safe(file.name)}"
        yield report_files.entry(path, opened, file)


def _unreadable(report: Report) -> Iterator[bytes]:
    raise report_encryption.Unreadable(str(report))
    yield
