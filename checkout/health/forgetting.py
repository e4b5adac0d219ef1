"""Whether what is past its time, or was to be erased, is really deleted."""

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from shop import clock
from shop.models import OutboxMessage
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, check
from shop.privacy.retention import NOT_FORGOTTEN

LATELY = dt.timedelta(minutes=90)  # the job of the last hour


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {"forgetting": not_forgotten}


def not_forgotten() -> Check:
    """What the last run could not delete. Everything else was."""
    since = clock.now() - LATELY
    failures = OutboxMessage.objects.filter(topic=NOT_FORGOTTEN, created_at__gte=since).order_by("pk")
    latest = {(each.payload["name"], each.payload["row"]): each for each in failures}
    findings = map(_finding, [*latest.values()][: MAX_FINDINGS + 1])
    return check("forgetting", _("What is past its time is deleted."), findings)


def _finding(message: OutboxMessage) -> Finding:
    text = _("%(name)s, row %(row)s: could not be deleted (%(error)s).")
    if message.payload["row"] is None:
        text = _("%(name)s: could not be deleted (%(error)s).")
    advice = _("Please have the log of the worker looked at. The job tries again every hour.")
    url = reverse("admin:shop_outboxmessage_change", args=[message.pk])
    return Finding(f"{message.payload['name']}-{message.payload['row']}", text % message.payload, advice, url)
