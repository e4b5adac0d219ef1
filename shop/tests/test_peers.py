"""Work is divided by whom it talks to: declared peers, shares of threads, leases, lines of requests."""

import datetime as dt
import threading
from types import SimpleNamespace

import pytest
from celery import shared_task
from django.conf import settings
from django.core import mail as outgoing
from django.db import transaction

from shop import clock, mail
from shop.background import beat_scheduler, breakers, leases, lines, outbox, peers
from shop.celery import app, share_threads
from shop.models import Lease, OutboxMessage
from shop.tasks import deliver_outbox
from shop.tests.harness.peers import all_lines_taken, publish, requests_are_limited, topic, travel

__all__ = ["requests_are_limited", "topic", "travel"]  # fixtures

OURS = ("shop.", "catalog.", "cart.", "checkout.", "payments.", "consulting.")


# --- everything declares its peer ---


def test_every_task_and_every_topic_declares_its_peer():
    app.loader.import_default_modules()
    tasks = {name: each for name, each in app.tasks.items() if name.startswith(OURS)}
    assert len(tasks) >= 10
    assert peers.undeclared(tasks) == []
    assert outbox._handlers.keys() == outbox._peers.keys()
    beats = [(entry["task"], entry.get("args", ())) for entry in app.conf.beat_schedule.values()]
    for task, arguments in beats:
        each = app.tasks[task].peer
        assert isinstance(each, str) or arguments[0] in each, f"{task} would do all peers' work in turn"
    for task, each in tasks.items():
        if not isinstance(each.peer, str):
            assert {args[0] for name, args in beats if name == task} == set(each.peer), task


def test_a_worker_does_not_start_with_a_task_without_a_peer(monkeypatch):
    @shared_task(name="shop.tests.undeclared")
    def undeclared():
        pass

    worker = SimpleNamespace(pool_cls="prefork", concurrency=4)
    app.finalize()
    try:
        assert undeclared.name in app.tasks
        with pytest.raises(SystemExit, match=r"shop\.tests\.undeclared"):
            share_threads(sender=worker)
    finally:
        app.tasks.pop("shop.tests.undeclared")
    share_threads(sender=worker)
    assert (worker.pool_cls, worker.concurrency) == (
        "threads",
        sum(peers.settings.WORKER_SHARES.values()) + 1,
    )


def test_a_topic_without_a_peer_or_with_two_is_refused(transactional_db):
    with pytest.raises(TypeError):
        outbox.subscribe("test.none")
    with pytest.raises(peers.WrongPeer):
        outbox.subscribe("test.unknown", peer="fax")
    with pytest.raises(peers.WrongPeer):
        outbox.subscribe("payment.refund", peer="mail")
    with transaction.atomic(), pytest.raises(peers.WrongPeer):
        outbox.publish("test.unsubscribed", key="1")
    with pytest.raises(TypeError):
        peers.task()


def test_work_that_talks_to_another_peer_than_it_has_declared_is_refused(topic, transactional_db):
    """Whoever forgets it, or changes what a handler does: it would wait with the others' threads."""

    def handler(number):
        mail.send("order_cancelled", to=["z@example.com"], context={}, language="en", message_key=str(number))

    topic(handler, "local")
    publish(1)
    assert outbox.deliver_next("local")
    assert OutboxMessage.objects.get().last_error == "WrongPeer"
    assert outgoing.outbox == []
    for peer in ("paypal", "unionpay"):
        with peers.working_for("mail"), pytest.raises(peers.WrongPeer), lines.line(peer):
            pass


# --- shares ---


def test_who_comes_to_a_share_that_is_in_use_leaves_at_once_and_nothing_is_lost():
    share, hangs, done = peers.Share("mail", 1), threading.Event(), []
    thread = threading.Thread(target=share.run, args=("first", lambda: hangs.wait(20)))
    thread.start()
    while share._free:
        pass
    for number in range(3):
        share.run("same", lambda number=number: done.append(number))
    share.run("fails", lambda: 1 / 0)
    share.run("other", lambda: done.append(peers.current()))
    assert done == []
    hangs.set()
    thread.join()
    assert done == [2, "mail"], "the same once, and what failed keeps nobody"
    share.run("free again", lambda: done.append("free"))
    assert done[-1] == "free"


def test_what_is_to_be_done_alone_leaves_the_rest_of_the_share_to_others():
    share, hangs, done = peers.Share("paypal", 2), threading.Event(), []
    first = threading.Thread(target=share.run, args=("sweep", lambda: hangs.wait(20)), kwargs={"alone": True})
    first.start()
    while share._free == 2:
        pass
    share.run("sweep", lambda: done.append("again"), alone=True)
    assert done == []
    share.run("refund", lambda: done.append("refund"))
    assert done == ["refund"]
    hangs.set()
    first.join()
    assert done == ["refund", "again"]


