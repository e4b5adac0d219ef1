"""A restored copy is silent: with SHOP_OUTBOUND=off no byte leaves, whatever asks for it."""

import ast
import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.core import mail as django_mail
from django.db import transaction
from django.urls import reverse
from django.utils.module_loading import import_string
from kombu import Connection

from shop import celery
from shop.background import outbound, outbox
from shop.models import OutboxMessage
from shop.tests.harness.failures import APPS

BASE = Path(__file__).resolve().parents[2]
# What can open a connection to another machine.
DOORS = {
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "http.client",
    "urllib.request",
    "httpx",
    "urllib3",
    "ftplib",
}
GUARDED = {"payments/gateways/paypal/client.py", "payments/gateways/unionpay/client.py"}
# Name errors of these libraries, or speak to this machine alone.
HARMLESS = {
    "payments/gateways/paypal/exchange.py",
    "shop/mail.py",  # sends by the backend of the settings
    "shop/background/smtp.py",  # is that backend: in its place the settings name ``HeldMails``
    "shop/devstack/stack.py",
    # A person's command that reads a page of this shop.
    "payments/health/payment_page.py",
    "payments/management/commands/check_payment_page.py",
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def opens_a_door(path):
    return any(name == door or name.startswith(f"{door}.") for name in imported(path) for door in DOORS)


def test_every_way_out_passes_the_guard():
    """A new client of an outside server has to ask ``outbound.require`` too."""
    doors = {
        path.relative_to(BASE).as_posix()
        for app in APPS
        for path in (BASE / app).rglob("*.py")
        if not {"tests", "sandbox"} & set(path.parts) and opens_a_door(path)
    }
    assert doors == GUARDED | HARMLESS
    for name in GUARDED:
        text = (BASE / name).read_text()
        assert text.count("outbound.require(") == text.count("session.request(") + text.count("session.post(")


@pytest.fixture
def silent(settings, monkeypatch):
    """Off, and whoever opens a connection fails."""

    def refuse(*arguments, **options):
        raise AssertionError("a connection was opened")

    settings.OUTBOUND = False
    settings.EMAIL_BACKEND = "shop.background.outbound.HeldMails"
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return settings


def test_a_process_that_begins_silent_sends_no_mail_and_starts_no_work(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from shop import settings as s; options = s.CELERY_BROKER_TRANSPORT_OPTIONS;"
            "print(s.EMAIL_BACKEND, s.CELERY_BEAT_SCHEDULE, s.OUTBOUND, options['global_keyprefix'])",
        ],
        cwd=BASE,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SHOP_MODE": "demo",
            "VAR_DIR": str(tmp_path),
            "SHOP_OUTBOUND": "off",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "shop.background.outbound.HeldMails {} False silent-copy:\n", done.stderr


def test_no_task_does_anything_whoever_asks_for_it(silent, db, django_assert_num_queries):
    """The live shop's beat, perhaps, by a queue that both look at."""
    celery.app.loader.import_default_modules()
    tasks = {name: each for name, each in celery.app.tasks.items() if hasattr(each, "peer")}
    assert {"shop.tasks.forget", "payments.tasks.expire_orders", "checkout.tasks.erase_confirmed"} <= set(
        tasks
    )
    with django_assert_num_queries(0):
        for task in tasks.values():
            task()


def test_a_copy_takes_nothing_from_the_queue_of_the_live_shop():
    address, name = f"{os.environ['TEST_REDIS_URL'].rstrip('/')}/15", f"outbound-{uuid.uuid4().hex}"
    with (
        Connection(address) as live,
        Connection(address, transport_options={"global_keyprefix": "silent-copy:"}) as copy,
    ):
        queue, its_own = live.SimpleQueue(name), copy.SimpleQueue(name)
        queue.put("wake up")
        with pytest.raises(queue.Empty):
            its_own.get(timeout=0.2)
        message = queue.get(timeout=5)
        message.ack()
    assert message.payload == "wake up"


def test_the_outbox_stays_as_it_is(silent, db):
    with transaction.atomic():
        outbox.publish("mail.new_order", key="1", order_id=1)
    assert outbox.deliver_next() is False
    message = OutboxMessage.objects.get()
    assert (message.delivered_at, message.attempts, message.claimed_until) == (None, 0, None)


def test_no_mail_leaves_by_whatever_way(silent):
    with pytest.raises(ConnectionError):
        django_mail.send_mail("S", "T", "a@shop.example", ["b@shop.example"])
    with pytest.raises(ConnectionError):
        django_mail.mail_admins("S", "T") or outbound.require()


@pytest.mark.parametrize("name", sorted(GUARDED))
def test_no_gateway_is_asked(silent, name):
    client = import_string(name.removesuffix(".py").replace("/", "."))
    if "paypal" in name:
        ask = import_string("payments.gateways.paypal.exchange.ask")
        error = import_string("payments.gateways.base.GatewayError")
        with pytest.raises(error, match="UNREACHABLE"):
            ask(client.default_api(), "GET", "/v2/checkout/orders/1")
    else:
        with pytest.raises(client.requests.ConnectionError, match="SHOP_OUTBOUND"):
            client._post("https://127.0.0.1/", b"")


def test_a_persons_question_is_let_through_and_nothing_after_it(silent):
    with outbound.questions_are_allowed():
        outbound.require()
    with pytest.raises(ConnectionError):
        outbound.require()


def test_staff_are_told_on_every_page_and_visitors_are_not(silent, admin_client, client, db):
    said = "This shop sends nothing"
    for page in ("admin:index", "admin:checkout_order_changelist"):
        assert said in admin_client.get(reverse(page)).content.decode()
    assert said not in client.get("/en/").content.decode()
    silent.OUTBOUND = True
    assert said not in admin_client.get(reverse("admin:index")).content.decode()


def test_a_monitor_is_told(silent, client, db, monkeypatch):
    monkeypatch.setattr("shop.monitoring.health._answer", (float("-inf"), {}))
    monkeypatch.setattr("shop.monitoring.health.database_problem", str)
    monkeypatch.setattr("shop.monitoring.health._broker", lambda: "ok")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["outbound"]) == (200, "off")
    assert answer.json()["shop"] == "impaired"
