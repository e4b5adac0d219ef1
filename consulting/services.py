"""What can happen to order keys, cases and reports."""

import datetime as dt
import logging
from collections.abc import Callable, Collection
from dataclasses import replace

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from catalog.models import Product
from checkout import cancellations
from checkout import services as checkout
from checkout.models import Intake, Order, OrderLine
from shop import clock, crypto, outbox
from shop.crashpoints import crashpoint

from . import keys, manuscript, storage, vault
from .access import is_open, line_is_open
from .manuscript import Manuscript
from .models import AccessLog, Case, OrderKey, Report

logger = logging.getLogger(__name__)


class NotOpened(Exception):
    """Unknown, replaced or revoked key, unpaid order, or the wrong e-mail. Never says which."""


class SealedKeyDamaged(Exception):
    """The sealed copy is not of the key that the row is for."""


class AlreadyTaken(Exception):
    """Another consultant has the case."""


class CancellationAsked(Exception):
    """The client has asked to cancel the service before anybody began: the merchant answers first."""


class NewerDraft(Exception):
    """The draft was saved elsewhere since its writer last saw it."""


class NothingToPublish(Exception):
    """There is no such draft, or what it is for is not paid for (any more)."""


class NoteMissing(Exception):
    """A later version does not say what is different from the one before."""


# --- keys ---


@transaction.atomic
def issue_key(order: Order) -> OrderKey | None:
    """Give a paid order its key, and open a case per subject. Once: repeating it changes nothing.

    None for an order without consulting services. Part of the transaction that makes the order paid.
    """
    lines = list(order.lines.filter(kind=Product.Kind.SERVICE))
    if not lines:
        return None
    Order.objects.select_for_update().get(pk=order.pk)
    issued = order.keys.first()
    if issued:
        return issued
    now = clock.now()
    Case.objects.bulk_create(
        Case(line=line, subject=subject, due_on=line.report_due_on or clock.today(), opened_at=now)
        for line in lines
        for subject in range(1, line.quantity + 1)
    )
    return new_key(order, now)


def reschedule(line: OrderLine, due_on: dt.date) -> None:
    """The report of this line is promised for another day: what is still to be written follows."""
    to_write = Case.objects.filter(line=line, state__in=Case.OPEN)
    to_write.update(due_on=due_on)
    to_write.exclude(waiting_since=None).update(waiting_since=clock.now())  # the new day counts from now


@sensitive_variables()
def new_key(order: Order, now: dt.datetime) -> OrderKey:
    """A key of the order's own. The caller holds the order's lock and has ended the key before."""
    canonical, pepper = keys.make(), keys.newest_pepper()
    return OrderKey.objects.create(
        order=order,
        lookup=keys.lookup(canonical, pepper),
        pepper_id=keys.pepper_id(pepper),
        sealed=crypto.seal(f"{order.pk}|{canonical}"),
        last_group=keys.groups(canonical)[-1],
        issued_at=now,
    )


@sensitive_variables()
def read_key(order_key: OrderKey) -> str:
    """The key itself, canonical, from its sealed copy: to mail it or to open a report, never to be kept."""
    order_id, _, canonical = crypto.open_sealed(bytes(order_key.sealed)).partition("|")
    if order_id != str(order_key.order_id):
        raise SealedKeyDamaged(str(order_key.pk))
    return canonical


@sensitive_variables()
def _find_key(typed: str) -> tuple[int, int, str] | None:
    """Ids of the key that opens an order and of the order, and its e-mail address. Raises keys.TypingError.

    A key whose time is over is left out by the database, and little is read of any other: so the time that
    a refusal takes tells nothing.
    """
    candidates = keys.lookups(keys.parse(typed))
    opening = OrderKey.objects.opening().filter(lookup__in=candidates).order_by()
    return opening.values_list("pk", "order_id", "order__email").first()


def held(key_id: int, order_id: int) -> OrderKey:
    """The key, which nobody ends before the end of the transaction. Raises NotOpened.

    It is the order that is locked: whoever ends a key holds that lock, and an entry in the access log needs
    the order's row as well.
    """
    Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    found = OrderKey.objects.select_related("order").filter(pk=key_id, state=OrderKey.State.ACTIVE).first()
    if found is None or not is_open(found):
        raise NotOpened
    return found


