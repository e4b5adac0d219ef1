"""A paid purchase at the sandbox's PayPal, and a clock to move."""

import datetime as dt
import uuid

import pytest

from shop import clock


@pytest.fixture
def captured(paypal, started, approve):
    """A paid purchase and its capture."""

    def pay(**changes):
        purchase, url = started(**changes)
        approve(url)
        return purchase, paypal.capture(purchase)

    return pay


@pytest.fixture
def refund_key():
    return {"key": uuid.uuid4().hex, "started_at": clock.now()}


@pytest.fixture
def later(settings, tmp_path):
    """Moves the clock of the shop and of the sandbox."""

    def move(**time):
        settings.CLOCK_FILE = tmp_path / "clock"
        settings.CLOCK_FILE.write_text(str(dt.timedelta(**time).total_seconds()))

    return move
