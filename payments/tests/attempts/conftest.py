"""An order, the shop's clock, and gateways in the place of the real ones."""

import datetime as dt
import threading
from contextlib import ExitStack, contextmanager, suppress

import pytest
from django.db import connection

from checkout.tests.scenes import make_cart, make_goods, make_service, place
from payments.gateways import override
from shop import clock
from shop.devstack import failpoints


@pytest.fixture
def hosts(settings):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]


@pytest.fixture
def unionpay_is():
    """``unionpay_is(gateway)``: the shop talks to this one as UnionPay until the test ends."""
    with ExitStack() as stack:
        yield lambda gateway: stack.enter_context(override("unionpay", gateway))


@pytest.fixture
def order():
    return place(make_cart((make_goods(on_hand=5), 2), (make_service(), 1)))


@pytest.fixture
def travel(monkeypatch):
    """``travel(hours=1)`` moves the shop's clock, and the stand-in's with it."""

    def travel(**time):
        moved = clock.now() + dt.timedelta(**time) - dt.datetime.now(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: dt.datetime.now(dt.UTC) + moved)

    return travel


@pytest.fixture
def postgresql():
    assert connection.vendor == "postgresql", "a race needs a database that really runs things at once"


@pytest.fixture
def meet(monkeypatch):
    """``with meet(failpoint):`` every thread that gets there waits until two have, or a second has passed."""

    @contextmanager
    def at(name, parties=2, patience=1.0):
        barrier = threading.Barrier(parties)

        def reached(point):
            if point == name and threading.current_thread() is not threading.main_thread():
                with suppress(threading.BrokenBarrierError):
                    barrier.wait(patience)

        with monkeypatch.context() as patch:
            patch.setattr(failpoints, "reached", reached)
            yield

    return at