@sensitive_variables()
def unlock(typed: str, email: str, *, known_orders: Collection[int] = ()) -> OrderKey:
    """Open an order's reports to its client. Raises keys.TypingError and NotOpened.

    The e-mail is not needed for ``known_orders``: this browser has named it before.
    """
    key_id, order_id, owner = _find_key(typed) or (0, 0, "")
    right_email = constant_time_compare(_folded(email), _folded(owner))
    if not key_id or not (right_email or order_id in known_orders):
        raise NotOpened
    order_key = _use(key_id, order_id)
    crashpoint("cp30")
    return order_key


@transaction.atomic
def _use(key_id: int, order_id: int) -> OrderKey:
    """The client has opened the order; its mailbox hears of the key's first use. Raises NotOpened."""
    order_key = held(key_id, order_id)
    now = clock.now()
    is_first = order_key.first_used_at is None
    order_key.first_used_at = order_key.first_used_at or now
    order_key.use_count += 1
    order_key.save(update_fields=["first_used_at", "use_count"])
    AccessLog.objects.create(order=order_key.order, what=AccessLog.What.UNLOCKED, at=now)
    if is_first:
        outbox.publish("mail.key_first_used", key=str(order_key.pk), key_id=order_key.pk)
    return order_key


def _folded(email: str) -> str:
    return email.strip().casefold()


@transaction.atomic
@sensitive_variables("typed")
def open_with_key(consultant: User, typed: str) -> Order:
    """Open an order's cases to a consultant who was read the key by the client, who sees that it happened.

    Raises keys.TypingError and NotOpened.
    """
    found = _find_key(typed)
    if found is None:
        raise NotOpened
    order_key = held(*found[:2])
    AccessLog.objects.create(
        order=order_key.order,
        what=AccessLog.What.UNLOCKED_BY_STAFF,
        who=consultant.get_username(),
        at=clock.now(),
    )
    return order_key.order


# --- cases and reports ---


def _locked(case: Case) -> Case:
    return Case.objects.select_for_update(of=("self",)).with_order().get(pk=case.pk)


@transaction.atomic
def assign(case: Case, consultant: User, *, only_if_free: bool = False) -> Case:
    """Give the case to a consultant. Raises CancellationAsked, and AlreadyTaken where it was to be free."""
    if case.state == Case.State.UNASSIGNED:
        checkout.lock(case.order.pk)  # begun or cancelled, whichever comes first
    case = _locked(case)
    if case.state == Case.State.UNASSIGNED and cancellations.is_under_way(case.line):
        raise CancellationAsked(str(case))
    if case.consultant_id == consultant.pk:
        return case
    if only_if_free and case.consultant_id is not None:
        raise AlreadyTaken(str(case))
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


def latest(case: Case) -> Report | None:
    """The newest version, published or not."""
    return case.reports.select_related("case__line").first()


@sensitive_variables()
def text_of(report: Report | None) -> Manuscript | None:
    """The text for the consultant at work; None where there is none that opens."""
    if report is None or not report.body:  # erased
        return None
    try:
        return vault.open_from_escrow(report)
    except vault.Unreadable:
        logger.error("Report %s does not open from escrow", report.pk)
        return None