def test_a_hanging_peer_takes_its_own_threads_only(topic, transactional_db):
    """Both threads of its share hang: the next wake-up leaves at once, and others' work is done."""
    hangs, begun, done = threading.Event(), threading.Semaphore(0), []

    @peers.task(peer=("paypal", "unionpay"))
    def task(peer):
        if peer == "unionpay":
            done.append(peer)
        else:
            begun.release()
            hangs.wait(20)

    share = settings.WORKER_SHARES["paypal"]
    threads = [threading.Thread(target=task, args=("paypal",)) for _ in range(share)]
    for thread in threads:
        thread.start()
        begun.acquire()
    task("paypal")
    assert not begun.acquire(blocking=False), "it has left, and did not hang as a third"
    task("unionpay")
    topic(lambda number: done.append(number), "local")
    publish(1)
    deliver_outbox("local")
    assert done == ["unionpay", 1]
    hangs.set()
    for thread in threads:
        thread.join()
    app.tasks.pop(task.name)


def test_a_share_delivers_the_messages_of_its_own_peer_only(topic, transactional_db):
    done = []
    topic(lambda number: done.append(number), lambda number: "mail" if number == 1 else "local")
    publish(1, 2)
    deliver_outbox("local")
    assert done == [2]
    deliver_outbox("mail")
    assert done == [2, 1]


# --- one at a time, and clocks that are put back ---


def test_one_at_a_time_looks_at_a_silent_peer(travel):
    breaker = breakers.Breaker("paypal")
    breaker.silent(for_all=True)
    assert not breaker.may_ask()
    travel(seconds=10)
    assert (breaker.may_ask(), breaker.may_ask()) == (True, False), "the others wait for the one who looks"
    breaker.unasked()
    assert breaker.may_ask(), "who looked had nothing to ask"
    travel(seconds=121)
    assert breaker.may_ask(), "who looked has died"


def test_a_lease_is_one_process_at_a_time_and_ends_with_a_dead_one(transactional_db, travel):
    with leases.hold("sweep") as first:
        with leases.hold("sweep") as second, leases.hold("other") as other:
            assert (bool(first), second, bool(other)) == (True, None, True)
        travel(seconds=30)
        assert first.renew()
        travel(seconds=30)
        with leases.hold("sweep") as second:
            assert second is None
        travel(seconds=46)  # a process that was killed
        with leases.hold("sweep") as second:
            assert second
            assert not first.renew()
    with leases.hold("sweep") as again:
        assert again


def test_a_clock_that_was_put_back_keeps_nothing_waiting(topic, transactional_db, travel):
    tried = []

    def fail(number):
        tried.append(number)
        raise ValueError

    topic(fail, "local")
    travel(hours=2)
    publish(1, 2)
    publish(3, due_in=dt.timedelta(days=1))
    deliver_outbox("local")
    lease = leases.Held("sweep")
    assert lease.renew()
    OutboxMessage.objects.filter(key="test:2").update(attempts=0, last_error="", due_at=clock.now())
    OutboxMessage.objects.filter(key="test:2").update(created_at=clock.now())
    breakers.of("mail").silent(for_all=True)
    OutboxMessage.objects.filter(key="test:1").update(claimed_until=clock.now() + outbox.LEASE)
    travel(hours=-2)
    tried.clear()
    deliver_outbox("local")
    assert sorted(tried) == [1, 2]
    assert breakers.of("mail").may_ask()
    assert leases.Held("sweep").renew()
    assert Lease.objects.count() == 1


def test_beat_counts_anew_when_the_clock_is_put_back_while_it_runs(tmp_path, monkeypatch):
    scheduler = beat_scheduler.Scheduler(app, schedule_filename=str(tmp_path / "runs.json"))
    scheduler.tick()
    ahead = dt.timedelta(hours=2)
    for entry in scheduler.schedule.values():
        entry.last_run_at = entry.default_now() + ahead
    scheduler._heap = [(when + 7200, priority, entry) for when, priority, entry in scheduler._heap]
    assert scheduler.tick() <= 10
    assert max(entry.last_run_at for entry in scheduler.schedule.values()) <= entry.default_now()


# --- requests ---


def test_requests_of_one_process_have_so_many_lines_to_a_gateway(requests_are_limited):
    with all_lines_taken("paypal", since=lines.SLOW):
        with pytest.raises(lines.Busy), lines.line("paypal"):
            pass
        with lines.line("unionpay"), lines.line("unionpay"):
            pass


def test_one_network_leaves_the_last_line_to_another(monkeypatch):
    """Whoever loops gets two; a buyer from elsewhere is let in at once."""
    monkeypatch.setattr(lines, "SLOW", 0)
    calls = lines.Lines()
    with calls.one("a"), calls.one("a"):
        with pytest.raises(lines.Busy), calls.one("a"):
            pass
        with calls.one("b"):
            pass


def test_lines_are_given_as_people_came_and_first_to_networks_that_have_none(monkeypatch):
    """Whoever gives one back and asks again at once comes after those who wait."""
    monkeypatch.setattr(lines, "SLOW", 60)
    calls, served, threads = lines.Lines(), [], []

    def call(network):
        with calls.one(network):
            served.append(network)

    with calls.one("a"), calls.one("b"):
        with calls.one("c"):
            for network in ("a", "c", "d", "b", "e"):
                threads.append(threading.Thread(target=call, args=(network,)))
                threads[-1].start()
                while len(calls._waiting) < len(threads):
                    pass
        with calls.one("c"):
            served.append("c again")
        for thread in threads:
            thread.join()
    assert served == ["c", "d", "e", "c again", "a", "b"]


def test_a_gateway_that_answers_keeps_nobody_out(requests_are_limited):
    with all_lines_taken("paypal") as over:
        over.set()
        with lines.line("paypal"):
            pass
