"""What can happen to cases and their reports."""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from checkout.models import Intake, Order
from checkout.orders import cancellations
from consulting import access, report_document, report_encryption
from consulting.access import is_open, line_is_open
from consulting.keys.services import NotOpened, SealedKeyDamaged, lock_active_key, read_key
from consulting.models import AccessLog, Case, OrderKey, Report
from consulting.report_document import ReportDocument
from shop import clock
from shop.background import outbox
from shop.devstack.failpoints import failpoint

from . import report_files

logger = logging.getLogger(__name__)


class AlreadyTaken(Exception):
    """Another consultant has the case."""


class NotFree(Exception):
    """Nothing is left to write, or the consultant had the case before: only the merchant gives it to them."""


class CancellationAsked(Exception):
    """The client has asked to cancel the service before anybody began: the merchant answers first."""


class NewerDraft(Exception):
    """The draft was saved elsewhere since its writer last saw it."""


class NothingToPublish(Exception):
    """There is no such draft, or what it is for is not paid for (any more)."""


class NoteMissing(Exception):
    """A later version does not say what is different from the one before."""


# --- cases ---


def _locked(case: Case) -> Case:
    return Case.objects.select_for_update(of=("self",)).with_order().get(pk=case.pk)


def _locked_to_write(case: Case, author: User) -> Case:
    """The same, order first, for somebody who writes: asked again, for it may be erased or another's by now.

    Raises NotAssigned.
    """
    Order.objects.lock(case.order.pk)
    case = _locked(case)
    if not access.is_assigned(author, case):
        raise report_encryption.NotAssigned(str(case))
    return case


@transaction.atomic
def assign(case: Case, consultant: User, *, only_if_free: bool = False) -> Case:
    """Give the case to a consultant, who with ``only_if_free`` takes it.

    Raises CancellationAsked; with ``only_if_free`` AlreadyTaken and NotFree, too.
    """
    if case.state == Case.State.UNASSIGNED:
        Order.objects.lock(case.order.pk)  # begun or cancelled, whichever comes first
    case = _locked(case)
    if case.state == Case.State.UNASSIGNED and cancellations.has_open_cancellation(case.line):
        raise CancellationAsked(str(case))
    if case.consultant_id == consultant.pk:
        return case
    if only_if_free and case.consultant_id is not None:
        raise AlreadyTaken(str(case))
    if only_if_free and not access.may_take(consultant, case):
        raise NotFree(str(case))
    case.consultant = consultant
    if case.state == Case.State.UNASSIGNED:
        case.state = Case.State.WRITING
    case.save(update_fields=["consultant", "state"])
    AccessLog.objects.create(
        order=case.order,
        case=case,
        what=AccessLog.What.ASSIGNED,
        who=consultant.get_username(),
        at=clock.now(),
    )
    return case


@transaction.atomic
def release(case: Case) -> Case:
    """Take the case back from its consultant: it waits for another one."""
    case = _locked(case)
    case.consultant = None
    if case.state == Case.State.WRITING:
        case.state = Case.State.UNASSIGNED
    case.save(update_fields=["consultant", "state"])
    return case


# --- writing ---


def latest(case: Case) -> Report | None:
    """The newest version, published or not."""
    return case.reports.select_related("case__line").first()


@sensitive_variables()
def opened_by(report: Report, reader: User) -> report_encryption.Opened:
    """What a consultant may read: any version of a case of their own, from escrow. Of others only what the
    order key opens that its client has read out to them.

    Raises NotAssigned and Unreadable.
    """
    case = report.case
    if access.is_assigned(reader, case) or not access.may_read(reader, case):
        return report_encryption.admitted_as_consultant(report, reader)
    try:
        return open_version(case, case.order.keys.get(state=OrderKey.State.ACTIVE), report.version)
    except NotOpened as error:
        raise report_encryption.Unreadable(str(report)) from error


@sensitive_variables()
def text_of(report: Report | None, reader: User) -> ReportDocument | None:
    """The text for a consultant; None where there is none that opens. Raises NotAssigned."""
    if report is None or not report.body:  # erased
        return None
    try:
        return opened_by(report, reader).text
    except report_encryption.Unreadable:
        logger.error("Report %s does not open to %s", report.pk, reader.get_username())
        return None


def shown_version(case: Case, reader: User) -> Report | None:
    """The version that a consultant finds on the page of the case: of somebody else's, what is published."""
    return latest(case) if access.is_assigned(reader, case) else case.reports.readable().first()


def open_answers(case: Case, consultant: User) -> tuple[Intake | None, Intake | None]:
    """What the client told us: the contact block of the line, and the answers about this subject.

    The client sees in the access log that they were opened; once an hour is enough to tell.
    """
    intakes = {intake.subject: intake for intake in case.line.intakes.filter(subject__in=[0, case.subject])}
    AccessLog.objects.note_look(
        case.order,
        AccessLog.What.ANSWERS,
        case=case,
        who=consultant.get_username(),
        once_in=dt.timedelta(hours=1),
    )
    return intakes.get(0), intakes.get(case.subject)


@transaction.atomic
@sensitive_variables()
def save_draft(
    case: Case,
    *,
    author: User,
    title: str,
    body: str,
    note: str | None = None,
    language: str | None = None,
    seen: str | None = None,
) -> Report:
    """Keep the draft of the next version: one that is published is never written to again.

    ``seen`` is the stamp of the version the writer started from ("" for none); raises NewerDraft if it is not
    the latest any more. None does not ask, and leaves a note or language as it is. Raises NotAssigned.
    """
    case = _locked_to_write(case, author)
    report = latest(case)
    before = text_of(report, author) or ReportDocument("", "")
    if report and report.is_published:
        before = replace(before, note="")  # it tells of the version before
    text = report_document.make(
        title,
        body,
        note=before.note if note is None else note,
        language=before.language if language is None else language,
        attachments=before.attachments,
    )
    if report and text == before:  # a second click
        return report
    if seen is not None and seen != (report.stamp if report else ""):
        raise NewerDraft(str(case))
    return _save(
        author, *_draft(case, author), lambda _report, draft: replace(text, attachments=draft.attachments)
    )