def open_answers(case: Case, consultant: User) -> tuple[Intake | None, Intake | None]:
    """What the client told us: the contact block of the line, and the answers about this subject.

    The client sees in the access log that they were opened; once an hour is enough to tell.
    """
    found = {intake.subject: intake for intake in case.line.intakes.filter(subject__in=[0, case.subject])}
    name, what = consultant.get_username(), AccessLog.What.ANSWERS
    lately = clock.now() - dt.timedelta(hours=1)
    if not AccessLog.objects.filter(case=case, what=what, who=name, at__gte=lately).exists():
        AccessLog.objects.create(order=case.order, case=case, what=what, who=name, at=clock.now())
    return found.get(0), found.get(case.subject)


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
    the latest any more. None does not ask, and leaves a note or language as it is.
    """
    case = _locked(case)
    report = latest(case)
    before = text_of(report) or Manuscript("", "")
    if report and report.is_published:
        before = replace(before, note="")  # it tells of the version before
    text = manuscript.make(
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
    return _keep(author, *_draft(case), lambda _report, kept: replace(text, attachments=kept.attachments))


@transaction.atomic
@sensitive_variables()
def revise(case: Case, *, author: User, change: Callable[[Report, Manuscript], Manuscript]) -> Report:
    """Change the draft, whatever it is by now; after a published version a new one begins."""
    return _keep(author, *_draft(_locked(case)), change)


@sensitive_variables()
def _draft(case: Case) -> tuple[Report, Manuscript]:
    """The version that may be written to (not saved), and what it says so far. The caller holds the lock."""
    report = latest(case)
    if report is None:
        report, text = Report(case=case, version=1), Manuscript("", "")
    else:
        text = text_of(report) or Manuscript("", "")
    if not report.is_published:
        vault.prepare(report)
        return report, text
    following = Report(case=case, version=report.version + 1)
    vault.prepare(following)
    files = storage.copy(vault.admitted_from_escrow(report), following) if text.attachments else ()
    return following, replace(text, note="", attachments=files)


@sensitive_variables()
def _keep(
    author: User, report: Report, text: Manuscript, change: Callable[[Report, Manuscript], Manuscript]
) -> Report:
    text = change(report, text)
    report.author = author.get_full_name() or author.get_username()
    report.saved_at = clock.now()
    report.edit += 1
    vault.seal(report, text)
    report.save()
    crashpoint("cp27")
    storage.settle(report, text.attachments)
    return report


@transaction.atomic
def publish(report: Report, *, actor: str, seen: str | None = None) -> Report:
    """Open the draft to the client and tell them. Publishing again changes nothing.

    Raises NewerDraft when it is not the draft that was ``seen``, NoteMissing when a later version does not
    say what has changed, NothingToPublish when the order is closed.
    """
    checkout.lock(report.case.order.pk)  # or the report could be wrapped for a key that is being replaced
    case = _locked(report.case)
    report = Report.objects.select_related("case__line").get(pk=report.pk)
    if report.is_published:
        return report
    if seen is not None and seen != report.stamp:
        raise NewerDraft(str(case))
    order_key = case.order.keys.filter(state=OrderKey.State.ACTIVE).select_related("order").first()
    if order_key is None or not is_open(order_key) or not line_is_open(case.line):
        raise NothingToPublish(str(case))
    if report.version > 1 and not vault.open_from_escrow(report).note:
        raise NoteMissing(str(case))
    vault.admit_client(report, read_key(order_key))
    report.published_at = clock.now()
    report.save(update_fields=["client_wrap", "published_at"])
    case.state = Case.State.READY if report.version == 1 else Case.State.UPDATED
    case.save(update_fields=["state"])
    case.order.log(f"report of case {case} published, version {report.version}", actor=actor)
    crashpoint("cp28")
    outbox.publish("report.published", key=str(report.pk), report_id=report.pk)
    transaction.on_commit(lambda: crashpoint("cp29"))
    return report


@transaction.atomic
@transaction.atomic
@sensitive_variables("reason")
def withdraw(case: Case, *, actor: str, reason: str) -> Case:
    """Close every published version to the client, who reads the reason. Withdrawing again changes nothing.

    What was withdrawn stays closed when a corrected version is published later.
    """
    checkout.lock(case.order.pk)  # or a key that is being made would be given the versions back
    case = _locked(case)
    if not case.is_published:
        return case
    case.state = Case.State.WITHDRAWN
    case.withdrawn_at = clock.now()
    case.withdrawn_because = reason
    case.save(update_fields=["state", "withdrawn_at", "withdrawn_because"])
    latest = case.reports.readable().values_list("pk", flat=True)[0]
    case.reports.readable().update(withdrawn_at=case.withdrawn_at, client_wrap=b"")
    outbox.publish("report.withdrawn", key=str(latest), report_id=latest)
    case.order.log(f"report of case {case} withdrawn", actor=actor)
    return case


@transaction.atomic
@sensitive_variables()
def open_version(case: Case, order_key: OrderKey, version: int | None = None) -> vault.Opened:
    """What the client may read: the latest published version or a certain one.

    Raises NotOpened where the key was replaced or revoked this moment, vault.Unreadable.
    """
    order_key = held(order_key.pk, order_key.order_id)
    versions = case.reports.readable()
    report = (versions if version is None else versions.filter(version=version)).first()
    if report is None:
        raise vault.Unreadable(str(case))
    try:
        canonical = read_key(order_key)
    except (InvalidToken, SealedKeyDamaged) as error:
        raise vault.Unreadable(str(report)) from error
    return vault.admitted_by_key(report, canonical)


def note_access(case: Case, what: AccessLog.What) -> None:
    """The client can read who opened what."""
    AccessLog.objects.create(order=case.order, case=case, what=what, at=clock.now())


@transaction.atomic
@sensitive_variables()
def open_report(case: Case, order_key: OrderKey) -> tuple[Report, Manuscript]:
    """The latest published version for the client, and its text; leaves a line in the access log.

    Raises NotOpened where the key was replaced or revoked this moment, vault.Unreadable.
    """
    opened = open_version(case, order_key)
    note_access(case, AccessLog.What.REPORT)
    return opened.report, opened.text
