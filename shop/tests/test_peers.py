"""Work is divided by whom it talks to: shares of threads, breakers, and one message for each receiver."""

import datetime as dt
import json
import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from celery import shared_task
from django.conf import settings
from django.core import mail as outgoing
from django.db import transaction

from shop import clock, mail
from shop.background import beat_scheduler, breakers, leases, lines, outbox, peers
from shop.celery import app, share_threads
from shop.models import Lease, OutboxMessage
from shop.tasks import deliver_outbox
from shop.tests.harness.environment import free_ports

OURS = ("shop.", "catalog.", "cart.", "checkout.", "payments.", "consulting.")


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
    task("unionpay")
    topic(lambda number: done.append(number), "local")
    publish(1)
    deliver_outbox("local")
    assert done == ["unionpay", 1]
    hangs.set()
    for thread in threads:
        thread.join()
    app.tasks.pop(task.name)


# --- a mail server that says nothing ---


@contextmanager
def silent_server(port):
    """Accepts, and says nothing: what a firewall does. Yields the connections it has taken."""
    taken, ear = [], socket.create_server(("127.0.0.1", port))

    def accept():
        while True:
            try:
                taken.append(ear.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        ear.shutdown(socket.SHUT_RDWR)
        ear.close()
        thread.join()
        for each in taken:
            each.close()


class Mailbox:
    """Takes everything but mail to ``refused``."""

    def __init__(self, refused=()):
        self.refused, self.taken = refused, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


@contextmanager
def mail_server(port, **options):
    mailbox = Mailbox(**options)
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()


@pytest.fixture
def smtp(settings, monkeypatch):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_ports(1)[0]
    monkeypatch.setattr(mail, "GREETING_SECONDS", 0.2)
    return settings.EMAIL_PORT


def send_to(*receivers):
    def handler(number):
        mail.send(
            "payment_alarm",
            to=list(receivers),
            context={"note": "a note", "admin_url": "https://shop.example/"},
            language="en",
            message_key=f"test-{number}",
        )

    return handler


def test_one_look_at_a_silent_mail_server_is_all_and_its_first_word_sends_everything(
    topic, smtp, transactional_db, travel
):
    topic(send_to("mei@example.com"))
    publish(1, 2, 3)
    with silent_server(smtp) as taken:
        for _ in range(3):
            deliver_outbox("mail")
        assert len(taken) == 1, "the others are left unsent"
        travel(seconds=10)
        deliver_outbox("mail")
        assert len(taken) == 2, "one look each ten seconds"
    assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {0}, "no try of theirs"
    with mail_server(smtp) as mailbox:
        travel(seconds=10)
        deliver_outbox("mail")
    assert len(mailbox.taken) == 3
    assert not OutboxMessage.objects.filter(delivered_at=None).exists()


def test_what_waited_long_is_woken_by_the_first_mail_that_passes(topic, smtp, transactional_db):
    """As after an outage in which the server answered 451, or before this worker began."""
    topic(send_to("mei@example.com"))
    publish(1, 2, 3)
    publish(4, due_in=dt.timedelta(days=3))
    late = clock.now() + dt.timedelta(hours=4)
    OutboxMessage.objects.filter(key__in=["test:2", "test:3"]).update(
        due_at=late, attempts=7, last_error="SMTPDataError"
    )
    with mail_server(smtp) as mailbox:
        deliver_outbox("mail")
    assert len(mailbox.taken) == 3
    assert OutboxMessage.objects.get(delivered_at=None).key == "test:4", "it waits for its own day"


def test_one_mail_that_no_server_takes_does_not_hold_up_the_others(topic, transactional_db):
    tried = []

    def handler(number):
        tried.append(number)
        if number == 1:
            raise outbox.Passing("TimeoutError", longest=dt.timedelta(hours=48))

    topic(handler)
    publish(1, 2, 3)
    deliver_outbox("mail")
    assert tried == [1, 2, 3, 1], "woken once, for nobody knew how it was before"
    assert OutboxMessage.objects.get(delivered_at=None).attempts == 2
    deliver_outbox("mail")
    assert len(tried) == 4


# --- one message for each receiver ---


def test_one_refused_address_of_several_is_seen_and_the_others_get_the_mail_once(
    topic, smtp, transactional_db, travel
):
    """Django's SMTP backend says of such a mail that it was sent."""
    topic(send_to("shop@example.com", "gone@example.com", "shop@example.com", ""))
    publish(1)
    with mail_server(smtp, refused={"gone@example.com"}) as mailbox:
        for _ in range(4):
            deliver_outbox("mail")
            travel(hours=5)
    assert [to for to, _ in mailbox.taken] == [["shop@example.com"]]
    assert b"gone@example.com" not in mailbox.taken[0][1]
    refused = OutboxMessage.objects.get(delivered_at=None)
    assert (refused.last_error, refused.given_up_at is None) == ("mailbox unknown (550)", False)
    assert "gone" not in refused.key + json.dumps(refused.payload) + refused.receiver
    assert OutboxMessage.objects.count() == 3


def test_a_mail_to_several_outside_of_the_outbox_is_refused():
    with pytest.raises(RuntimeError, match="split"):
        send_to("a@example.com", "b@example.com")(1)


# --- one at a time, and clocks that are put back ---


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


def test_requests_of_one_process_have_so_many_lines_to_a_gateway(requests_are_limited):
    with all_lines_taken("paypal", since=lines.SLOW):
        with pytest.raises(lines.Busy), lines.line("paypal"):
            pass
        with lines.line("unionpay"), lines.line("unionpay"):
            pass


def test_a_gateway_that_answers_keeps_nobody_out(requests_are_limited):
    with all_lines_taken("paypal") as over:
        over.set()
        with lines.line("paypal"):
            pass
