"""A clock that stands still where a test wants it."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from shop import clock

HONG_KONG = ZoneInfo("Asia/Hong_Kong")


def stop_clock(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """``moment`` is the time in Hong Kong, e.g. 2027-02-03 14:59."""
    then = dt.datetime.fromisoformat(moment).replace(tzinfo=HONG_KONG)
    monkeypatch.setattr(clock, "now", lambda: then)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
