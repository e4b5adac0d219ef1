"""Background work of the kernel."""

from celery import shared_task

from . import outbox


@shared_task(ignore_result=True)
def deliver_outbox() -> None:
    """Send what is due. Woken by each commit, and by beat as a safety net."""
    while outbox.deliver_next():
        pass
