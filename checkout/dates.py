"""Working days in Hong Kong, where the shop and its consultants work."""

import datetime as dt
from functools import cache

import holidays

CUT_OFF = dt.time(15, 0)  # what is ordered later counts as ordered on the next working day


@cache
def _public_holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("HK")


def is_working_day(day: dt.date) -> bool:
    return day.weekday() < 5 and day not in _public_holidays()


def add_working_days(start: dt.datetime, days: int) -> dt.date:
    """The date ``days`` working days after the moment (local time)."""
    day = start.date()
    if start.time() >= CUT_OFF:
        day += dt.timedelta(days=1)
    while not is_working_day(day):
        day += dt.timedelta(days=1)
    for _ in range(days):
        day += dt.timedelta(days=1)
        while not is_working_day(day):
            day += dt.timedelta(days=1)
    return day
