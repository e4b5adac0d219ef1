"""Background work of the kernel."""

import logging

from celery import shared_task

from .background import outbox
from .privacy import retention

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def deliver_outbox() -> None:
    """Send what is due. Woken by each commit, and by beat as a safety net."""
    while outbox.deliver_next():
        pass


@shared_task(ignore_result=True)
def forget() -> None:
    """Delete what is past its time."""
    for kind, count in retention.forget():
        if count:
            logger.info("Forgot %s: %s", kind.name, count)
