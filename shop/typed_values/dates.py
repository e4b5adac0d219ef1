"""Years, days, months and times of day as people write them, in either script."""

import calendar
import datetime as dt
import re
from collections.abc import Mapping

from .characters import fold, is_dash
from .numbers import with_digits

OLDEST_YEAR = 1000  # a browser makes the year 90 of a date whose year was typed with two digits
MAX_LENGTH = 60
_REPUBLIC = 1911  # 民國元年 is 1912

# Months that have names, the first year of an era, the first ten days of a lunar month.
_CALENDAR_WORDS = {"正月": "1月", "冬月": "11月", "臘月": "12月", "腊月": "12月", "元年": "1年", "初": ""}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_GAP = r"(?:[ ,-]|, )"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,? )?"
_YEAR = re.compile(r"(?P<era>民國|民国|公元|西元)? ?(?P<year>\d{1,4}) ?年?")
_YEAR_FIRST = re.compile(
    r"(?:(?:民國|民国) ?(?P<minguo>\d{1,3})|(?:公元|西元)? ?(?P<year>\d{4}))(?:[-/. ]| ?年) ?"
    r"(?P<month>\d{1,2})(?:(?:[-/. ]| ?月) ?(?P<day>\d{1,2}) ?[日號号]?| ?月)?"
)
_YEAR_LAST = re.compile(r"(?P<day>\d{1,2})[-/. ](?P<month>\d{1,2})[-/. ](?P<year>\d{4})")
_TOGETHER = re.compile(r"(?P<minguo>)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})?")
_NAMED_DAYS = [
    re.compile(rf"{_WEEKDAY}{_NTH}[ -](?:of )?{_NAME}{_GAP}(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"{_WEEKDAY}{_NAME}[ -]{_NTH}{_GAP}(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"(?P<year>\d{{4}}){_GAP}{_NAME}[ -]{_NTH}", re.IGNORECASE),
]
_MONTHS_OF_YEARS = [
    re.compile(rf"{_NAME}{_GAP}(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"(?P<year>\d{{4}}){_GAP}{_NAME}", re.IGNORECASE),
    re.compile(r"(?P<month>\d{1,2})[-/.](?P<year>\d{4})"),
]
_MONTH_NUMBER = re.compile(rf"(?P<month>\d{{1,2}}) ?月?|{_NAME}", re.IGNORECASE)
_DAY_NUMBER = re.compile(rf"{_NTH} ?[日號号]?", re.IGNORECASE)

_MORNING = "上午|午前|早上|朝早|清早|凌晨|清晨|am"
_EVENING = "下午|午後|午后|晚上|夜晚|晚間|傍晚|中午|pm"
_TIME = re.compile(
    rf"(?P<before>{_MORNING}|{_EVENING})? ?(?P<hour>\d{{1,2}})"
    r"(?:(?:[:.h]| ?[點点時时]) ?(?P<minute>\d{2}|\d(?= ?分)|半|1刻|3刻)?(?::\d{2})? ?(?:分|正|整)?)?"
    r" ?(?P<after>am|pm)?",
    re.IGNORECASE,
)
_MINUTES = {"半": 30, "1刻": 15, "3刻": 45}
_DIGITS = re.compile(r"(?P<hour>\d{1,2})(?P<minute>\d{2})")
_NOON = re.compile(r"(?:12 ?)?noon|midday|正午", re.IGNORECASE)
_MIDNIGHT = re.compile(r"(?:12 ?)?midnight|午夜(?: ?12 ?[點点時时]?[正整]?)?|24[:.]?00", re.IGNORECASE)
DOUBLE_HOUR = re.compile("[子丑寅卯辰巳午未申酉戌亥][時时]")


class NotInCalendar(ValueError):
    """The month does not have this day; ``days_of_month`` is 0 where there is no such month."""

    def __init__(self, days_of_month: int) -> None:
        super().__init__("not in the calendar")
        self.days_of_month = days_of_month


class SeveralDays(ValueError):
    """Day and month may stand in either order."""

    def __init__(self, *days: dt.date) -> None:
        super().__init__("day or month first")
        self.days = days


class LeapMonth(ValueError):
    """A leap month, which is ticked beside the number of the month."""


class Midnight(ValueError):
    """The beginning of a day, or its end."""


def read_year(text: str) -> int:
    """Return the year: 1990, １９９０年, 一九九〇, 民國79年. Raises ValueError."""
    match = _YEAR.fullmatch(_plain(text))
    if not match:
        raise ValueError("not a year")
    is_minguo = (match["era"] or "").startswith("民")
    return int(match["year"]) + (_REPUBLIC if is_minguo else 0)


def read_date(text: str) -> dt.date:
    """Return the day: 1990-03-21, 1990年3月21日, 19900321, 民國79年3月21日, 21/3/1990, 21 March 1990.

    Raises ValueError for what is none, NotInCalendar, and SeveralDays for what could be two: 3/4/1990.
    """
    plain = _plain(text)
    match = _YEAR_FIRST.fullmatch(plain) or _TOGETHER.fullmatch(plain)
    if match and match["day"]:
        return _day(_year_of(match), int(match["month"]), int(match["day"]))
    if named := _first_match(_NAMED_DAYS, plain):
        return _day(int(named["year"]), _month_of(named), int(named["day"]))
    match = _YEAR_LAST.fullmatch(plain)
    if not match:
        raise ValueError("not a date")
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    if month != day and month <= 12 and day <= 12:
        raise SeveralDays(_day(year, month, day), _day(year, day, month))
    return _day(year, min(month, day), max(month, day)) if month > 12 else _day(year, month, day)


def read_month(text: str) -> dt.date:
    """Return the first day of the month: 2024-05, 2024年5月, 202405, May 2024, 5/2024. Raises ValueError."""
    plain = _plain(text)
    match = _YEAR_FIRST.fullmatch(plain) or _TOGETHER.fullmatch(plain)
    if match and not match["day"]:
        return _day(_year_of(match), int(match["month"]), 1)
    named = _first_match(_MONTHS_OF_YEARS, plain)
    if not named:
        raise ValueError("not a month")
    return _day(int(named["year"]), _month_of(named), 1)


def read_month_number(text: str) -> int:
    """Return the month of a year that is asked for apart: 3, 三月, 正月, March. Raises ValueError."""
    plain = _plain(text)
    if plain[:1] in {"閏", "闰"}:
        raise LeapMonth
    match = _MONTH_NUMBER.fullmatch(plain)
    if not match:
        raise ValueError("not a month")
    return _month_of(match)


def read_day_number(text: str) -> int:
    """Return the day of a month that is asked for apart: 21, 廿一, 初八, 21st. Raises ValueError."""
    match = _DAY_NUMBER.fullmatch(_plain(text))
    if not match:
        raise ValueError("not a day")
    return int(match["day"])


def read_time(text: str) -> dt.time:
    """Return the time of day: 08:30, 8:30pm, 0830, 下午3時15分, 晚上八點半, noon.

    Raises ValueError, and Midnight for what is the beginning of a day or its end.
    """
    plain = re.sub(r"([ap])\.?m\.?(?=$| )", r"\1m", _plain(text), flags=re.IGNORECASE)
    if _MIDNIGHT.fullmatch(plain):
        raise Midnight
    if _NOON.fullmatch(plain):
        return dt.time(12)
    if together := _DIGITS.fullmatch(plain):
        return dt.time(int(together["hour"]), int(together["minute"]))
    match = _TIME.fullmatch(plain)
    is_bare = match and not re.search(r"[^\d]", plain)  # 8 alone may be anything
    if not match or is_bare:
        raise ValueError("not a time")
    hour, part = int(match["hour"]), (match["before"] or match["after"] or "").lower()
    minute = _MINUTES.get(match["minute"]) or int(match["minute"] or 0)
    if part and hour <= 12:
        is_noon = part == "中午"
        is_late = re.fullmatch(_EVENING, part) is not None
        is_midnight = hour == 12 and part in {"晚上", "晚間", "夜晚"}
        hour = hour % 12 + (12 if is_late and not is_midnight and not (is_noon and hour == 11) else 0)
    return dt.time(hour, minute)


def _plain(text: str) -> str:
    """In ordinary width, dashes as hyphens, numerals as digits, words of the calendar as numbers."""
    if len(text) > MAX_LENGTH:
        raise ValueError("too long")
    plain = "".join("-" if is_dash(character) else character for character in fold(text))
    for word, number in _CALENDAR_WORDS.items():
        plain = plain.replace(word, number)
    return with_digits(plain).rstrip(" .。")


def _first_match(patterns: list[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.fullmatch(text))), None)


def _year_of(match: re.Match[str]) -> int:
    return int(match["minguo"]) + _REPUBLIC if match["minguo"] else int(match["year"])


def _month_of(match: re.Match[str]) -> int:
    parts: Mapping[str, str | None] = match.groupdict()
    name = parts.get("name")
    return _MONTHS.index(name[:3].lower()) + 1 if name else int(parts["month"] or 0)


def _day(year: int, month: int, day: int) -> dt.date:
    if year < OLDEST_YEAR:
        raise ValueError("not a year of four digits")
    days = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
    if not 1 <= day <= days:
        raise NotInCalendar(days)
    return dt.date(year, month, day)
