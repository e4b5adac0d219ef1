"""A backup is loaded by the commands of docs/operations.md, and the copy is silent until somebody says so."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from shop.tests.harness import environment, prepared
from shop.tests.harness.buyer import Buyer
from shop.tests.harness.stacks import stack as stacks
from shop.tests.harness.walk import key_in
from shop.tests.resilience import test_dump as seller

DOCUMENT = (Path(prepared.BASE) / "docs" / "operations.md").read_text()


def commands():
    [block] = re.findall(r"^```restore\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return block.splitlines()


def position(words):
    [found] = [number for number, line in enumerate(commands()) if words in line]
    return found


def test_the_documented_order_is_the_one_that_works():
    """`pg_restore` into what `prepare` has filled gave 361 errors; a copy that may speak mails twice."""
    order = ["createdb", "pg_restore", "SHOP_OUTBOUND=off", "manage.py check", "manage.py prepare"]
    places = [position(words) for words in [*order, "manage.py restored"]]
    assert places == sorted(places)
    assert "--exit-on-error" in commands()[position("pg_restore")]


def libpq(address):
    """What PostgreSQL's programs read of a server's address."""
    url = urlsplit(address)
    named = {"PGHOST": url.hostname, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    return {name: unquote(str(value)) for name, value in named.items() if value}


def run(line, folder, surroundings):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def backup(tmp_path):
    """A shop that sold a consultation, with mails still to send: its dump's folder and its order key."""
    with (
        stacks.own_stores() as stores,
        stacks.running(tmp_path / "old", **stores) as stack,
    ):
        buyer = seller.order_a_service(stack)
        key = key_in(stack.wait_for_mail(seller.EMAIL, "Order confirmation")["text"])
        seller.write_the_report(stack, buyer.number)
        stack.wait_for_mail(seller.EMAIL, "Consultation report ready")
        stacks.rows(stack, "SELECT 1")
        buyer.close()
        surroundings = {**os.environ, **libpq(stack.database_url)}
        name = stack.database_url.rpartition("/")[2]
        # As if the mail server had been away when the backup was made.
        again = "UPDATE shop_outboxmessage SET delivered_at = NULL, due_at = now() WHERE topic LIKE 'mail.%'"
        run(f'psql --quiet --dbname={name} --command="{again}"', tmp_path, surroundings)
        run(f"pg_dump --format=custom --dbname={name} --file=shop.dump", tmp_path, surroundings)
        shutil.copytree(stack.var, tmp_path / "var", ignore=shutil.ignore_patterns("sandbox", "log", "run"))
    return tmp_path, key


@pytest.mark.prove
def test_a_backup_is_restored_as_documented_and_the_copy_is_silent(backup, record_property):
    folder, key = backup
    name = f"shop_restored_{os.getpid()}"
    address = environment.address_of(name)
    surroundings = {
        **prepared.surroundings(),
        **libpq(address),
        "DATABASE_URL": address,
        "VAR_DIR": str(folder / "var"),
    }
    script = "\n".join(commands()[1:]).replace("shop_restored", name).replace("--ask ", "")
    script = script.replace("shop.dump", f"{folder}/shop.dump").replace(".venv/bin/python", sys.executable)
    try:
        said = run(script, prepared.BASE, surroundings)
        assert "The secrets are those of this database." in said
        assert re.search(r"mail\.\w+: \d+ would be delivered", said)
        shutil.copytree(folder / "var", folder / "copy")
        silent = {"database_url": address, "var": folder / "copy", "SHOP_OUTBOUND": "off"}
        with stacks.running(folder / "new", **silent) as stack:
            assert requests.get(f"{stack.url}/readyz", timeout=10).json()["outbound"] == "off"
            read = seller.read_the_report(stack, key)
            assert seller.CANARIES["the report's text"] in read
            buyer = Buyer(stack, email="late@example.com").check_out()
            buyer.press_pay()
            stack.manage("restored")
            assert stack.mails() == []
            assert [line for line in stack.log() if line.get("gateway") in {"paypal", "unionpay"}] == []
            assert stacks.rows(stack, "SELECT count(*) FROM shop_outboxmessage WHERE delivered_at IS NULL")[
                0
            ][0]
            buyer.close()
    finally:
        prepared.administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    record_property("figure", "restored as documented: the report opens; 0 mails, 0 calls of a gateway")
