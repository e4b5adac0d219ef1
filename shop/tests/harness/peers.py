"""Topics, the shop's clock and busy lines, for tests of background work that is divided by its peers."""

import datetime as dt
import threading
from contextlib import contextmanager

import pytest
from django.db import transaction

from shop import clock
from shop.background import lines, outbox, peers


@pytest.fixture
def travel(monkeypatch):
    def travel(**time):
        moved = clock.now() + dt.timedelta(**time) - dt.datetime.now(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: dt.datetime.now(dt.UTC) + moved)

    return travel


@pytest.fixture
def topic(monkeypatch):
    """``topic(handler, peer)``: messages of the topic "test" come to it."""

    def subscribe(handler, peer="mail"):
        monkeypatch.setitem(outbox._handlers, "test", [handler])
        monkeypatch.setitem(outbox._peers, "test", peer)

    return subscribe


def publish(*numbers, **options):
    with transaction.atomic():
        for number in numbers:
            outbox.publish("test", key=str(number), number=number, **options)


@pytest.fixture
def requests_are_limited(monkeypatch):
    monkeypatch.setattr(lines, "_limits_requests", True)
    monkeypatch.setattr(lines, "_lines", {peer: lines.Lines() for peer in peers.ALL})


@contextmanager
def all_lines_taken(peer, *, since=0.0):
    """By other threads, ``since`` seconds."""
    over, taken = threading.Event(), threading.Semaphore(0)

    def hold():
        with lines.line(peer):
            taken.release()
            over.wait(20)

    threads = [threading.Thread(target=hold) for _ in range(lines.PER_PEER)]
    for thread in threads:
        thread.start()
        taken.acquire()
    lines._lines[peer]._began = [began - since for began in lines._lines[peer]._began]
    began = list(lines._lines[peer]._began)
    try:
        yield over
    finally:
        lines._lines[peer]._began = [moment + since for moment in began]
        over.set()
        for thread in threads:
            thread.join()
