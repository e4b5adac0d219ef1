"""When a clearing day ends, and how its voids and refunds are called."""

import datetime as dt
import uuid

import pytest

from payments.gateways.unionpay import refunds


@pytest.mark.parametrize(
    ("ends", "moment", "day"),
    [
        ("23:00", "2026-11-23T14:59:59+00:00", "2026-11-23"),
        ("23:00", "2026-11-23T15:00:00+00:00", "2026-11-24"),
        ("13:30", "2026-11-23T05:29:59+00:00", "2026-11-23"),
        ("13:30", "2026-11-23T05:30:00+00:00", "2026-11-24"),
        ("23:00", "2026-12-31T23:30:00+08:00", "2027-01-01"),
    ],
)
def test_the_clearing_day_ends_in_the_evening_in_beijing(settings, ends, moment, day):
    settings.UNIONPAY_DAY_ENDS = ends
    assert refunds.clearing_day(dt.datetime.fromisoformat(moment)).isoformat() == day


def test_void_and_refund_of_one_key_have_names_of_their_own():
    key = uuid.uuid4().hex
    assert refunds.void_id(key) != key
    assert len(refunds.void_id(key)) == 32
    assert refunds.void_id(key) == refunds.void_id(key)
