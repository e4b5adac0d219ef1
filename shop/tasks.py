"""Background work of the kernel."""

import logging

from celery import shared_task

from .audit import chain
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


@shared_task(ignore_result=True)
def link_audit_trail() -> None:
    """Give new entries their place in the chain, and tell the log where it ends now."""
    if newest := chain.link_new():
        logger.info("Audit trail: link %s ends with %s", newest.number, newest.digest)
