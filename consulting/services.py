"""What can happen to order keys, cases and reports."""

import datetime as dt
import logging
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from catalog.models import Product
from checkout.models import Intake, Order
from shop import clock, crypto, outbox

from . import keys, manuscript, vault
from .access import is_open
from .manuscript import Manuscript
from .models import AccessLog, Case, OrderKey, Report

logger = logging.getLogger(__name__)


class NotOpened(Exception):
    """Unknown, replaced or revoked key, unpaid order, or the wrong e-mail. Never says which."""


class SealedKeyDamaged(Exception):
    """The sealed copy is not of the key that the row is for."""


class AlreadyTaken(Exception):
    """Another consultant has the case."""


class NewerDraft(Exception):
    """The draft was saved elsewhere since its writer last saw it."""


class NothingToPublish(Exception):
    """There is no such draft, or its order is not open (any more)."""


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
    return _new_key(order, now)


@sensitive_variables()
def _new_key(order: Order, now: dt.datetime) -> OrderKey:
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
def _find_key(typed: str) -> OrderKey | None:
    """The active key of an open order. Raises keys.TypingError."""
    candidates = keys.lookups(keys.parse(typed))
    found = OrderKey.objects.select_related("order").filter(lookup__in=candidates).first()
    return found if found and is_open(found) else None


@sensitive_variables()
def unlock(typed: str, email: str, *, known_orders: Collection[int] = ()) -> OrderKey:
    """Open an order's reports to its client. Raises keys.TypingError and NotOpened.

    The e-mail is not needed for ``known_orders``: this browser has named it before.
    """
    found = _find_key(typed)
    right_email = constant_time_compare(_folded(email), _folded(found.order.email) if found else "")
    if found is None or not (right_email or found.order_id in known_orders):
        raise NotOpened
    AccessLog.objects.create(order=found.order, what=AccessLog.What.UNLOCKED, at=clock.now())
    return found


def _folded(email: str) -> str:
    return email.strip().casefold()


@sensitive_variables("typed")
def open_with_key(consultant: User, typed: str) -> Order:
    """Open an order's cases to a consultant who was read the key by the client, who sees that it happened.

    Raises keys.TypingError and NotOpened.
    """
    found = _find_key(typed)
    if found is None:
        raise NotOpened
    AccessLog.objects.create(
        order=found.order,
        what=AccessLog.What.UNLOCKED_BY_STAFF,
        who=consultant.get_username(),
        at=clock.now(),
    )
    return found.order


# --- cases and reports ---


def _locked(case: Case) -> Case:
    return Case.objects.select_for_update(of=("self",)).with_order().get(pk=case.pk)


@transaction.atomic
def assign(case: Case, consultant: User, *, only_if_free: bool = False) -> Case:
    """Give the case to a consultant. Raises AlreadyTaken where it was to be free and is not."""
    case = _locked(case)
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
    if report is None:
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
@sensitive_variables("title", "body", "text")
def save_draft(case: Case, *, author: User, title: str, body: str, seen: str | None = None) -> Report:
    """Keep the draft of the next version: one that is published is never written to again.

    ``seen`` is the stamp of the version the writer started from ("" for none); raises NewerDraft if it is not
    the latest any more. None does not ask.
    """
    text = manuscript.make(title, body)
    case = _locked(case)
    report = latest(case)
    if report and text_of(report) == text:  # a second click
        return report
    if seen is not None and seen != (report.stamp if report else ""):
        raise NewerDraft(str(case))
    if report is None or report.is_published:
        report = Report(case=case, version=report.version + 1 if report else 1)
    report.author = author.get_full_name() or author.get_username()
    report.saved_at = clock.now()
    report.edit += 1
    vault.seal(report, text)
    report.save()
    return report


@transaction.atomic
def publish(report: Report, *, actor: str, seen: str | None = None) -> Report:
    """Open the draft to the client and tell them. Publishing again changes nothing.

    Raises NewerDraft when it is not the draft that was ``seen``, NothingToPublish when the order is closed.
    """
    case = _locked(report.case)
    report = Report.objects.select_related("case__line").get(pk=report.pk)
    if report.is_published:
        return report
    if seen is not None and seen != report.stamp:
        raise NewerDraft(str(case))
    order_key = case.order.keys.filter(state=OrderKey.State.ACTIVE).select_related("order").first()
    if order_key is None or not is_open(order_key):
        raise NothingToPublish(str(case))
    vault.admit_client(report, read_key(order_key))
    report.published_at = clock.now()
    report.save(update_fields=["client_wrap", "published_at"])
    case.state = Case.State.READY if report.version == 1 else Case.State.UPDATED
    case.save(update_fields=["state"])
    case.order.log(f"report of case {case} published, version {report.version}", actor=actor)
    outbox.publish("report.published", key=str(report.pk), report_id=report.pk)
    return report


@sensitive_variables()
def open_report(case: Case, order_key: OrderKey) -> tuple[Report, Manuscript]:
    """The latest published version for the client, and its text; leaves a line in the access log.

    Raises vault.Unreadable.
    """
    report = case.reports.select_related("case__line").filter(published_at__isnull=False).first()
    if report is None:
        raise vault.Unreadable(str(case))
    text = vault.open_for_client(report, read_key(order_key))
    AccessLog.objects.create(order=case.order, case=case, what=AccessLog.What.REPORT, at=clock.now())
    return report, text
