"""What a load balancer and a watchdog ask."""

import pytest
import redis
from django.db import OperationalError, connection

from shop.monitoring import health


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch):
    monkeypatch.setattr(health, "_answer", (float("-inf"), {}))
    monkeypatch.setattr(health, "_applied", False)


def test_the_process_lives_without_asking_the_database(client):
    response = client.get("/healthz")  # pytest-django fails a test that touches the database unasked
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


def test_the_shop_is_ready_when_everything_answers(client, db):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"database": "ok", "broker": "ok", "migrations": "ok"}


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
    assert response.json() == {"database": "unreachable", "broker": "ok", "migrations": "unknown"}
    assert b"10.1.2.3" not in response.content


def test_an_unreachable_broker_is_told(client, db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["broker"] == "unreachable"


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
