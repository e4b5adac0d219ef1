"""Working days in Hong Kong, Macau, Taiwan and mainland China: every day from 2026 to 2046 against written
tables, and those around Lunar New Year 2027, Christmas and the days moved to weekends."""

import csv
import datetime as dt
import logging
from pathlib import Path

import pytest

from shop.l10n import working_days
from shop.monitoring import checks
from shop.tests.harness.moments import day, stop_clock

DAYS = [  # region, date, whether it is a working day
    ("HK", "2026-12-24", True),
    ("HK", "2026-12-25", False),  # Christmas Day, a Friday
    ("HK", "2026-12-26", False),  # a Saturday and a holiday
    ("HK", "2026-11-28", False),  # an ordinary Saturday: the library would count it in
    ("HK", "2027-02-05", True),
    ("HK", "2027-02-08", False),  # third day of Lunar New Year
    ("HK", "2027-02-09", False),  # fourth, because the second was a Sunday
    ("HK", "2027-02-10", True),
    ("HK", "2027-03-26", False),  # Good Friday
    ("HK", "2028-10-02", False),  # for National Day, a Sunday …
    ("HK", "2028-10-03", True),  # … and nothing for the substitute
    ("HK", "2037-04-07", False),  # Ching Ming met the day after Good Friday
    ("MO", "2026-12-08", False),  # general holidays that are not statutory
    ("MO", "2026-12-22", False),
    ("MO", "2026-12-21", True),  # public servants rest, couriers do not
    ("MO", "2027-02-05", True),  # an afternoon, for public servants
    ("TW", "2027-02-04", False),  # Little New Year's Eve, a holiday since 2026
    ("TW", "2027-02-10", False),
    ("TW", "2027-02-11", True),
    ("TW", "2027-03-01", False),  # Peace Memorial Day fell on a Sunday
    ("TW", "2024-02-17", True),  # a Saturday that was worked
    ("CN", "2026-10-06", False),  # given for …
    ("CN", "2026-09-20", True),  # … this Sunday
    ("CN", "2026-10-10", True),
    ("CN", "2026-10-11", False),
    ("CN", "2026-02-14", True),  # the Saturday before Spring Festival
    ("CN", "2027-02-08", False),
]


def test_a_day_is_worked_or_not():
    assert [
        f"{region} {date}"
        for region, date, works in DAYS
        if working_days.is_working_day(day(date), region) != works
    ] == []


GOLDEN = Path(__file__).parent / "golden"  # what the law says, worked out without the library; sources within
WORKED = "補班"


@pytest.mark.parametrize("region", ["HK", "MO", "TW", "CN"])
def test_every_day_of_twenty_years_is_worked_or_not_as_the_law_says(region):
    lines = (GOLDEN / f"holidays_{region}.csv").read_text().splitlines()
    table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [int(row["year"]) for row in table] == list(range(2026, 2047))
    worked, off = set(), set()
    for row in table:
        year = row.pop("year")
        for holiday, days in row.items():
            (worked if holiday == WORKED else off).update(day(f"{year}-{each}") for each in days.split())
    first, last = day("2026-01-01"), day("2046-12-31")
    days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    assert [
        f"{date:%Y-%m-%d %a}"
        for date in days
        if working_days.is_working_day(date, region)
        != (date in worked or (date.weekday() < 5 and date not in off))
    ] == []


def test_hong_kong_has_seventeen_general_holidays_a_year():
    """Whatever meets whatever: none is lost, none is invented. Beyond the written table too."""
    counted = {
        year: sum(date.weekday() < 6 for date in working_days._read("HK", [year]))
        for year in range(2026, 2100)
    }
    assert {year: count for year, count in counted.items() if count != 17} == {}


@pytest.mark.parametrize(
    ("region", "start", "days", "end"),
    [
        ("HK", "2027-02-05", 1, "2027-02-10"),  # over Lunar New Year
        ("HK", "2026-12-23", 3, "2026-12-29"),  # over Christmas
        ("TW", "2027-02-03", 3, "2027-02-15"),
        ("MO", "2026-12-22", 2, "2026-12-28"),  # a parcel before Christmas
        ("MO", "2026-12-22", 3, "2026-12-29"),
        ("CN", "2026-09-18", 3, "2026-09-22"),  # the Sunday counts
        ("CN", "2026-09-30", 2, "2026-10-09"),
        ("HK", "2026-12-24", 0, "2026-12-24"),
    ],
)
def test_days_are_counted_in_the_regions_own_calendar(region, start, days, end):
    assert working_days.add_working_days(day(start), days, region) == day(end)


def test_days_that_do_not_count_are_passed_over():
    away = {day("2026-12-01"), day("2026-12-02")}
    end = working_days.add_working_days(day("2026-11-30"), 2, counts=lambda date: date not in away)
    assert end == day("2026-12-04")


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ("2026-12-01 14:59", "2026-12-01"),
        ("2026-12-01 15:00", "2026-12-02"),
        ("2026-12-04 15:00", "2026-12-07"),  # a Friday
        ("2026-12-05 09:00", "2026-12-07"),  # a Saturday
        ("2027-02-05 15:00", "2027-02-10"),  # the eve of Lunar New Year
    ],
)
def test_what_comes_after_the_cut_off_belongs_to_the_next_working_day(monkeypatch, moment, date):
    from shop import clock

    stop_clock(monkeypatch, moment)
    assert working_days.received_on(clock.now()) == day(date)


@pytest.fixture
def no_calendar_read_yet():
    working_days._calendar.cache_clear()
    yield
    working_days._calendar.cache_clear()


@pytest.mark.parametrize("region", ["XX", "CN"])
def test_where_nothing_is_known_only_weekends_are_taken_out_and_the_log_says_so(
    no_calendar_read_yet, caplog, region
):
    with caplog.at_level(logging.WARNING):
        assert working_days.is_working_day(day("2120-10-01"), region)  # a Tuesday
        assert working_days.is_working_day(day("2120-10-02"), region)
    assert not working_days.is_working_day(day("2120-10-05"), region)
    expected = f"No public holidays of {region} in 2120 are known: only weekends are taken out."
    assert caplog.messages.count(expected) == 1


def test_a_year_whose_working_weekends_are_not_published_is_told_in_the_log(no_calendar_read_yet, caplog):
    with caplog.at_level(logging.WARNING):
        assert not working_days.is_working_day(day("2027-10-01"), "CN")
    assert caplog.messages == [
        "The working weekends of CN in 2027 are not known yet: only its statutory holidays count."
    ]


def test_the_system_check_names_a_year_before_it_is_needed(monkeypatch):
    stop_clock(monkeypatch, "2026-09-01 09:00")
    assert checks.check_calendars(None) == []
    stop_clock(monkeypatch, "2026-11-28 09:00")
    (message,) = checks.check_calendars(None)
    assert message.id == "shop.I001"
    assert "CN in 2027" in message.msg
    assert message.level < 30  # it stops nothing


def test_the_system_check_tells_of_a_year_without_any_holidays(monkeypatch):
    stop_clock(monkeypatch, "2101-06-01 09:00")
    assert [message.msg for message in checks.check_calendars(None)] == [
        f"No public holidays of {region} in 2101 are known: only weekends are taken out."
        for region in ("HK", "MO", "TW", "CN")
    ]
