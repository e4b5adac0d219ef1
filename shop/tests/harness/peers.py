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

    def hold(network):
        with lines.asked_from(network), lines.line(peer):
            taken.release()
            over.wait(20)

    threads = [
        threading.Thread(target=hold, args=(f"192.0.2.{number}/32",)) for number in range(lines.PER_PEER)
    ]
    for thread in threads:
        thread.start()
        taken.acquire()
    for call in lines._lines[peer]._begun:
        call.since -= since
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()
