"""Telling a worker at once what beat would tell it within ten seconds anyway.

The rows say what is to be done; a wake-up only saves time. So a broker that is away costs a request one short
try, and after that nothing for a while.
"""

import logging
import time
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

PAUSE = 10.0  # seconds without wake-ups after one that failed: beat's rounds are as quick

_quiet_until = float("-inf")


def after_commit(task: Any, *arguments: object) -> None:
    """Wake a worker for this task once the surrounding transaction has committed."""
    transaction.on_commit(lambda: now(task, *arguments), robust=True)


def now(task: Any, *arguments: object) -> None:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        task.delay(*arguments)
    except (OperationalError, OSError) as problem:
        _quiet_until = time.monotonic() + PAUSE
        logger.warning("The broker does not take wake-ups (%s); beat will do", type(problem).__name__)
