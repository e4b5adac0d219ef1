"""How long the audit trail is kept, for the hourly job and the privacy page."""

import datetime as dt

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shop.privacy import retention
from shop.privacy.retention_rules import in_days

from . import approvals, chain


def _kept() -> dt.timedelta:
    return dt.timedelta(days=settings.KEEP_AUDIT_DAYS)


retention.declare(
    retention.DataClass(
        "audit-trail",
        108,
        _("Who of the staff looked at or changed which order, from which network address"),
        _("So that nobody looks at your data unnoticed; without what you typed"),
        lambda: in_days(settings.KEEP_AUDIT_DAYS),
        chain.overdue,
        chain.forget,
    ),
    retention.DataClass(
        "approvals",
        109,
        _("That one member of staff asked another to approve a refund or a new mailbox"),
        _("So that nobody decides alone; what was asked for is erased with the answer"),
        lambda: in_days(settings.KEEP_AUDIT_DAYS),
        lambda: approvals.overdue(_kept()).count() + approvals.late().count(),
        lambda: approvals.forget(_kept()),
    ),
)
