"""Days, months and times as people write them, and why one is not taken."""

import datetime as dt

from shop.typed_values import dates


def refusal(read, text):
    try:
        return read(text)
    except ValueError as error:
        return error


def test_a_day_is_read_in_words_too():
    texts = [
        "21 March 1990", "21st Mar. 1990", "21-Mar-1990", "March 21, 1990", "MARCH 21ST 1990",
        "1990 March 21",
        "一九九〇年三月二十一日", "一九九零年三月廿一日", "民國七十九年三月廿一日", "1990.3.21.",
        "1990年3月21號",
    ]  # fmt: skip
    assert {text: dates.read_date(text) for text in texts} == dict.fromkeys(texts, dt.date(1990, 3, 21))
    assert dates.read_date("民國元年正月初八") == dt.date(1912, 1, 8)
    assert dates.read_date("1990年臘月三十") == dt.date(1990, 12, 30)


def test_a_month_is_read_in_words_and_with_the_year_last():
    texts = ["May 2024", "5/2024", "05-2024", "二〇二四年五月", "民國113年5月", "2024 May", "Sept. 2024"]
    months = [dates.read_month(text).month for text in texts]
    assert months == [5, 5, 5, 5, 5, 5, 9]


def test_a_time_is_read_in_words_too():
    read = {
        "下午三點半": (15, 30), "早上八點": (8, 0), "三點一刻": (3, 15), "8點三刻": (8, 45),
        "上午8時正": (8, 0),
        "8點整": (8, 0), "十二時三十分": (12, 30), "三點零五分": (3, 5), "3時5分": (3, 5), "午後3時": (15, 0),
        "8:30 A.M.": (8, 30), "8.30 P.M": (20, 30), "noon": (12, 0), "12 Noon": (12, 0), "正午": (12, 0),
        "830": (8, 30),
    }  # fmt: skip
    assert {text: dates.read_time(text) for text in read} == {
        text: dt.time(*parts) for text, parts in read.items()
    }


def test_why_a_day_is_not_taken_is_known():
    for text in ("1990-02-30", "30 Feb 1990", "1990年2月30日"):
        assert refusal(dates.read_date, text).days_of_month == 28
    assert refusal(dates.read_date, "1990-13-01").days_of_month == 0
    assert refusal(dates.read_date, "3/4/1990").days == (dt.date(1990, 4, 3), dt.date(1990, 3, 4))
    for text in ("0090-03-21", "0024-05-01"):  # what a browser makes of 90
        assert type(refusal(dates.read_date, text)) is ValueError
    assert type(refusal(dates.read_month, "0024-05")) is ValueError


def test_midnight_is_one_of_two():
    for text in ("24:00", "midnight", "12 midnight", "午夜", "午夜12點", "午夜十二時"):
        assert isinstance(refusal(dates.read_time, text), dates.Midnight)


def test_a_month_or_a_day_alone_is_read_in_words_too():
    months = {"3": 3, "３月": 3, "三月": 3, "正月": 1, "臘月": 12, "十一月": 11, "Mar": 3, "march": 3}
    assert {text: dates.read_month_number(text) for text in months} == months
    days = {"21": 21, "廿一": 21, "二十一日": 21, "初八": 8, "十五": 15, "三十": 30, "21st": 21, "８號": 8}
    assert {text: dates.read_day_number(text) for text in days} == days
    for text in ("閏五月", "闰5月", "閏5"):
        assert isinstance(refusal(dates.read_month_number, text), dates.LeapMonth)
    for text in ("", "abc", "1990", "3.5"):
        assert isinstance(refusal(dates.read_month_number, text), ValueError)
        assert isinstance(refusal(dates.read_day_number, text), ValueError)
