"""What a load balancer and a watchdog ask."""

import time

import pytest
import redis
from django.db import OperationalError, connection

from shop.keyring import fingerprints
from shop.monitoring import health


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch):
    monkeypatch.setattr(health, "_answer", (float("-inf"), {}))
    monkeypatch.setattr(health, "_applied", False)
    monkeypatch.setattr(health, "_broker_quiet_until", float("-inf"))


def test_the_process_lives_without_asking_the_database(client):
    response = client.get("/healthz")  # pytest-django fails a test that touches the database unasked
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


def test_the_shop_is_ready_when_everything_answers(client, db):
    response = client.get("/readyz")
    assert response.status_code == 200
    ok = dict.fromkeys(("database", "migrations", "secrets", "broker", "outbound"), "ok")
    assert response.json() == {"shop": "ready", **ok}


def test_a_missing_migration_is_not_ready(client, db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'shop'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["migrations"] == "pending"


def test_an_unreachable_database_is_told_without_details(client, monkeypatch):
    def refuse():
        raise OperationalError("connection to server at 10.1.2.3 failed for user shop")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "shop": "not ready",
        "database": "unreachable",
        "migrations": "unknown",
        "secrets": "unknown",
        "broker": "ok",
        "outbound": "ok",
    }
    assert b"10.1.2.3" not in response.content


def test_a_broker_that_is_away_is_told_and_takes_no_visitor_away(client, db, settings):
    """Checkout and Pay work without it, which test_broker.py shows: a load balancer must not stop them."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["broker"] == "unreachable"
    assert response.json()["shop"] == "impaired"


def test_a_silent_broker_is_waited_for_once(client, db, settings, monkeypatch):
    def be_silent(self):
        asked.append(1)
        raise redis.TimeoutError

    asked = []
    monkeypatch.setattr(redis.Redis, "ping", be_silent)
    monkeypatch.setattr(health, "REMEMBERED_FOR", -1.0)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert [client.get("/readyz").json()["broker"] for _ in range(3)] == ["unreachable"] * 3
    assert len(asked) == 1


def test_a_process_that_lacks_a_secret_says_so(client, db, monkeypatch):
    monkeypatch.setattr(fingerprints, "is_refused", lambda: True)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["secrets"] == "missing"


def test_nobody_waits_for_the_one_who_waits_for_a_silent_database(client, monkeypatch):
    parts = {"shop": "ready", "database": "ok"}
    with health._lock:  # somebody asks, and gets no answer
        monkeypatch.setattr(health, "_answer", (time.monotonic(), parts))
        assert client.get("/readyz").json() == parts
        monkeypatch.setattr(health, "_answer", (time.monotonic() - health.STALE, parts))
        assert client.get("/readyz").status_code == 503


def test_the_stores_are_asked_once_a_second_however_many_ask(client, db, settings, monkeypatch):
    asked = []
    monkeypatch.setattr(redis.Redis, "ping", lambda self: asked.append(1))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for _ in range(5):
        client.get("/readyz")
    assert len(asked) == 1


def test_both_are_read_only_and_follow_no_language(client, db):
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405
    assert client.get("/healthz", headers={"Accept-Language": "en"}).status_code == 200
