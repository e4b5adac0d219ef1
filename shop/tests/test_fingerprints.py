"""Processes whose secrets are not those of the database do not start, and say which setting is wrong."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client

from shop.keyring import fingerprints
from shop.models import Canary
from shop.monitoring import checks
from shop.tests.harness.environment import address_of, free_ports
from shop.tests.harness.stacks.stack import BASE

pytestmark = [pytest.mark.django_db, pytest.mark.failure("F78")]


def fresh(family):
    return Fernet.generate_key().decode() if family.endswith("_KEYS") else "p" * 40


@pytest.fixture
def known():
    fingerprints.remember()


@pytest.fixture
def database_away(monkeypatch):
    def fail():
        error = OperationalError("could not connect")
        error.__cause__ = type("OperationalError", (Exception,), {})()
        raise error

    monkeypatch.setattr(fingerprints, "_is_due", False)
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "_has_table", fail)
        yield patch


def test_the_right_secrets_are_noted_once(known):
    fingerprints.require()
    fingerprints.require()
    assert sorted(Canary.objects.values_list("family", flat=True)) == sorted(fingerprints.FAMILIES)


@pytest.mark.parametrize("family", fingerprints.FAMILIES)
def test_a_lost_secret_refuses_the_start_and_names_the_setting(known, settings, family):
    lost = getattr(settings, family)[0]
    setattr(settings, family, [fresh(family)])
    with pytest.raises(SystemExit) as refusal:
        fingerprints.require()
    assert str(refusal.value).startswith(f"{family} lacks a secret")
    assert lost not in str(refusal.value)
    assert [message.id for message in checks.check_canaries(None, databases=["default"])] == ["shop.E009"]
    with pytest.raises(CommandError, match=family):
        call_command("prepare")
    assert Canary.objects.count() == 3, "the wrong secret has left no mark"


@pytest.mark.parametrize("family", fingerprints.FAMILIES)
def test_a_new_secret_before_the_old_one_starts_and_both_are_needed_from_then_on(known, settings, family):
    old, new = getattr(settings, family)[0], fresh(family)
    setattr(settings, family, [new, old])
    fingerprints.require()
    for too_few in ([new], [old]):
        setattr(settings, family, too_few)
        assert len(fingerprints.problems()) == 1


def test_a_database_without_marks_takes_all_secrets_that_are_listed(settings):
    """One that was sealed before there were marks may need every one of them."""
    settings.SEAL_KEYS = [fresh("SEAL_KEYS"), *settings.SEAL_KEYS]
    fingerprints.remember()
    settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
    assert len(fingerprints.problems()) == 1


def test_a_new_database_is_migrated_without_a_word(known, settings, monkeypatch):
    settings.SEAL_KEYS = [fresh("SEAL_KEYS")]
    monkeypatch.setattr(fingerprints, "_has_table", lambda: False)
    assert fingerprints.problems() == []
    fingerprints.remember()
    assert checks.check_canaries(None, databases=["default"]) == []
    assert checks.check_canaries(None) == [], "a check without the database asks nothing"


def test_who_begins_while_the_database_is_away_compares_once_it_answers(known, settings, database_away):
    settings.SEAL_KEYS = [fresh("SEAL_KEYS")]
    fingerprints.require()
    assert not fingerprints.is_refused(), "the database is still away"
    database_away.undo()
    page = Client().get("/en/")
    assert page.status_code == 503
    assert Client().get("/healthz").status_code == 503


def test_who_began_without_the_database_serves_with_the_right_secrets(known, database_away):
    fingerprints.require()
    database_away.undo()
    assert Client().get("/healthz").status_code == 200
    assert not fingerprints._is_due, "and asks no more"


GUNICORN = [sys.executable, "-m", "gunicorn", "shop.wsgi", "--preload", "--no-control-socket", "--bind"]
CELERY = [sys.executable, "-m", "celery", "-A", "shop", "--quiet", "worker", "--pool", "solo"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("program", ["web", "worker", "check"])
def test_the_real_processes_refuse_to_start(known, tmp_path, program):
    arguments = {
        "web": [*GUNICORN, f"127.0.0.1:{free_ports(1)[0]}"],
        "worker": CELERY,
        "check": [sys.executable, "manage.py", "check", "--database", "default"],
    }[program]
    surroundings = {
        **os.environ,
        "DATABASE_URL": address_of(connection.settings_dict["NAME"]),
        "REDIS_URL": "",
        "VAR_DIR": str(tmp_path),  # a new place, where the demo makes new secrets
    }
    done = subprocess.run(
        arguments, cwd=BASE, env=surroundings, capture_output=True, text=True, timeout=60, check=False
    )
    told = done.stdout + done.stderr
    assert done.returncode != 0, told
    for family in fingerprints.FAMILIES:
        assert f"{family} lacks a secret that this database has been using since" in told
    assert "Traceback" not in told


def test_the_rotation_refuses_too(known, settings):
    settings.SEAL_KEYS = [fresh("SEAL_KEYS")]
    with pytest.raises(CommandError, match="SEAL_KEYS lacks a secret"):
        call_command("rotate_secrets", stdout=StringIO())
