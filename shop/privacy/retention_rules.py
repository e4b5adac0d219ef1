"""What the kernel itself keeps of people: counted tries, sessions, and failed sign-ins of staff."""

import datetime as dt

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from shop import clock
from shop.models import SentForm, Try

from . import retention

TRIES_KEPT = dt.timedelta(days=1)
FORMS_KEPT = dt.timedelta(days=1)
SIGN_INS_KEPT = dt.timedelta(days=90)


def in_days(days: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def _tries() -> QuerySet[Try]:
    return Try.objects.filter(at__lt=clock.now() - TRIES_KEPT)


def _forms() -> QuerySet[SentForm]:
    return SentForm.objects.filter(at__lt=clock.now() - FORMS_KEPT)


def _sessions() -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=clock.now())


def _sign_ins() -> list["QuerySet[AccessAttempt] | QuerySet[AccessFailureLog] | QuerySet[AccessLog]"]:
    limit = clock.now() - SIGN_INS_KEPT  # of before: django-axes writes none any more
    kinds = (AccessAttempt, AccessFailureLog, AccessLog)
    return [kind.objects.filter(attempt_time__lt=limit) for kind in kinds]


def _forget_sign_ins() -> None:
    for rows in _sign_ins():
        rows.delete()


retention.declare(
    retention.DataClass(
        "sessions",
        90,
        _("Shopping cart, and what this browser has opened"),
        _("So that the shop recognises your browser"),
        lambda: in_days(30),
        lambda: _sessions().count(),
        lambda: _sessions().delete(),
    ),
    retention.DataClass(
        "tries",
        100,
        _("Network address of wrong tries"),
        _("To protect orders and reports from being guessed"),
        lambda: in_days(TRIES_KEPT.days),
        lambda: _tries().count(),
        lambda: _tries().delete(),
    ),
    retention.DataClass(
        "sent-forms",
        105,
        _("That a form was sent by staff or to them, without what was in it"),
        _("So that a button pressed twice does its work once"),
        lambda: in_days(FORMS_KEPT.days),
        lambda: _forms().count(),
        lambda: _forms().delete(),
    ),
    retention.DataClass(
        "sign-ins",
        110,
        _("Network address of those who sign in as staff, or try to"),
        _("To protect the merchant's and consultants' pages"),
        lambda: in_days(SIGN_INS_KEPT.days),
        lambda: sum(rows.count() for rows in _sign_ins()),
        _forget_sign_ins,
    ),
)
