"""Tracking numbers, amounts, whole numbers, years, dates and times: folded by one rule."""

import datetime as dt
from decimal import Decimal

import pytest

from checkout import order_numbers
from consulting import key_format
from shop.typed_values import dates, email_addresses, numbers, phone_numbers, tracking_numbers


def readings(read, texts):
    def reading(text):
        try:
            return read(text)
        except ValueError:
            return None

    return {text: reading(text) for text in texts}


def test_a_tracking_number_is_shown_as_printed_and_followed_bare():
    printed = {
        "RB 123 456 785 HK": "RB123456785HK",
        "SF 1234 5678 90123": "SF1234567890123",
        "JD01-4600 0012 3456": "JD01460000123456",
    }
    for text, bare in printed.items():
        assert tracking_numbers.normalise(text.lower()) == text
        assert tracking_numbers.bare(text) == bare
    same = ["ＳＦ１２３４", "sf1234\u200b", " SF1234 ", "SF1234"]
    same += ["SF1234\ufffc", "SF\x031234", "SF1234\U000e0100"]
    assert readings(tracking_numbers.normalise, same) == dict.fromkeys(same, "SF1234")
    assert tracking_numbers.normalise("SF–1234") == "SF-1234"
    wrong = ["SF", "SF_1234", "順豐1234", "A" * 40, "1234;5678", "SHIPPED", "N/A", "4.60015E+13", "#REF!"]
    assert readings(tracking_numbers.normalise, wrong) == dict.fromkeys(wrong)


LABELLED = {
    "https://www.sf-express.com/chn/sc/waybill/waybill-detail/SF1234567890123?lang=tc": "SF1234567890123",
    "順豐單號：SF1234567890123": "SF1234567890123",
    "【順豐】SF 1234 5678 90123 已寄出": "SF 1234 5678 90123",
    "SF Express SF1234567890123": "SF1234567890123",
    "Tracking No.: RB 123 456 785 HK": "RB 123 456 785 HK",
    "EMS EA123456785HK\n": "EA123456785HK",
    "'SF1234567890123": "SF1234567890123",
    '"SF1234567890123"\t': "SF1234567890123",
    "]C1SF1234567890123": "SF1234567890123",
}


def test_a_tracking_number_is_taken_out_of_what_was_pasted_with_it():
    assert readings(tracking_numbers.normalise, LABELLED) == LABELLED
    for text in ("SF1234567890123, SF1234567890124", "SF1234567890123 SF1234567890124", "12345678/87654321"):
        with pytest.raises(tracking_numbers.SeveralNumbers):
            tracking_numbers.normalise(text)
    twice = "SF1234567890123 (SF1234567890123)"
    assert tracking_numbers.normalise(twice) == "SF1234567890123"


AMOUNTS = {
    "1250": "1250", "１，２５０．５０": "1250.50", "HK$1,250.00": "1250.00",
    "HK$ 1 250": "1250", "1250元": "1250",
    "1,250,000": "1250000", ".5": "0.5", "-3": "-3", "−3": "-3", "－３": "-3", "+20": "20",
    "12,50": None, "1,25": None, "": None, "1e5": None, "NaN": None, "Infinity": None,
    "--3": None, "9" * 300: None,
}  # fmt: skip


def test_an_amount_is_read_as_written_and_an_unclear_one_is_not():
    assert readings(numbers.read_amount, AMOUNTS) == {
        text: value and Decimal(value) for text, value in AMOUNTS.items()
    }
    wholes = {"２０": 20, "20.0": 20, "1,000": 1000, "-3": -3, "20.5": None}
    wholes |= {
        "二十": 20,
        "十二樓": 12,
        "12/F": 12,
        "12th floor": 12,
        "5人": 5,
        "3 people": 3,
        "12 & 13": None,
        "G/F": None,
    }
    assert readings(numbers.read_whole, wholes) == wholes


YEARS = {
    "1990": 1990,
    "１９９０年": 1990,
    "一九九〇年": 1990,
    "民國79年": 1990,
    "公元1990": 1990,
    "abc": None,
    "19900": None,
}
DATES = {
    "1990-03-21": (1990, 3, 21), "1990/3/21": (1990, 3, 21), "1990.3.21": (1990, 3, 21),
    "19900321": (1990, 3, 21),
    "1990年3月21日": (1990, 3, 21), "１９９０—０３—２１": (1990, 3, 21), "民國79年3月21日": (1990, 3, 21),
    "21/3/1990": (1990, 3, 21), "3/21/1990": (1990, 3, 21), "4/4/1990": (1990, 4, 4),
    "3/4/1990": None, "90-3-21": None, "1990-02-30": None, "1990年3月": None, "21 March": None,
    "0090-03-21": None,
}  # fmt: skip
TIMES = {
    "08:30": (8, 30), "0830": (8, 30), "8:30pm": (20, 30), "8.30 a.m.": (8, 30), "20：15": (20, 15),
    "08:30:15": (8, 30),
    "下午3時15分": (15, 15), "晚上8點半": (20, 30), "晚上12點": (0, 0), "凌晨12:15": (0, 15),
    "中午12時": (12, 0),
    "中午11:45": (11, 45), "12:30 am": (0, 30), "12:30pm": (12, 30), "23時": (23, 0),
    "8": None, "25:00": None, "子時": None, "around 8": None, "23:30-00:30": None,
}  # fmt: skip


def test_years_dates_and_times_are_read_as_people_write_them():
    assert readings(dates.read_year, YEARS) == YEARS
    assert readings(dates.read_date, DATES) == {text: day and dt.date(*day) for text, day in DATES.items()}
    assert readings(dates.read_time, TIMES) == {text: time and dt.time(*time) for text, time in TIMES.items()}
    months = {"2024-05": 5, "2024年5月": 5, "202405": 5, "2024-13": None, "2024-05-01": None}
    read = readings(dates.read_month, months)
    assert {text: day and day.month for text, day in read.items()} == months


READERS = [
    dates.read_date,
    dates.read_time,
    dates.read_year,
    numbers.read_amount,
    tracking_numbers.normalise,
    email_addresses.normalise,
    order_numbers.parse,
    key_format.parse,
    lambda text: phone_numbers.read(text, "HK"),
]


@pytest.mark.parametrize("read", READERS)
def test_a_huge_text_is_read_as_quickly_as_it_is_refused(read):
    """What takes the square of the length would take hours here, and the shop's workers with it."""
    for part in ("9", "9 ", "a", "密", "@", "<", ".", "key:", "內線1", "/", "0", "ABCD-", "ABCD "):
        readings(read, [part * 200_000])


@pytest.mark.parametrize("read", READERS)
def test_nothing_but_a_value_error_comes_of_any_text(read):
    for text in (
        "9" * 5000,
        "\0",
        "٣",
        "０" * 40,
        "0000-00-00",
        "民國0年1月1日",
        "民國999年1月1日",
        "9999年12月31日",
    ):
        readings(read, [text])
