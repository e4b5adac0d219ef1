"""Working days, counted where the work is done: in Hong Kong for the shop itself, else where a parcel goes.

The public holidays come from the library ``holidays``. Mainland China moves working days to weekends by a
notice that appears each November; until the library holds it, its statutory holidays alone are counted, and a
system check says so. Where the library knows nothing at all, weekends are all that counts.
"""

import datetime as dt
import logging
from calendar import isleap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import holidays
from django.utils.timezone import localtime

from shop import clock

logger = logging.getLogger(__name__)

HOME = "HK"
CUT_OFF = dt.time(15, 0)  # Hong Kong time; what comes in later counts as of the next working day
REGIONS = ("HK", "MO", "TW", "CN")  # whose calendars the shop relies on most
LOOKED_AHEAD = dt.timedelta(days=90)
ONE_DAY = dt.timedelta(days=1)
SATURDAY = 5
# On general holidays offices, banks and couriers are closed. Where the law has statutory ones besides, which
# are fewer and all among them, the library calls the general ones optional: Hong Kong's Cap. 149 (statutory:
# Cap. 57), Macau's Executive Order 60/2000 (statutory: Law 7/2008). Asked for both at once, it also gives a
# substitute of a substitute (Hong Kong, 3 October 2028).
CATEGORY = {"HK": "optional", "MO": "optional"}


def is_working_day(day: dt.date, region: str = HOME) -> bool:
    """``region`` is an ISO country code."""
    calendar = _calendar(region, day.year)
    if calendar is None:
        return day.weekday() < SATURDAY
    if region == HOME:  # the library counts Saturdays in; the shop does not work then
        return day.weekday() < SATURDAY and day not in calendar
    return bool(calendar.is_working_day(day))


def exceptions(region: str, year: int) -> tuple[list[dt.date], list[dt.date]]:
    """Where the year departs from the week: days off from Monday to Friday, and weekend days worked."""
    first, days = dt.date(year, 1, 1), 366 if isleap(year) else 365
    dates = [first + dt.timedelta(days=number) for number in range(days)]
    off = [day for day in dates if day.weekday() < SATURDAY and not is_working_day(day, region)]
    return off, [day for day in dates if day.weekday() >= SATURDAY and is_working_day(day, region)]


def add_working_days(
    start: dt.date,
    days: int,
    region: str = HOME,
    *,
    counts: Callable[[dt.date], bool] = lambda day: True,
) -> dt.date:
    """The day that is ``days`` working days after ``start``; those that do not ``count`` are passed over."""
    day = start
    while days > 0:
        day += ONE_DAY
        days -= is_working_day(day, region) and counts(day)
    return day


def first_working_day(day: dt.date, region: str = HOME) -> dt.date:
    """The day itself, or the next one on which somebody works."""
    while not is_working_day(day, region):
        day += ONE_DAY
    return day


def received_on(moment: dt.datetime) -> dt.date:
    """The working day of the shop to which the moment belongs: what comes in then is day 0 of a promise."""
    local = localtime(moment)
    return first_working_day(local.date() + (ONE_DAY if local.time() >= CUT_OFF else dt.timedelta()))


@cache
def _calendar(region: str, year: int) -> Any:
    """The holidays of a year, None where the library has none. The first caller finds a line in the log."""
    if gap := _gap(region, year):
        logger.warning(gap)
    # The following year too: what it moves to the last weekend of this one is written there.
    calendar = _read(region, [year, year + 1])
    return calendar if any(day.year == year for day in calendar) else None


def _read(region: str, years: list[int]) -> Any:
    """Days that are holidays; empty for a region of which the library knows nothing."""
    try:
        calendar = holidays.country_holidays(region, years=years, categories=CATEGORY.get(region))
    except NotImplementedError:
        return {}
    if region == "HK":
        _appoint_substitutes(calendar)
    return calendar


def _appoint_substitutes(calendar: Any) -> None:
    """Add the day that is expected where two general holidays meet and the library gives none.

    The law lets one more be appointed by order in the Gazette (Cap. 149, section 6(2)). In 2010, 2015, 2021
    and 2026 it was the next day that was none.
    """
    for day in sorted(day for day in calendar if len(calendar.get_list(day)) > 1):
        calendar[calendar.get_nth_working_day(day, 1)] = "assumed"


def _gap(region: str, year: int) -> str:
    """What the library does not know about the year, as a sentence; empty where nothing is missing."""
    if not _read(region, [year]):
        return f"No public holidays of {region} in {year} are known: only weekends are taken out."
    if not are_working_weekends_known(region, year):
        return f"The working weekends of CN in {year} are not known yet: only its statutory holidays count."
    return ""


def are_working_weekends_known(region: str, year: int) -> bool:
    """Mainland China alone has them, by a notice of each November."""
    return region != "CN" or year <= max(holidays.country_holidays("CN").special_public_holidays)


def gaps() -> Iterator[str]:
    """What is missing for the dates that are promised these days."""
    today = clock.today()
    for region in REGIONS:
        for year in sorted({today.year, (today + LOOKED_AHEAD).year}):
            if gap := _gap(region, year):
                yield gap
