"""A clock that is ahead."""

import datetime as dt

from shop import clock


def later(monkeypatch, **time):
    then = clock.now() + dt.timedelta(**time)
    monkeypatch.setattr(clock, "now", lambda: then)
