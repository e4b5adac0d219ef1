"""A transaction that lost a race, or its connection, is run again. The errors are PostgreSQL's own."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from catalog.models import Variant
from checkout.tests.scenes import make_goods
from shop import database
from shop.database import (
    OpenTransaction,
    TransientError,
    assert_no_transaction,
    classify_error,
    retry_transaction,
)
from shop.tests.harness.environment import address_of
from shop.tests.harness.proxy import LOSSES
from shop.tests.harness.stacks.stack import BASE

pytestmark = pytest.mark.django_db(transaction=True)


def run_both(first, second):
    """Two threads with a connection each; what each returned or raised."""

    def run(act):
        try:
            return act()
        except DatabaseError as error:
            return classify_error(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return [pool.submit(run, act) for act in (first, second)]


def crossing(one, other):
    """Two functions that take the same two rows in opposite order, and wait for each other in between."""
    between = threading.Barrier(2, timeout=5)

    def taking(rows):
        has_met = []

        def take():
            for pk in rows:
                Variant.objects.select_for_update().get(pk=pk)
                if not has_met:
                    has_met.append(between.wait())
            return "done"

        return take

    return taking([one.pk, other.pk]), taking([other.pk, one.pk])


@pytest.mark.failure("F25")
def test_of_two_transactions_in_a_deadlock_both_end_well():
    pair = make_goods("TEA-901"), make_goods("TEA-902")
    outcomes = run_both(*(transaction.atomic(act) for act in crossing(*pair)))
    assert {outcome.result() for outcome in outcomes} == {"done", TransientError.BUSY}, "the deadlock is real"
    outcomes = run_both(*(retry_transaction(act) for act in crossing(*pair)))
    assert [outcome.result() for outcome in outcomes] == ["done", "done"]


@pytest.mark.failure("F25")
def test_a_serialization_failure_is_tried_again():
    tea, runs = make_goods(on_hand=5), []

    def sell_under_someones_eyes():
        runs.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = Variant.objects.get(pk=tea.pk).on_hand
        if len(runs) == 1:
            with closing(psycopg2.connect(address_of(connection.settings_dict["NAME"]))) as other:
                other.cursor().execute("UPDATE catalog_variant SET on_hand = 4 WHERE id = %s", [tea.pk])
                other.commit()
        Variant.objects.filter(pk=tea.pk).update(on_hand=seen - 1)

    with pytest.raises(OperationalError, match="could not serialize"):
        transaction.atomic(sell_under_someones_eyes)()
    Variant.objects.filter(pk=tea.pk).update(on_hand=5)
    runs.clear()
    retry_transaction(sell_under_someones_eyes)()
    tea.refresh_from_db()
    assert (len(runs), tea.on_hand) == (2, 3)


@pytest.mark.failure("F25")
def test_a_lock_is_waited_for_three_seconds_and_four_times_at_most(short_limits, other_session):
    tea, runs = make_goods(), []

    @retry_transaction
    def take():
        runs.append(1)
        Variant.objects.select_for_update().get(pk=tea.pk)

    other_session.cursor().execute("SELECT 1 FROM catalog_variant WHERE id = %s FOR UPDATE", [tea.pk])
    with pytest.raises(OperationalError, match="lock timeout") as caught:
        take()
    assert database.is_unavailable(caught.value)
    assert len(runs) == database.TRIES
    runs.clear()
    threading.Timer(0.5, other_session.rollback).start()
    take()
    assert 1 < len(runs) <= database.TRIES


def test_no_further_try_begins_when_a_person_has_waited_long_enough(short_limits, other_session, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    tea, runs = make_goods(), []

    @retry_transaction
    def take():
        runs.append(1)
        Variant.objects.select_for_update().get(pk=tea.pk)

    other_session.cursor().execute("SELECT 1 FROM catalog_variant WHERE id = %s FOR UPDATE", [tea.pk])
    with pytest.raises(OperationalError):
        take()
    assert len(runs) == 1


@pytest.mark.failure("F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_after_a_lost_commit_it_runs_once_more_and_sees_what_became_of_the_first_run(database_line, loss):
    tea, seen = make_goods(on_hand=5), []

    @retry_transaction
    def empty():
        seen.append(Variant.objects.select_for_update().get(pk=tea.pk).on_hand)
        Variant.objects.filter(pk=tea.pk).update(on_hand=0)

    getattr(database_line, loss)(b"COMMIT")
    empty()
    assert database_line.losses == 1
    assert seen == ([5, 5] if loss == "lose_request" else [5, 0])
    tea.refresh_from_db()
    assert tea.on_hand == 0


@pytest.mark.failure("F24")
def test_a_second_loss_is_not_repeated(database_line):
    make_goods()
    runs = []

    @retry_transaction
    def change():
        runs.append(1)
        database_line.lose_request(b"COMMIT")
        Variant.objects.update(on_hand=0)

    with pytest.raises(OperationalError) as caught:
        change()
    assert len(runs) == 2
    assert database.is_unavailable(caught.value)
    assert Variant.objects.get().on_hand == 10, "and the connection works again"


@pytest.mark.failure("F25")
def test_inside_a_transaction_only_the_whole_can_be_repeated():
    runs = []

    @retry_transaction
    def inner():
        runs.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$")

    with pytest.raises(OperationalError), transaction.atomic():
        inner()
    assert len(runs) == 1
    with pytest.raises(OperationalError):
        inner()
    assert len(runs) == 1 + database.TRIES


@pytest.mark.failure("F25")
def test_no_gateway_can_be_called_in_what_may_be_repeated():
    with pytest.raises(OpenTransaction):
        retry_transaction(assert_no_transaction)()


def test_a_mistake_is_not_repeated():
    runs = []

    @retry_transaction
    def wrong():
        runs.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column")

    with pytest.raises(DatabaseError) as caught:
        wrong()
    assert len(runs) == 1
    assert not database.is_unavailable(caught.value)
    assert not database.is_unavailable(ValueError("database is locked"))


ON_SQLITE = """
import sqlite3, threading, django
django.setup()
from django.conf import settings
from django.db import OperationalError, connection, transaction
from shop.database import TransientError, classify_error, retry_transaction

connection.settings_dict["OPTIONS"]["timeout"] = 0.1
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE shelf (pieces integer)")
    cursor.execute("INSERT INTO shelf VALUES (5)")
connection.close()
runs = []

def sell():
    runs.append(1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shelf SET pieces = pieces - 1")

other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
other.execute("BEGIN IMMEDIATE")
try:
    transaction.atomic(sell)()
except OperationalError as error:
    print(classify_error(error))
threading.Timer(0.25, other.rollback).start()
retry_transaction(sell)()
print(connection.cursor().execute("SELECT pieces FROM shelf").fetchone()[0])
"""


@pytest.mark.failure("F25")
def test_on_sqlite_a_locked_database_is_tried_again(tmp_path):
    surroundings = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SHOP_MODE": "demo",
        "VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", ON_SQLITE],
        cwd=BASE,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["TransientError.BUSY", "4"], done.stderr
