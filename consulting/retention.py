"""How long consulting keeps what, and what becomes of it when an order is erased."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import IntakeQuestion, Product
from checkout.intake import answers
from checkout.models import Intake, Order, OrderLine
from shop import clock
from shop.audit import approvals
from shop.crypto import unopened
from shop.devstack.failpoints import failpoint
from shop.privacy import retention
from shop.privacy.retention_rules import in_days

from .keys import lifecycle
from .models import AccessLog, Case, Message, Report
from .reports import report_files

REFUNDED_KEPT = dt.timedelta(days=30)  # a refund that the bank refuses in the end opens the case again


def _expired_answers() -> Iterator[tuple[int, dt.datetime]]:
    """Intakes with personal answers whose days after the delivery of the report are over."""
    delivered = (
        Intake.objects.filter(
            next_keep_days__isnull=False,
            line__cases__subject=F("subject"),
            line__cases__reports__published_at__isnull=False,
        )
        .annotate(delivered_at=Max("line__cases__reports__published_at"))
        .values_list("pk", "next_keep_days", "delivered_at")
    )
    for pk, days, delivered_at in delivered:
        if delivered_at + dt.timedelta(days=days or 0) <= clock.now():
            yield pk, delivered_at


def forget_answers() -> None:
    """Personal answers are deleted as many days after the delivery of the report as their question says."""
    delivered = dict(_expired_answers())

    def forget(pk: int) -> None:
        answers.erase_expired(pk, delivered_at=delivered[pk])
        failpoint("after_answers_forgotten")

    retention.each("answers", delivered, forget)


def _refunded_answers() -> QuerySet[Intake]:
    """About services that were paid back before their report, too long ago for a bank to refuse it."""
    net = F("line__unit_price") * F("line__quantity") - F("line__discount_total")
    is_refunded = Q(line__refunded_total__gte=net, line__refunded_total__gt=0)
    is_refunded |= Q(line__order__refunded_total__gte=F("line__order__total"))
    of_line = Report.objects.filter(case__line=OuterRef("line"), published_at__isnull=False)
    has_report = Exists(of_line.filter(case__subject=OuterRef("subject"))) | Q(Exists(of_line), subject=0)
    intakes = Intake.objects.filter(is_refunded, ~has_report, line__kind=Product.Kind.SERVICE)
    last = Coalesce("line__order__refunded_at", "line__order__paid_at")
    return intakes.annotate(refunded_at=last).filter(refunded_at__lt=clock.now() - REFUNDED_KEPT)


@transaction.atomic
def _forget_refunded(line_id: int) -> None:
    """Their files have no order then, and go like other files without one."""
    line = OrderLine.objects.get(pk=line_id)
    order = Order.objects.lock(line.order_id)
    found = _refunded_answers().filter(line=line_id)  # asked again: the bank may have refused it meanwhile
    if ids := list(found.values_list("pk", flat=True)):
        unopened(Intake.objects.filter(pk__in=ids)).delete()
        order.log(f"{line.sku}: paid back before any report, its answers were deleted")


def _answers_kept() -> str:
    days = IntakeQuestion.objects.filter(is_personal=True).aggregate(
        least=Min("keep_days"), most=Max("keep_days")
    )
    if days["least"] is None:
        return _("As many days after delivery as the question says")
    return _("As many days after delivery as the question says: %(least)s to %(most)s") % days


def _old_messages() -> QuerySet[Message]:
    limit = clock.now() - dt.timedelta(days=settings.KEEP_MESSAGES_DAYS)
    return Message.objects.filter(at__lt=limit).exclude(case__in=Case.objects.open())


def _old_accesses() -> QuerySet[AccessLog]:
    limit = clock.now() - dt.timedelta(days=settings.KEEP_ACCESS_LOG_DAYS)
    return AccessLog.objects.filter(at__lt=limit)


def open_matters(sender: type[Order], order: Order, **_kwargs: Any) -> list[str]:
    """A report that is paid for and not written yet needs its answers."""
    if not order.is_paid or order.is_disputed or not Case.objects.open().filter(line__order=order).exists():
        return []
    text = _("A consultation report is still being written. You may wait until it is ready, or cancel it.")
    return [text]


def erase(sender: type[Order], order: Order, **_kwargs: Any) -> None:
    """Reports lose their text and both wraps of its key; keys, messages and the access log go."""
    nothing = {"body": b"", "salt": b"", "escrow_wrap": b"", "client_wrap": b""}
    report_files.erase(order)
    Report.objects.filter(case__line__order=order).update(**nothing)
    Case.objects.filter(line__order=order).update(withdrawn_because=None)
    Message.objects.filter(case__line__order=order).delete()
    AccessLog.objects.filter(order=order).delete()
    approvals.forget_order(order.number)
    lifecycle.end_all(order)


retention.declare(
    retention.DataClass(
        "answers",
        30,
        gettext_lazy("Personal answers and files for consulting services"),
        gettext_lazy("Only to write your report; each question says why it is asked"),
        _answers_kept,
        lambda: sum(1 for _each in _expired_answers()),
        forget_answers,
    ),
    retention.DataClass(
        "refunded-answers",
        30,
        gettext_lazy("Answers and files for a service that was paid back before its report"),
        gettext_lazy("To go on with your report should the bank refuse the refund"),
        lambda: in_days(REFUNDED_KEPT.days),
        lambda: _refunded_answers().count(),
        lambda: retention.each(
            "refunded-answers",
            _refunded_answers().order_by("line").values_list("line_id", flat=True).distinct(),
            _forget_refunded,
        ),
    ),
    retention.DataClass(
        "other-answers",
        31,
        gettext_lazy("Contact details and other answers for consulting services"),
        gettext_lazy("Only to write your report and to reach you about it"),
        lambda: _("With the report, or until you ask us to erase them"),
    ),
    retention.DataClass(
        "reports",
        40,
        gettext_lazy("Consultation reports"),
        gettext_lazy("So that you can open them with your order key"),
        lambda: _("Until you ask us to erase them, at most as long as the order"),
        report_files.count_orphans,  # what no version needs any more
        report_files.forget_orphans,
    ),
    retention.DataClass(
        "messages",
        50,
        gettext_lazy("Messages between you and your consultant"),
        gettext_lazy("To write your report, and so that you can read them again"),
        lambda: _("%(days)s, and until the report is ready") % {"days": in_days(settings.KEEP_MESSAGES_DAYS)},
        lambda: _old_messages().count(),
        lambda: _old_messages().delete(),
    ),
    retention.DataClass(
        "access-log",
        60,
        gettext_lazy("Who opened a report or its case, and when"),
        gettext_lazy("So that you can see it yourself"),
        lambda: in_days(settings.KEEP_ACCESS_LOG_DAYS),
        lambda: _old_accesses().count(),
        lambda: _old_accesses().delete(),
    ),
)