@transaction.atomic
@sensitive_variables()
def revise(case: Case, *, author: User, change: Callable[[Report, ReportDocument], ReportDocument]) -> Report:
    """Change the draft, whatever it is by now; after a published version a new one begins.

    Raises NotAssigned.
    """
    return _save(author, *_draft(_locked_to_write(case, author), author), change)


@sensitive_variables()
def _draft(case: Case, author: User) -> tuple[Report, ReportDocument]:
    """The version that may be written to (not saved), and what it says so far. The caller holds the lock."""
    report = latest(case)
    if report is None:
        report, text = Report(case=case, version=1), ReportDocument("", "")
    else:
        text = text_of(report, author) or ReportDocument("", "")
    if not report.is_published:
        report_encryption.prepare(report)
        return report, text
    following = Report(case=case, version=report.version + 1)
    report_encryption.prepare(following)
    files = (
        report_files.copy(report_encryption.admitted_as_consultant(report, author), following)
        if text.attachments
        else ()
    )
    return following, replace(text, note="", attachments=files)


@sensitive_variables()
def _save(
    author: User,
    report: Report,
    text: ReportDocument,
    change: Callable[[Report, ReportDocument], ReportDocument],
) -> Report:
    text = change(report, text)
    report.author = author.get_full_name()  # clients read it: not what somebody signs in with
    report.saved_at = clock.now()
    report.edit += 1
    report_encryption.seal(report, text)
    report.save()
    failpoint("before_draft_committed")
    report_files.settle(report, text.attachments)
    return report


@transaction.atomic
def publish(report: Report, *, actor: str, seen: str | None = None) -> Report:
    """Open the draft to the client and tell them. Publishing again changes nothing.

    Raises NewerDraft when it is not the draft that was ``seen``, NoteMissing when a later version does not
    say what has changed, NothingToPublish when the order is closed.
    """
    # Or the report could be wrapped for a key that is being replaced.
    Order.objects.lock(report.case.order.pk)
    case = _locked(report.case)
    report = Report.objects.select_related("case__line").get(pk=report.pk)
    if report.is_published:
        return report
    if seen is not None and seen != report.stamp:
        raise NewerDraft(str(case))
    order_key = case.order.keys.filter(state=OrderKey.State.ACTIVE).select_related("order").first()
    if order_key is None or not is_open(order_key) or not line_is_open(case.line):
        raise NothingToPublish(str(case))
    if report.version > 1 and not report_encryption.has_note(report):
        raise NoteMissing(str(case))
    report_encryption.admit_client(report, read_key(order_key))
    report.published_at = clock.now()
    report.save(update_fields=["client_wrap", "published_at"])
    case.state = Case.State.READY if report.version == 1 else Case.State.UPDATED
    case.save(update_fields=["state"])
    case.order.log(f"report of case {case} published, version {report.version}", actor=actor)
    failpoint("before_publication_committed")
    outbox.publish("report.published", key=str(report.pk), report_id=report.pk)
    transaction.on_commit(lambda: failpoint("after_publication_committed"))
    return report


@transaction.atomic
@sensitive_variables("reason")
def withdraw(case: Case, *, actor: str, reason: str) -> Case:
    """Close every published version to the client, who reads the reason. Withdrawing again changes nothing.

    What was withdrawn stays closed when a corrected version is published later. Raises PermissionDenied once
    the order is erased.
    """
    Order.objects.lock(case.order.pk)  # or a key that is being made would be given the versions back
    case = _locked(case)
    if case.order.erased_at:
        raise PermissionDenied(str(case))
    if not case.is_published:
        return case
    case.state = Case.State.WITHDRAWN
    case.withdrawn_at = clock.now()
    case.withdrawn_because = reason
    case.save(update_fields=["state", "withdrawn_at", "withdrawn_because"])
    report_id = case.reports.readable().values_list("pk", flat=True)[0]
    case.reports.readable().update(withdrawn_at=case.withdrawn_at, client_wrap=b"")
    outbox.publish("report.withdrawn", key=str(report_id), report_id=report_id)
    case.order.log(f"report of case {case} withdrawn", actor=actor)
    return case


# --- reading ---


@transaction.atomic
@sensitive_variables()
def open_version(case: Case, order_key: OrderKey, version: int | None = None) -> report_encryption.Opened:
    """What the client may read: the latest published version or a certain one.

    Raises NotOpened where the key was replaced or revoked this moment, Unreadable.
    """
    order_key = lock_active_key(order_key.pk, order_key.order_id)
    versions = case.reports.readable()
    report = (versions if version is None else versions.filter(version=version)).first()
    if report is None:
        raise report_encryption.Unreadable(str(case))
    try:
        canonical = read_key(order_key)
    except (InvalidToken, SealedKeyDamaged) as error:
        raise report_encryption.Unreadable(str(report)) from error
    return report_encryption.admitted_by_key(report, canonical)


@transaction.atomic
@sensitive_variables()
def open_report(case: Case, order_key: OrderKey) -> tuple[Report, ReportDocument]:
    """The latest published version for the client, and its text; leaves a line in the access log.

    Raises NotOpened where the key was replaced or revoked this moment, Unreadable.
    """
    opened = open_version(case, order_key)
    AccessLog.objects.note_look(case.order, AccessLog.What.REPORT, case=case)
    return opened.report, opened.text
