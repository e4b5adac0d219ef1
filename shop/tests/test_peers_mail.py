"""A mail server that says nothing, and one message for each receiver."""

import contextlib
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from shop import clock, mail
from shop.background import breakers, outbox
from shop.background import smtp as conversation
from shop.models import OutboxMessage
from shop.tasks import deliver_outbox
from shop.tests.harness.environment import free_ports
from shop.tests.harness.peers import publish, topic, travel

__all__ = ["topic", "travel"]  # fixtures
BASE = Path(__file__).resolve().parents[2]


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

    def __init__(self, refused=(), answer="550 5.1.1 no such mailbox", sender="250 OK"):
        self.refused, self.answer, self.sender, self.taken, self.asked = refused, answer, sender, [], 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        self.asked += 1
        return self.sender

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return self.answer
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
    settings.EMAIL_BACKEND = "shop.background.smtp.EmailBackend"
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
            raise outbox.Unheard("TimeoutError", longest=dt.timedelta(hours=48))

    topic(handler)
    publish(1, 2, 3)
    deliver_outbox("mail")
    assert tried == [1, 2, 3, 1], "woken once, for nobody knew how it was before"
    assert OutboxMessage.objects.get(delivered_at=None).attempts == 2
    deliver_outbox("mail")
    assert len(tried) == 4


# --- answers about one mail, and those about all ---


def send_to_guests(number):
    send_to(f"guest{number}@example.com")(number)


GUESTS = {f"guest{number}@example.com" for number in range(60)}


def test_sixty_mailboxes_that_are_refused_for_now_cost_the_next_mail_nothing(
    topic, smtp, transactional_db, travel
):
    """A stranger orders under addresses that do not exist, and a careful server answers 450 to them."""
    topic(send_to_guests)
    publish(*range(60))
    with mail_server(smtp, refused=GUESTS, answer="450 4.1.1 no such mailbox for now") as mailbox:
        deliver_outbox("mail")
        assert mailbox.asked == 60, "each was asked about, none waited for another"
        assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {1}
        assert breakers.of("mail").may_ask()
        travel(seconds=11)  # all of them are due again
        publish(60)
        assert outbox.deliver_next("mail")
        assert [to for to, _ in mailbox.taken] == [["guest60@example.com"]]
        deliver_outbox("mail")
        assert mailbox.asked == 121, "none of the others is forgotten"


def test_what_was_tried_waits_for_fresh_ones_an_hour_at_most(topic, smtp, transactional_db, travel):
    topic(send_to_guests)
    publish(0)
    with mail_server(smtp, refused=GUESTS, answer="450 4.1.1 no such mailbox for now") as mailbox:
        outbox.deliver_next("mail")
        travel(seconds=11)
        publish(60, 61)
        outbox.deliver_next("mail")
        assert len(mailbox.taken) == 1
        travel(hours=1)
        outbox.deliver_next("mail")
        assert (len(mailbox.taken), OutboxMessage.objects.get(key="test:0").attempts) == (1, 2)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({"answer": "450 4.2.1 greylisted"}, 5),
        ({"answer": "452 4.2.2 mailbox full"}, 5),
        ({"answer": "421 4.3.2 closing"}, breakers.PATIENCE),
        ({"sender": "451 4.3.0 try later"}, breakers.PATIENCE),
    ],
)
def test_only_what_says_nothing_of_the_receiver_makes_the_others_wait(
    topic, smtp, transactional_db, answers, asked
):
    topic(send_to_guests)
    publish(*range(5))
    with mail_server(smtp, refused=GUESTS, **answers) as mailbox:
        deliver_outbox("mail")
    assert mailbox.asked == asked


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


# --- a server that says "wait", and "wait" again ---

ANSWERS = {"": "220", "EHLO": "250", "MAIL": "250", "RCPT": "250", "DATA": "354", ".": "250", "QUIT": "221"}


@contextmanager
def dawdling_server(port, at):
    """Says "wait" for ten seconds once it comes to ``at``. Yields the mails it was sent."""
    letters, ear, over = [], socket.create_server(("127.0.0.1", port)), threading.Event()

    def answer(talk, word):
        for _ in range(1000 if word == at else 0):
            talk.sendall(f"{ANSWERS[word]}-wait\r\n".encode())
            if over.wait(0.01):
                return
        talk.sendall(f"{ANSWERS[word]} well\r\n".encode())

    def converse():
        talk = ear.accept()[0]
        with contextlib.suppress(OSError), talk, talk.makefile("rb") as said:
            answer(talk, "")
            for line in said:
                word = line[:4].decode().strip().upper()
                answer(talk, word)
                if word == "DATA" and b".\r\n" in said:  # reads on to it, or to the end
                    letters.append(word)
                    answer(talk, ".")

    thread = threading.Thread(target=converse, daemon=True)
    thread.start()
    try:
        yield letters
    finally:
        over.set()
        thread.join()
        ear.close()


@pytest.mark.parametrize("at", ANSWERS)
def test_a_conversation_has_an_end_before_another_worker_may_send_the_mail(at, smtp, monkeypatch):
    """Each answer was waited for, however many there were, and the mail went twice."""
    part = {".": "LETTER", "QUIT": "FAREWELL"}.get(at, "ENVELOPE")
    monkeypatch.setattr(mail, "GREETING_SECONDS", 20)
    monkeypatch.setattr(conversation, part, 0.5)
    with dawdling_server(smtp, at) as letters:
        if at == "QUIT":
            send_to("mei@example.com")(1)  # the mail was taken: how they part says nothing of that
        else:
            with pytest.raises(outbox.Unheard):
                send_to("mei@example.com")(1)
    assert len(letters) == (at in {".", "QUIT"}), "no mail is begun that there is no time for"


def test_its_parts_together_end_within_the_lease():
    together = conversation.ENVELOPE + conversation.LETTER + conversation.FAREWELL
    assert together + 10 <= outbox.LEASE.total_seconds()
    backend = "from shop import settings; print(settings.EMAIL_BACKEND)"
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "SHOP_MODE": "demo"}
    told = subprocess.run(
        [sys.executable, "-c", backend], cwd=BASE, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == "shop.background.smtp.EmailBackend\n"
