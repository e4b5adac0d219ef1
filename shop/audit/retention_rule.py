"""How long the audit trail is kept, for the hourly job and the privacy page."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shop.privacy import retention
from shop.privacy.retention_rules import in_days

from . import chain

retention.declare(
    retention.DataClass(
        "audit-trail",
        108,
        _("Who of the staff looked at or changed which order, from which network address"),
        _("So that nobody looks at your data unnoticed; without what you typed"),
        lambda: in_days(settings.KEEP_AUDIT_DAYS),
        chain.overdue,
        chain.forget,
    )
)
