"""The shop's one clock.

A test stack may move it: all its processes read the same offset (seconds) from ``settings.CLOCK_FILE``.
Production has no such file.
"""

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.utils import timezone

# What is due further ahead than its longest wait and this is due now: the clock was put back meanwhile. The
# clocks of two machines, and the moments at which two processes look, may differ by less.
SKEW = dt.timedelta(seconds=15)


def now() -> dt.datetime:
    """The present moment, aware."""
    return timezone.now() + dt.timedelta(seconds=_offset())


def today() -> dt.date:
    """The date in the shop's time zone."""
    return timezone.localtime(now()).date()


def next_full_minute(moment: dt.datetime) -> dt.datetime:
    """What somebody who may go on from ``moment`` is told, in the shop's time zone, without seconds."""
    return timezone.localtime(moment + dt.timedelta(seconds=59))


def _offset() -> float:
    if not settings.CLOCK_FILE:
        return 0.0
    try:
        return float(Path(settings.CLOCK_FILE).read_text() or 0)
    except FileNotFoundError:
        return 0.0
