"""Lines of several machines are put in order by their times, so all tell them in the same way."""

import datetime as dt
import logging

from shop.monitoring.logging import MaskingFormatter


def test_a_line_begins_with_its_time_in_utc():
    record = logging.makeLogRecord({"name": "shop", "levelname": "INFO", "msg": "said"})
    time, _, rest = MaskingFormatter().format(record).partition(" ")
    assert rest == "INFO shop [-] said"
    assert time.endswith("Z")
    told = dt.datetime.fromisoformat(time)
    assert abs(told - dt.datetime.fromtimestamp(record.created, dt.UTC)) < dt.timedelta(milliseconds=2)
