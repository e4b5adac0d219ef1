"""Killed while a report is written, published, read or sealed anew: ``test_crash_points``, for reports."""

import json
import re
import subprocess
import sys
from contextlib import suppress

import pytest
import requests
from cryptography.fernet import Fernet

from shop.tests.harness.stacks.stack import BASE, wait_for
from shop.tests.harness.walk import key_in

from . import test_dump as client

pytestmark = pytest.mark.prove

PUBLISHED = """
    SELECT count(*) FILTER (WHERE r.published_at IS NOT NULL), count(*)
    FROM consulting_report r JOIN consulting_case c ON c.id = r.case_id
    JOIN checkout_orderline l ON l.id = c.line_id JOIN checkout_order o ON o.id = l.order_id
    WHERE o.number = %(number)s
"""
UNLOCKS = """
    SELECT count(*) FROM consulting_accesslog a JOIN checkout_order o ON o.id = a.order_id
    WHERE o.number = %(number)s AND a.what = %(what)s
"""


@pytest.fixture
def ordered(shop, monkeypatch):
    """A paid consultation of somebody new: (order number, order key)."""
    email = f"crash{len(shop.rows('SELECT 1 FROM checkout_order'))}@example.com"
    monkeypatch.setattr(client, "EMAIL", email)
    buyer = client.order_a_service(shop.stack)
    key = key_in(shop.stack.wait_for_mail(email, "Order confirmation")["text"])
    buyer.close()
    return buyer.number, key


def unlocks(shop, number, what="unlocked"):
    return shop.rows(UNLOCKS, number=number, what=what)[0][0]


@pytest.mark.failure("F80")
@pytest.mark.parametrize(
    "point", ["before_draft_committed", "before_publication_committed", "after_publication_committed"]
)
def test_a_report_is_published_once_mailed_once_and_opens(shop, ordered, point):
    number, key = ordered
    with shop.killed_at(point), suppress(requests.ConnectionError, StopIteration, AttributeError):
        client.write_the_report(shop.stack, number)
    with suppress(StopIteration):  # nothing is left to publish after after_publication_committed
        client.write_the_report(shop.stack, number)
    assert shop.rows(PUBLISHED, number=number) == [(1, 1)]
    shop.wait_until_quiet(client.EMAIL)
    assert shop.mails(client.EMAIL)["Cloud Inkstone: Consultation report ready"] == 1
    assert client.CANARIES["the report's text"] in client.read_the_report(shop.stack, key)


@pytest.mark.failure("F81")
def test_every_unlock_stands_in_the_access_log(shop, ordered):
    number, key = ordered
    client.write_the_report(shop.stack, number)
    with shop.killed_at("after_unlock_logged"), suppress(requests.ConnectionError):
        client.read_the_report(shop.stack, key)
    assert (unlocks(shop, number), unlocks(shop, number, "report")) == (1, 0)
    assert client.CANARIES["the report's text"] in client.read_the_report(shop.stack, key)
    assert (unlocks(shop, number), unlocks(shop, number, "report")) == (2, 1)


def manage(shop, *arguments, **secrets):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE,
        env={**shop.stack.environment, **secrets},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.failure("F78")
@pytest.mark.parametrize("point", ["before_value_replaced:3", "before_pepper_committed"])
def test_a_rotation_that_was_killed_is_begun_again(shop, ordered, point):
    """There and back, since the shop itself keeps the old secrets here."""
    number, key = ordered
    client.write_the_report(shop.stack, number)
    shop.wait_until_quiet(client.EMAIL)
    old = json.loads((shop.stack.var / "demo-secrets.json").read_text())
    new = {name: Fernet.generate_key().decode() for name in ("SEAL_KEYS", "ESCROW_KEYS")}
    new["ORDER_KEY_PEPPERS"] = "p" * 40 + Fernet.generate_key().decode()
    both = {name: f"{secret},{old[name]}" for name, secret in new.items()}
    assert manage(shop, "prepare", **both).returncode == 0  # as the restart of the processes would
    shop.armed.write_text(point)
    assert manage(shop, "rotate_secrets", **both).returncode == -9
    assert not shop.armed.exists()
    again = manage(shop, "rotate_secrets", **both)
    assert again.returncode == 0, again.stdout + again.stderr
    alone = manage(shop, "rotate_secrets", "--dry-run", **new)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert manage(shop, "check", "--database", "default", **new).returncode == 0
    refused = manage(shop, "check", "--database", "default")
    assert refused.returncode == 1
    assert set(re.findall("([A-Z_]+) lacks a secret", refused.stderr)) == set(new)
    back = {name: f"{old[name]},{secret}" for name, secret in new.items()}
    assert manage(shop, "prepare", **back).returncode == 0
    assert manage(shop, "rotate_secrets", **back).returncode == 0
    shown = wait_for(lambda: client.read_the_report(shop.stack, key), "the report")
    assert client.CANARIES["the report's text"] in shown
