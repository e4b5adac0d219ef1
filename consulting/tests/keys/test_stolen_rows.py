"""Rows without the secrets, rows that were moved, bytes that were changed: none of them opens.

The table says which secrets, together with the database, open what: docs/operations.md tells the owner.
"""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db.models import BinaryField, Value
from django.urls import reverse

from checkout.models import Draft, Intake
from consulting import report_encryption
from consulting.keys import services as keys
from consulting.models import Case, OrderKey, Report
from consulting.tests import scenes
from shop import crypto
from shop.keyring import rotation

FAMILIES = {"SEAL_KEYS", "ESCROW_KEYS", "ORDER_KEY_PEPPERS"}
# What a thief of the database can open with these secrets of the application.
OPENS = {
    (): set(),
    ("ORDER_KEY_PEPPERS",): set(),
    ("SEAL_KEYS",): {"answers", "order keys"},
    ("ESCROW_KEYS",): {"reports"},
    ("ORDER_KEY_PEPPERS", "ESCROW_KEYS"): {"reports"},
    ("SEAL_KEYS", "ORDER_KEY_PEPPERS"): {"answers", "order keys", "reports"},
}


@pytest.fixture
def report(case, consultant):
    scenes.published(case, consultant)
    return Report.objects.select_related("case__line").get()


def lose(settings, *families):
    for family in families:
        is_pepper = family == "ORDER_KEY_PEPPERS"
        setattr(settings, family, ["w" * 40] if is_pepper else [Fernet.generate_key().decode()])


def opened(report, case):
    """What opens now, by any way in."""
    what = set()
    try:
        assert Intake.objects.filter(line=case.line).first().answers
        what.add("answers")
    except InvalidToken:
        pass
    order_key = case.order.keys.get()
    canonical = ""
    try:
        canonical = keys.read_key(order_key)
        what.add("order keys")
    except InvalidToken:
        pass
    for way in (
        scenes.from_escrow,
        lambda row: report_encryption.open_for_client(row, canonical),
    ):
        try:
            assert way(report).text == scenes.TEXT
            what.add("reports")
        except report_encryption.Unreadable:
            pass
    return what


@pytest.mark.parametrize("kept", OPENS)
def test_what_a_thief_of_the_database_opens_with_some_of_the_secrets(report, case, settings, kept):
    lose(settings, *FAMILIES.difference(kept))
    assert opened(report, case) == OPENS[kept]


def test_without_the_secrets_no_sealed_column_holds_a_readable_text(report, case, settings):
    Draft.objects.update(data={"name": scenes.ANSWER})
    lose(settings, *FAMILIES)
    values = 0
    for column in rotation.sealed_columns():
        for (stored,) in column.raw().values_list("stored"):
            values += 1
            assert b"canary" not in bytes(stored)
            with pytest.raises(InvalidToken):
                crypto.fernet_for(column.family).decrypt(bytes(stored))
    assert values >= 5


def test_a_sealed_key_that_was_moved_to_another_order_opens_nothing_there(report, case, client):
    """Whoever can write to the database cannot make one client's key another's."""
    other = scenes.paid_order()
    row = OrderKey.objects.get(order=other)
    row.sealed = case.order.keys.get().sealed
    row.save(update_fields=["sealed"])
    with pytest.raises(keys.SealedKeyDamaged):
        keys.read_key(row)


def test_a_look_up_that_was_moved_gives_no_other_orders_report(report, case, consultant, client, key):
    """The key finds the wrong order then; its report was not wrapped for that key."""
    other = scenes.paid_order()
    scenes.published(Case.objects.of(other).first(), consultant)
    mine = OrderKey.objects.get(order=case.order)
    moved = bytes(mine.lookup)
    mine.lookup = b"x" * 32
    mine.save(update_fields=["lookup"])
    OrderKey.objects.filter(order=other).update(lookup=moved)
    client.post(reverse("consulting:unlock"), {"order_key": key, "email": scenes.EMAIL})
    stolen = OrderKey.objects.get(order=other)
    theirs = Report.objects.select_related("case__line").get(case__line__order=other)
    with pytest.raises(report_encryption.Unreadable):
        report_encryption.open_for_client(theirs, keys.read_key(OrderKey.objects.get(order=case.order)))
    assert keys.read_key(stolen) != keys.read_key(mine)


@pytest.mark.parametrize("column", ["body", "client_wrap", "escrow_wrap", "salt"])
def test_columns_exchanged_between_two_reports_are_refused(report, case, consultant, column):
    other = scenes.paid_order()
    scenes.published(Case.objects.of(other).first(), consultant)
    theirs = Report.objects.select_related("case__line").get(case__line__order=other)
    setattr(report, column, getattr(theirs, column))
    canonical = keys.read_key(case.order.keys.get())
    ways = {
        "body": [
            scenes.from_escrow,
            lambda row: report_encryption.open_for_client(row, canonical),
        ],
        "escrow_wrap": [scenes.from_escrow],
    }
    for way in ways.get(column, [lambda row: report_encryption.open_for_client(row, canonical)]):
        with pytest.raises(report_encryption.Unreadable):
            way(report)


@pytest.mark.parametrize("place", [0, 12, 40, -1])
def test_sealed_answers_with_one_changed_byte_are_refused(case, place):
    column = next(one for one in rotation.sealed_columns() if str(one) == "checkout.Intake.answers")
    pk, stored = column.raw().values_list("pk", "stored").first()
    changed = bytearray(bytes(stored))
    changed[place] ^= 1
    Intake.objects.filter(pk=pk).update(answers=Value(bytes(changed), BinaryField()))
    with pytest.raises((InvalidToken, ValueError)):
        Intake.objects.get(pk=pk)
