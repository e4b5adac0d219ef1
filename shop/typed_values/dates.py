"""Years, dates and times of day as people write them, in either script."""

import datetime as dt
import re

from .characters import fold, is_dash

_HAN_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_YEAR = re.compile(r"(?P<era>民國|民国|公元|西元)? ?(?P<year>\d{1,4}) ?年?")
_YEAR_FIRST = re.compile(
    r"(?:(?:民國|民国) ?(?P<minguo>\d{1,3})|(?:公元|西元)? ?(?P<year>\d{4}))(?:[-/. ]| ?年) ?"
    r"(?P<month>\d{1,2})(?:(?:[-/. ]| ?月) ?(?P<day>\d{1,2}) ?[日號号]?| ?月)?"
)
_YEAR_LAST = re.compile(r"(?P<day>\d{1,2})[-/. ](?P<month>\d{1,2})[-/. ](?P<year>\d{4})")
_TOGETHER = re.compile(r"(?P<minguo>)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_NAMED = [
    re.compile(rf"{order}", re.IGNORECASE)
    for order in (
        rf"(?:[a-z]{{3,9}}\.?,? )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[- ]?{_MONTH},?[- ]?(?P<year>\d{{4}})",
        rf"(?:[a-z]{{3,9}}\.?,? )?{_MONTH} ?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? ?(?P<year>\d{{4}})",
    )
]
_LONGEST = 60  # characters of a date
_REPUBLIC = 1911  # 民國元年 is 1912

_MORNING = "上午|早上|朝早|凌晨|清晨|am"
_EVENING = "下午|晚上|晚間|傍晚|中午|pm"
_TIME = re.compile(
    rf"(?P<before>{_MORNING}|{_EVENING})? ?(?P<hour>\d{{1,2}})"
    r"(?:(?:[:.h]| ?[點点時时]) ?(?P<minute>\d{2}|半)?(?::\d{2})? ?分?)?"
    rf" ?(?P<after>am|pm)?",
    re.IGNORECASE,
)
_FOUR_DIGITS = re.compile(r"(?P<hour>\d{2})(?P<minute>\d{2})")
DOUBLE_HOUR = re.compile("[子丑寅卯辰巳午未申酉戌亥][時时]")


class SeveralDays(ValueError):
    """The text could be either of two ``days``."""

    def __init__(self, *days: dt.date) -> None:
        super().__init__("day or month first")
        self.days = days


class NotInCalendar(ValueError):
    """The text is a date, but there is no such day."""


def read_year(text: str) -> int:
    """Return the year: 1990, １９９０年, 一九九〇, 民國79年. Raises ValueError."""
    match = _YEAR.fullmatch(fold(text).translate(_HAN_DIGITS))
    if not match:
        raise ValueError("not a year")
    is_minguo = (match["era"] or "").startswith("民")
    return int(match["year"]) + (_REPUBLIC if is_minguo else 0)


def read_date(text: str) -> dt.date:
    """Return the date: 1990-03-21, 1990年3月21日, 19900321, 民國79年3月21日, 21/3/1990, 21 March 1990.

    Raises ValueError for what is none, NotInCalendar, and SeveralDays for what could be two: 3/4/1990.
    """
    folded = _hyphenated(text)[:_LONGEST]
    match = _YEAR_FIRST.fullmatch(folded) or _TOGETHER.fullmatch(folded)
    if match and match["day"]:
        return _day(_year_of(match), int(match["month"]), int(match["day"]))
    if match := next(filter(None, (named.fullmatch(folded) for named in _NAMED)), None):
        month = _MONTHS.index(match["month"][:3].lower()) + 1
        return _day(int(match["year"]), month, int(match["day"]))
    match = _YEAR_LAST.fullmatch(folded)
    if not match:
        raise ValueError("not a date")
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    if month != day and month <= 12 and day <= 12:
        raise SeveralDays(_day(year, month, day), _day(year, day, month))
    return _day(year, day, month) if month > 12 else _day(year, month, day)


def _day(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise NotInCalendar(f"{year}-{month}-{day}") from None


def read_month(text: str) -> dt.date:
    """Return the first day of the month: 2024-05, 2024年5月, 202405. Raises ValueError."""
    folded = _hyphenated(text)
    match = _YEAR_FIRST.fullmatch(folded) or _TOGETHER.fullmatch(folded)
    if not match or match["day"]:
        raise ValueError("not a month")
    return dt.date(_year_of(match), int(match["month"]), 1)


def read_time(text: str) -> dt.time:
    """Return the time of day: 08:30, 8:30pm, 0830, 下午3時15分, 晚上8點半. Raises ValueError."""
    folded = fold(text)
    match = _FOUR_DIGITS.fullmatch(folded)
    if match:
        return dt.time(int(match["hour"]), int(match["minute"]))
    match = _TIME.fullmatch(folded.replace("a.m.", "am").replace("p.m.", "pm"))
    is_bare = match and not re.search(r"[^\d]", folded)  # 8 alone may be anything
    if not match or is_bare:
        raise ValueError("not a time")
    hour, part = int(match["hour"]), (match["before"] or match["after"] or "").lower()
    minute = 30 if match["minute"] == "半" else int(match["minute"] or 0)
    if part and hour <= 12:
        is_noon = part == "中午"
        is_late = re.fullmatch(_EVENING, part) is not None
        is_midnight = hour == 12 and part.startswith("晚")
        hour = hour % 12 + (12 if is_late and not is_midnight and not (is_noon and hour == 11) else 0)
    return dt.time(hour, minute)


def _hyphenated(text: str) -> str:
    return "".join("-" if is_dash(character) else character for character in fold(text))


def _year_of(match: re.Match[str]) -> int:
    return int(match["minguo"]) + _REPUBLIC if match["minguo"] else int(match["year"])
