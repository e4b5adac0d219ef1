"""Background work of the kernel."""

import datetime as dt

from celery import shared_task
from django.core.management import call_command

from . import clock, outbox
from .models import Try


@shared_task(ignore_result=True)
def deliver_outbox() -> None:
    """Send what is due. Woken by each commit, and by beat as a safety net."""
    while outbox.deliver_next():
        pass


@shared_task(ignore_result=True)
def forget() -> None:
    """Counted tries and ended sessions have had their time."""
    Try.objects.filter(at__lt=clock.now() - dt.timedelta(days=1)).delete()
    call_command("clearsessions")
