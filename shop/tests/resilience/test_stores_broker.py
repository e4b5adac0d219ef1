"""Wake-ups: worth one short try, never an error, and nothing while the broker is away."""

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from shop.background import dispatch, outbox
from shop.celery import app
from shop.models import OutboxMessage
from shop.tasks import deliver_outbox


@pytest.fixture
def tries(monkeypatch):
    """A broker that is away."""
    made = []

    def refuse(*arguments, **options):
        made.append(arguments)
        raise OperationalError("Connection refused")

    monkeypatch.setattr(dispatch, "_quiet_until", float("-inf"))
    monkeypatch.setitem(outbox._peers, "test", "local")
    monkeypatch.setattr(app, "send_task", refuse)
    return made


def publish(key):
    with transaction.atomic():
        outbox.publish("test", key=key)


@pytest.mark.failure("F20")
@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_tried_once_in_ten_seconds_and_told_in_one_line(tries, caplog, monkeypatch):
    publish("1")
    publish("2")
    assert OutboxMessage.objects.count() == 2
    assert len(tries) == 1
    assert [record.message for record in caplog.records] == [
        "The broker does not take wake-ups (OperationalError); beat will do"
    ]
    monkeypatch.setattr(dispatch, "_quiet_until", dispatch._quiet_until - dispatch.PAUSE)
    publish("3")
    assert len(tries) == 2


@pytest.mark.failure("F20")
@pytest.mark.django_db(transaction=True)
def test_what_nobody_was_woken_for_is_delivered_by_the_next_round(tries, monkeypatch):
    heard = []
    monkeypatch.setitem(outbox._handlers, "test", [lambda: heard.append(1)])
    monkeypatch.setitem(outbox._peers, "test", "local")
    publish("1")
    deliver_outbox()  # beat asks for it every ten seconds
    assert heard == [1]
    assert app.conf.beat_schedule["deliver the outbox: local"]["schedule"] == 10


@pytest.mark.failure("F20")
def test_worker_and_beat_wait_for_a_broker_however_long_it_is_away():
    """Celery's own limit of 100 tries would end them after 49 minutes."""
    assert app.conf.broker_connection_max_retries is None
    assert app.conf.broker_connection_retry_on_startup
