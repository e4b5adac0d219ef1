"""What people and machines are told while the database is slow, full or away; and who has which limits."""

import json
import os
import subprocess
import sys
import time

import pytest
from django.db import Error, connection
from django.urls import reverse
from django.utils.translation import override

from checkout.tests.scenes import add, make_goods, make_service
from shop import database
from shop.monitoring import health
from shop.tests.harness.environment import address_of
from shop.tests.harness.stacks.stack import BASE
from shop.tests.harness.stores import LANGUAGES, assert_page_says_so

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["catalog:home", "cart:detail", "checkout:begin", "consulting:unlock"]


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch):
    monkeypatch.setattr(health, "_answer", (float("-inf"), {}))


@pytest.fixture
def cart(visitor):
    """The visitor's cart; it lives in the database, as every session."""
    tea = make_goods()
    make_service()
    add(visitor, tea, 2)
    return tea


@pytest.mark.failure("F23", "F26")
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_database_every_page_says_so_and_needs_none(visitor, cart, database_line, language):
    with override(language):
        addresses = [reverse(name) for name in PAGES]
    database_line.close()
    for address in addresses:
        assert_page_says_so(visitor.get(address), language)
    database_line.open()
    assert "Test tea" in visitor.get("/en/cart/").content.decode(), "and the cart is still there"


@pytest.mark.failure("F23")
def test_what_is_sent_meanwhile_is_not_lost_in_an_error_of_ours(visitor, cart, database_line):
    database_line.close()
    for path, data in (
        ("/en/cart/add/", {"variant": cart.pk, "quantity": 1}),
        ("/en/checkout/", {"email": "mei@example.com"}),
        ("/en/pay/0123456789abcdef01234567/", {"method": "paypal", "revision": 1}),
        ("/en/report/", {"order_key": "x", "email": "mei@example.com"}),
        ("/en/admin/login/", {"username": "merchant", "password": "x"}),
    ):
        assert_page_says_so(visitor.post(path, data), "en")


@pytest.mark.failure("F23")
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Dest": "empty"}, {"Accept": "application/json"}])
def test_a_script_is_told_in_json(visitor, cart, database_line, headers):
    database_line.close()
    answer = visitor.post("/en/checkout/", {"action": "quote"}, headers=headers)
    assert answer.status_code == 503
    assert json.loads(answer.content) == {
        "error": "The shop is busy. Please try again in a moment: nothing is ordered or paid twice.",
    }


@pytest.mark.failure("F23")
def test_a_gateway_is_asked_to_come_again(visitor, database_line):
    database_line.close()
    body = {"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"id": "X"}}
    names = ["Transmission-Id", "Transmission-Time", "Transmission-Sig", "Cert-Url", "Auth-Algo"]
    headers = {f"PayPal-{name}": "x" for name in names}
    answer = visitor.post(
        "/pay/notify/paypal/", json.dumps(body), content_type="application/json", headers=headers
    )
    assert answer.status_code == 503


@pytest.mark.failure("F23")
def test_after_a_restart_idle_connections_are_replaced_unseen(visitor, cart, database_line):
    assert visitor.get("/en/cart/").status_code == 200
    database_line.cut()
    assert visitor.get("/en/cart/").status_code == 200


@pytest.mark.failure("F26")
def test_a_mistake_of_ours_is_no_busy_shop(visitor, cart):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_category RENAME TO away")
    try:
        answer = visitor.get("/en/")
        assert answer.status_code == 500
        assert "請勿重複付款" in answer.content.decode()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO catalog_category")


@pytest.fixture
def slow_catalogue(transactional_db):
    """A table that takes its time."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_category RENAME TO quick")
        cursor.execute("CREATE VIEW catalog_category AS SELECT q.* FROM quick q, pg_sleep(60) s")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP VIEW catalog_category")
        cursor.execute("ALTER TABLE quick RENAME TO catalog_category")


@pytest.mark.failure("F26")
def test_a_slow_statement_is_given_up(visitor, cart, slow_catalogue, short_limits):
    began = time.monotonic()
    assert_page_says_so(visitor.get("/en/"), "en")
    assert time.monotonic() - began < 5
    assert visitor.get("/en/cart/").status_code == 200, "other pages are not concerned"


@pytest.mark.failure("F26")
def test_a_server_that_says_nothing_is_given_up_and_the_health_check_is_red(
    visitor, cart, database_line, short_limits
):
    assert visitor.get("/readyz").json()["database"] == "ok"
    health._answer = (float("-inf"), {})
    database_line.hold()
    began = time.monotonic()
    assert_page_says_so(visitor.get("/en/cart/"), "en")
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")
    assert visitor.get("/healthz").status_code == 200, "the process lives"
    assert time.monotonic() - began < 15
    database_line.release()
    health._answer = (float("-inf"), {})
    assert visitor.get("/readyz").json()["database"] == "ok"


@pytest.mark.failure("F26")
def test_a_server_that_takes_no_more_connections_is_told(visitor, cart, other_session, monkeypatch):
    other_session.autocommit = True
    with other_session.cursor() as cursor:
        cursor.execute("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    try:
        with monkeypatch.context() as patch:
            patch.setitem(connection.settings_dict, "USER", "crowd")
            connection.close()
            assert_page_says_so(visitor.get("/en/cart/"), "en")
            assert visitor.get("/readyz").json()["database"] == "unreachable"
    finally:
        connection.close()
        with other_session.cursor() as cursor:
            cursor.execute("DROP ROLE crowd")


@pytest.mark.failure("F23")
def test_a_standby_that_cannot_be_written_to_is_no_mistake_of_ours():
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        with pytest.raises(Error) as caught:
            make_goods()
        cursor.execute("SET default_transaction_read_only = off")
    assert database.is_unavailable(caught.value)


LIMITS = """
import json
{start}
from django.db import connection
names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "search_path"]
with connection.cursor() as cursor:
    print(json.dumps([cursor.execute("SHOW " + name) or cursor.fetchone()[0] for name in names]))
"""
STARTS = {
    "web": "import shop.wsgi",
    "worker": "from shop.celery import app; app.Worker(hostname='test')",
    "command": "import django; django.setup()",
}
WANTED = {
    "web": ["5s", "3s", "15s"],
    "worker": ["30s", "3s", "15s"],
    "command": ["0", "0", "0"],
}


@pytest.mark.failure("F26")
@pytest.mark.parametrize("kind", STARTS)
def test_web_and_workers_have_limits_and_a_migration_has_none(kind, tmp_path):
    surroundings = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SHOP_MODE": "demo",
        "VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DATABASE_URL": address_of("postgres") + "?options=-c search_path=shelf",
    }
    done = subprocess.run(
        [sys.executable, "-c", LIMITS.format(start=STARTS[kind])],
        cwd=BASE,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [*WANTED[kind], "shelf"], "what the address says counts too"
