"""The outbox: sent only if committed, at least once, by one worker at a time, and never forgotten."""

import datetime as dt
from types import SimpleNamespace

import pytest
from django.db import transaction

from shop import clock
from shop.background import outbox
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard(monkeypatch):
    """A topic with one handler that remembers what it got and can be made to fail."""
    calls = []

    def handler(number):
        calls.append(number)
        if calls.count(number) <= heard_failures.get(number, 0):
            raise ConnectionError("mei@example.com refused")

    heard_failures = {}
    monkeypatch.setitem(outbox._handlers, "test", [handler])
    monkeypatch.setitem(outbox._peers, "test", "local")
    return SimpleNamespace(calls=calls, failures=heard_failures)


def publish(number: int) -> None:
    with transaction.atomic():
        outbox.publish("test", key=str(number), number=number)


def test_a_message_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError):
        outbox.publish("test", key="1")


def test_what_is_rolled_back_is_never_sent(heard):
    with transaction.atomic():
        outbox.publish("test", key="1", number=1)
        transaction.set_rollback(True)
    assert outbox.deliver_next() is False
    assert heard.calls == []


def test_the_same_fact_is_sent_once(heard):
    publish(1)
    publish(1)
    while outbox.deliver_next():
        pass
    assert heard.calls == [1]


def test_a_failure_is_tried_again_later_and_its_text_is_not_kept(heard, settings, tmp_path, caplog):
    settings.CLOCK_FILE = str(tmp_path / "clock")
    heard.failures[1] = 2
    publish(1)
    assert outbox.deliver_next()
    message = OutboxMessage.objects.get()
    assert message.last_error == "ConnectionError"
    assert "mei@example.com" not in caplog.text
    assert outbox.deliver_next() is False, "not before its time"
    for seconds in (60, 600):
        (tmp_path / "clock").write_text(str(seconds))
        assert outbox.deliver_next()
    message.refresh_from_db()
    assert message.delivered_at is not None
    assert heard.calls == [1, 1, 1]


def test_a_claimed_message_is_left_alone_until_the_lease_has_run_out(heard):
    publish(1)
    assert outbox._claim() is not None  # a worker that dies here
    assert outbox.deliver_next() is False
    OutboxMessage.objects.update(claimed_until=clock.now() - dt.timedelta(seconds=1))
    assert outbox.deliver_next()
    assert heard.calls == [1]


# --- what will never be delivered ---


@pytest.fixture
def hopeless(monkeypatch):
    """A topic whose handler fails with the error that it is given."""
    tries = []

    def have(error):
        def handler(number):
            tries.append(number)
            raise error

        monkeypatch.setitem(outbox._handlers, "test", [handler])
        monkeypatch.setitem(outbox._peers, "test", "local")
        publish(1)
        return tries

    return have


def test_what_is_hopeless_is_tried_once_and_waits_for_a_person(hopeless, settings, tmp_path):
    settings.CLOCK_FILE = str(tmp_path / "clock")
    tries = hopeless(outbox.GiveUp("mailbox unknown (550)", concerns="A7K3-92QM"))
    for _ in range(3):
        outbox.deliver_next()
        (tmp_path / "clock").write_text(str(dt.timedelta(days=30).total_seconds()))
    message = OutboxMessage.objects.get()
    assert tries == [1]
    assert (message.last_error, message.concerns) == ("mailbox unknown (550)", "A7K3-92QM")
    assert message.given_up_at is not None
    outbox.try_again(OutboxMessage.objects.all())
    outbox.deliver_next()
    assert tries == [1, 1]


def test_what_may_pass_is_tried_as_long_as_it_says_and_no_longer(hopeless, settings, tmp_path):
    settings.CLOCK_FILE = str(tmp_path / "clock")
    tries = hopeless(outbox.Passing("greylisted", longest=dt.timedelta(hours=48), concerns="A7K3-92QM"))
    for hours in range(0, 72, 4):
        (tmp_path / "clock").write_text(str(hours * 3600 + 1))
        outbox.deliver_next()
        is_over = OutboxMessage.objects.get().given_up_at is not None
        assert is_over == (hours >= 48), hours
    assert 10 < len(tries) < 15
