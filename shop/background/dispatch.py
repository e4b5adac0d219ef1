"""Best-effort Celery dispatch, by task name, so that no module needs to import the tasks that end in it.

Work is stored in rows and picked up by beat within ten seconds even if the broker is down. So a broker that
is away costs a request one short try, and after that nothing for a while.
"""

import logging
import time

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

PAUSE = 10.0  # seconds without dispatching after a try that failed: beat's rounds are as quick

_quiet_until = float("-inf")


def after_commit(task: str, *arguments: object) -> None:
    """Dispatch ``task`` (its full name) once the surrounding transaction has committed."""
    transaction.on_commit(lambda: now(task, *arguments), robust=True)


def now(task: str, *arguments: object) -> None:
    """Dispatch ``task`` (its full name) now. A broker that refuses is logged and left alone for ``PAUSE``."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        current_app.send_task(task, arguments, ignore_result=True)
    except (OperationalError, OSError) as error:
        _quiet_until = time.monotonic() + PAUSE
        logger.warning("The broker does not take wake-ups (%s); beat will do", type(error).__name__)
