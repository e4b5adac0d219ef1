"""The last release goes on selling while the next one's migrations are applied, and can be gone back to."""

import io
import subprocess
import tarfile
import warnings

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from shop.tests.harness import released_schema
from shop.tests.harness.buyer import Buyer
from shop.tests.harness.released_schema import BASE
from shop.tests.harness.stacks import stack as stacks

RECORD = released_schema.recorded()


def columns():
    """By table: each column's name with whether a row may leave it out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, is_nullable = 'YES',"
            " is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES'"
            " FROM information_schema.columns WHERE table_schema = 'public'"
        )
        found = {}
        for table, name, takes_null, may_lack in cursor.fetchall():
            found.setdefault(table, {})[name] = (takes_null, may_lack)
    return found


def complaints(there, record):
    """What of the schema would break the code that wrote the record."""
    for table, known in record.items():
        if table not in there:
            yield f"{table} is gone: stop using it in one release, remove it in the next"
            continue
        for name, (_takes_null, may_lack) in there[table].items():
            if name not in known and not may_lack:
                yield f"{table}.{name} is new and has no default in the database: db_default"
        for name, was in known.items():
            if name not in there[table]:
                yield f"{table}.{name} is gone: stop using it in one release, remove it in the next"
            elif was["null"] and not there[table][name][0]:
                yield f"{table}.{name} takes no NULL any more, which the last release writes"


def narrowed(now, record):
    """Columns that take less than the last release writes."""
    for table, known in record.items():
        for name, was in known.items():
            is_now = now.get(table, {}).get(name)
            if is_now and (is_now["kind"] != was["kind"] or is_now.get("length", 0) < was.get("length", 0)):
                yield f"{table}.{name}: {was} -> {is_now}"


def test_the_last_release_can_write_into_this_schema(db):
    there = columns()
    assert len(RECORD["tables"]) > 40
    assert list(complaints(there, RECORD["tables"])) == []
    assert list(narrowed(released_schema.tables(), RECORD["tables"])) == []


def test_each_fault_is_found(db):
    """The look sees what a migration may do wrong."""
    order = dict.fromkeys(RECORD["tables"]["checkout_order"], (False, False))
    known = {"checkout_order": RECORD["tables"]["checkout_order"]}
    nullable = [name for name, was in known["checkout_order"].items() if was["null"]]
    assert [line.partition(" ")[2] for line in complaints({"checkout_order": order}, known)] == [
        "takes no NULL any more, which the last release writes"
    ] * len(nullable)
    fine = dict.fromkeys(order, (True, True))
    assert list(complaints({"checkout_order": fine}, known)) == []
    [new] = complaints({"checkout_order": {**fine, "fresh": (False, False)}}, known)
    assert new.startswith("checkout_order.fresh is new")
    del fine["email"]
    [gone] = complaints({"checkout_order": fine}, known)
    assert gone.startswith("checkout_order.email is gone")
    shorter = {"checkout_order": {"number": {"kind": "CharField", "null": False, "length": 1}}}
    assert len(list(narrowed(shorter, known))) == 1


def test_the_way_back_is_open():
    """Old code runs on the new schema; who must undo a migration all the same finds it possible, or named."""
    loader = MigrationLoader(None)
    document = (BASE / "docs" / "operations.md").read_text()
    closed = {
        f"{app}.{name}"
        for (app, name), migration in loader.disk_migrations.items()
        if f"{app}.{name}" not in RECORD["migrations"]
        and not all(operation.reversible for operation in migration.operations)
    }
    assert {name for name in closed if f"`{name}`" not in document} == set()


@pytest.fixture
def last_release(tmp_path, record_property):
    """Its code, out of the history; None where a clone has none of it."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", RECORD["commit"]], cwd=BASE, capture_output=True, check=False
    )
    if packed.returncode:
        record_property("figure", "the last release: NOT RUN, its commit is not in this clone's history")
        said = f"{RECORD['commit']} is not in this clone: git fetch --unshallow"
        warnings.warn(said, pytest.PytestWarning, stacklevel=2)
        return None
    folder = tmp_path / "last-release"
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.prove
@pytest.mark.filterwarnings("default::pytest.PytestWarning")
def test_the_last_release_takes_orders_on_the_schema_of_this_one(last_release, tmp_path, record_property):
    if not last_release:
        return  # said above, and in the figures
    with (
        stacks.own_stores() as stores,
        stacks.running(tmp_path / "stack", base=last_release, **stores) as stack,
    ):
        buyer = Buyer(stack, email="mei@example.com").check_out()
        buyer.get(buyer.approve_at_paypal(buyer.press_pay().headers["Location"]))
        buyer.wait_until_paid()
        stack.wait_for_mail("mei@example.com", "Order confirmation")
        buyer.close()
    record_property("figure", f"the last release ({RECORD['commit'][:7]}) sells on this schema: yes")
