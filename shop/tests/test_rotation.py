"""New secrets come in and old ones go, while the shop is open and whatever dies."""

import datetime as dt
import time
from io import StringIO

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models

from checkout.intake import answers as intakes
from checkout.intake import upload_rotation, uploads
from checkout.models import (
    CancellationRequest,
    Draft,
    EmailCorrection,
    Intake,
    OrderSearch,
    PrivacyRequest,
    Upload,
)
from consulting import case_messages, key_format, report_encryption
from consulting.keys import services as keys
from consulting.models import Case, Message, OrderKey, Report
from consulting.reports import services
from consulting.tests import scenes
from shop import clock, crypto
from shop.devstack import failpoints
from shop.keyring import fingerprints, rotation
from shop.models import ApprovalRequest, AuthenticatorApp, Canary
from shop.tests.harness.races import at_once, nothing_is_locked, while_held

pytestmark = [pytest.mark.django_db, pytest.mark.failure("F78")]

# Bytes that are under no key of a family, and why.
NOT_SEALED = {
    "consulting.OrderKey.lookup": "a keyed hash: renewed by pepper_rotation",
    "consulting.Report.body": "under its own key, which is under ESCROW_KEYS and the order key",
    "consulting.Report.salt": "no secret",
    "consulting.Report.client_wrap": "under the order key: renewed by pepper_rotation",
    "payments.GatewayEvent.body": "what a gateway sent us, without card data",
    "shop.Canary.digest": "a digest of a secret",
}


def fernet_key():
    return Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def first_secrets(settings, tmp_path):
    settings.SEAL_KEYS, settings.ESCROW_KEYS = [fernet_key()], [fernet_key()]
    settings.ORDER_KEY_PEPPERS = ["first pepper"]
    settings.MEDIA_ROOT = tmp_path
    fingerprints.remember()


@pytest.fixture
def order():
    """Something in every place that is sealed."""
    made = scenes.paid_order(subjects=1)
    writer = scenes.writer("writer")
    case = Case.objects.of(made).get()
    scenes.published(case, writer)
    services.save_draft(case, author=writer, title="next", body=scenes.TEXT)
    now = clock.now()
    OrderSearch.objects.create(email="search@example.com", language="en", asked_at=now)
    EmailCorrection.objects.create(order=made, old_email="old@example.com", at=now)
    CancellationRequest.objects.create(order=made, reason="canary reason", asked_at=now)
    PrivacyRequest.objects.create(order=made, kind="export", email="copy@example.com", asked_at=now)
    Case.objects.filter(pk=case.pk).update(withdrawn_because="canary withdrawal")
    case_messages.write_to_consultant(case, text="canary message")
    kept = Draft.objects.get(pk=made.draft_id)
    upload = Upload.objects.create(
        draft=kept, field="f", name="plan.pdf", kind="pdf", size=4, stored_as="plan", uploaded_at=now
    )
    upload.intakes.add(Intake.objects.get(line__order=made, subject=1))
    uploads.write_sealed("plan", b"%PDF")
    AuthenticatorApp.objects.create(user=writer, key=crypto.seal_bytes(b"canary key of an app"), added_at=now)
    ApprovalRequest.objects.create(
        key="1", payload={"canary": "wish"}, asked_at=now, expires_at=now + dt.timedelta(days=7)
    )
    return made


def new_secrets(settings):
    settings.SEAL_KEYS = [fernet_key(), *settings.SEAL_KEYS]
    settings.ESCROW_KEYS = [fernet_key(), *settings.ESCROW_KEYS]
    settings.ORDER_KEY_PEPPERS = ["second pepper", *settings.ORDER_KEY_PEPPERS]
    fingerprints.remember()


def drop_the_old(settings):
    for family in fingerprints.FAMILIES:
        setattr(settings, family, getattr(settings, family)[:1])


def rotate(*families, dry_run=False):
    output = StringIO()
    call_command("rotate_secrets", *families, dry_run=dry_run, stdout=output, stderr=output)
    return output.getvalue()


def stored():
    """The bytes of all sealed columns."""
    return {
        str(column): [bytes(value) for value in column.raw().order_by("pk").values_list("stored", flat=True)]
        for column in rotation.sealed_columns()
    }


def everything_of(order):
    """All that is sealed, opened."""
    upload = Upload.objects.get()
    order_key = order.keys.get(state="active")
    reports = Report.objects.select_related("case__line").order_by("version")
    canonical = keys.read_key(order_key)
    return {
        "draft": Draft.objects.get(pk=order.draft_id).data,
        "answers": list(Intake.objects.order_by("pk").values_list("answers", "typed")),
        "search": OrderSearch.objects.get().email,
        "correction": EmailCorrection.objects.get().old_email,
        "reason": CancellationRequest.objects.get().reason,
        "copy": PrivacyRequest.objects.get().email,
        "withdrawal": Case.objects.get().withdrawn_because,
        "message": Message.objects.get().text,
        "app": crypto.open_sealed_bytes(AuthenticatorApp.objects.get().key),
        "wish": ApprovalRequest.objects.get().payload,
        "file": (upload.name, uploads.read(upload)),
        "key": canonical,
        "found": keys._find_key(canonical),
        "client": report_encryption.open_for_client(reports[0], canonical),
        "escrow": [scenes.from_escrow(report) for report in reports],
    }


def test_every_column_of_bytes_says_what_it_holds():
    sealed = {str(column) for column in rotation.sealed_columns()}
    others = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.BinaryField)
    } - sealed
    assert others == set(NOT_SEALED), "a new column: crypto.SealedBytesField, or a line above"
    assert {column.family for column in rotation.sealed_columns()} == {"SEAL_KEYS", "ESCROW_KEYS"}


def test_after_a_rotation_everything_opens_without_the_old_secrets(order, settings):
    before = everything_of(order)
    new_secrets(settings)
    assert everything_of(order) == before
    rotate()
    drop_the_old(settings)
    assert everything_of(order) == before
    assert fingerprints.problems() == [], "and the shop starts"


def test_without_the_rotation_nothing_opens_and_nothing_starts(order, settings):
    new_secrets(settings)
    drop_the_old(settings)
    assert len(fingerprints.problems()) == 3
    with pytest.raises(InvalidToken):
        everything_of(order)


def test_a_dry_run_counts_and_changes_nothing(order, settings):
    new_secrets(settings)
    before = stored()
    with pytest.raises(CommandError, match="Keep the older secrets of SEAL_KEYS, ESCROW_KEYS, ORDER_KEY_P"):
        rotate(dry_run=True)
    told = {
        tally.place: tally.older for f in fingerprints.FAMILIES for tally in rotation.renew(f, dry_run=True)
    }
    assert all(count for place, count in told.items()), f"not in every place: {told}"
    assert stored() == before
    assert Canary.objects.count() == 6


def test_a_second_run_does_nothing(order, settings):
    new_secrets(settings)
    assert "sealed anew" in rotate()
    again = rotate()
    assert "sealed anew" not in again
    assert again.count("Nothing depends on an older secret: it may go.") == 3


def test_one_family_at_a_time(order, settings):
    new_secrets(settings)
    assert "ESCROW" not in rotate("SEAL_KEYS")
    settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
    assert fingerprints.problems() == []
    settings.ESCROW_KEYS = settings.ESCROW_KEYS[:1]
    assert len(fingerprints.problems()) == 1
    with pytest.raises(CommandError, match="no setting SECRET_KEY"):
        rotate("SECRET_KEY")


def test_what_no_secret_opens_is_named_left_alone_and_keeps_the_old_secrets(order, settings):
    new_secrets(settings)
    column = next(column for column in rotation.sealed_columns() if column.name == "old_email")
    damaged = models.Value(b"damaged", models.BinaryField())
    column.model.objects.update(old_email=damaged)
    output = StringIO()
    with pytest.raises(CommandError, match="Keep the older secrets of SEAL_KEYS"):
        call_command("rotate_secrets", "SEAL_KEYS", stdout=output, stderr=output)
    assert "checkout.EmailCorrection.old_email: 1, 1 that nothing opens" in output.getvalue()
    assert stored()[str(column)] == [b"damaged"]
    assert Canary.objects.filter(family="SEAL_KEYS").count() == 2


def test_a_lost_file_and_a_damaged_key_are_named_too(order, settings):
    new_secrets(settings)
    uploads.storage().delete("plan")
    other = scenes.paid_order(subjects=1)
    moved = OrderKey.objects.get(order=other).sealed
    settings.ORDER_KEY_PEPPERS = ["third pepper", *settings.ORDER_KEY_PEPPERS]
    OrderKey.objects.filter(order=order).update(sealed=bytes(moved))
    found = {tally.place: tally.unreadable for f in fingerprints.FAMILIES for tally in rotation.renew(f)}
    assert {place: len(rows) for place, rows in found.items() if rows} == {
        "files of answers": 1,
        "look-ups of order keys": 1,
        "reports' wraps for their clients": 1,
    }


# --- killed, and at the same time as others ---


class Killed(BaseException):
    """Nothing of ours catches it, as nothing catches SIGKILL."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "point", ["before_value_replaced", "before_file_replaced", "before_pepper_committed"]
)
def test_killed_in_the_middle_it_goes_on_where_it_was(order, settings, monkeypatch, point):
    before = everything_of(order)
    new_secrets(settings)
    left = [2 if point == "before_value_replaced" else 1]

    def die(name):
        if name == point:
            left[0] -= 1
            if not left[0]:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reached", die)
        with pytest.raises(Killed):
            rotate()
    assert everything_of(order) == before
    with pytest.raises(CommandError):
        rotate(dry_run=True)
    rotate()
    drop_the_old(settings)
    assert everything_of(order) == before


def new_answers(order):
    def write():
        row = Intake.objects.get(line__order=order, subject=1)
        row.answers = [{"key": "name", "shown_en": "written meanwhile"}]
        row.save(update_fields=["answers"])

    return write


def answers_survive(order, settings, monkeypatch):
    new_secrets(settings)
    while_held(monkeypatch, "before_value_replaced", lambda: rotate("SEAL_KEYS"), new_answers(order))
    return Intake.objects.get(line__order=order, subject=1).answers[0]["shown_en"] == "written meanwhile"


@pytest.fixture
def only_answers(monkeypatch):
    """The rotation meets nothing else, so that it is held where the answers are."""
    columns = [column for column in rotation.sealed_columns() if str(column) == "checkout.Intake.answers"]
    Intake.objects.filter(subject=0).delete()
    monkeypatch.setattr(rotation, "sealed_columns", lambda: iter(columns))


@pytest.mark.django_db(transaction=True)
def test_answers_that_are_written_during_the_rotation_stay(order, settings, monkeypatch, only_answers):
    def blindly(column, pk, old, fresh):
        column.raw().filter(pk=pk).update(**{column.name: models.Value(fresh, models.BinaryField())})
        return True

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "_replace", blindly)
        assert not answers_survive(order, settings, monkeypatch), "the race is real"
    assert answers_survive(order, settings, monkeypatch)
    settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
    assert fingerprints.problems() == []
    kept = Intake.objects.filter(line__order=order, subject=1).values_list("answers", flat=True)
    assert kept.get()[0]["key"] == "name", "sealed under the newest"


@pytest.mark.django_db(transaction=True)
def test_a_report_that_is_saved_during_the_rotation_opens(order, settings, monkeypatch):
    new_secrets(settings)
    writer = scenes.User.objects.get()
    case = Case.objects.of(order).get()
    fresh_draft = lambda: services.save_draft(case, author=writer, title="newer", body="newer")  # noqa: E731
    while_held(monkeypatch, "before_value_replaced", lambda: rotate("ESCROW_KEYS"), fresh_draft)
    assert [scenes.from_escrow(report).title for report in case.reports.all()] == [
        "newer",
        scenes.TITLE,
    ]


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_deleted_during_the_rotation_does_not_come_back(order, settings, monkeypatch):
    def delete():
        intakes.uploads._delete(Upload.objects.all())

    def is_gone():
        if not Upload.objects.exists():
            Upload.objects.create(
                field="f", name="p", kind="pdf", size=4, stored_as="plan", uploaded_at=clock.now()
            )
            uploads.write_sealed("plan", b"%PDF")
        Upload.intakes.through.objects.all().delete()
        new_secrets(settings)
        tally = rotation.Tally("SEAL_KEYS", "files")
        while_held(
            monkeypatch, "before_file_replaced", lambda: upload_rotation.renew_files(tally, False), delete
        )
        return not uploads.storage().exists("plan")

    with nothing_is_locked(monkeypatch):
        assert not is_gone(), "the race is real"
    uploads.storage().delete("plan")
    assert is_gone()


@pytest.mark.django_db(transaction=True)
def test_an_order_key_opens_at_every_moment_of_the_rotation(order, settings, monkeypatch):
    key = scenes.key_of(order)
    new_secrets(settings)
    for point in ("before_pepper_committed",):
        results = while_held(
            monkeypatch,
            point,
            lambda: rotate("ORDER_KEY_PEPPERS"),
            lambda: keys.unlock(key, scenes.EMAIL),
        )
        assert isinstance(results[1], OrderKey), results
    settings.ORDER_KEY_PEPPERS = settings.ORDER_KEY_PEPPERS[:1]
    case = Case.objects.of(order).get()
    assert services.open_report(case, keys.unlock(key, scenes.EMAIL))[1].text == scenes.TEXT


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_are_one(order, settings):
    before = everything_of(order)
    new_secrets(settings)
    results = at_once(rotate, rotate)
    assert not [result for result in results if isinstance(result, Exception)], results
    drop_the_old(settings)
    assert everything_of(order) == before


@pytest.mark.prove
@pytest.mark.parametrize(("family", "count"), [("SEAL_KEYS", 100_000), ("ORDER_KEY_PEPPERS", 10_000)])
def test_how_long_many_order_keys_take(settings, record_property, family, count):
    order = scenes.paid_order(subjects=1)
    for start in range(0, count, 5_000):
        made = [key_format.make() for _ in range(min(5_000, count - start))]
        OrderKey.objects.bulk_create(
            OrderKey(
                order=order,
                lookup=key_format.lookup(key, key_format.newest_pepper()),
                pepper_id=key_format.pepper_id(key_format.newest_pepper()),
                sealed=crypto.seal(f"{order.pk}|{key}"),
                last_group=key[-4:],
                state=OrderKey.State.SUPERSEDED,
                issued_at=clock.now(),
            )
            for key in made
        )
    new_secrets(settings)
    for what in ("rotated", "looked at again"):
        began = time.monotonic()
        rotate(family)
        seconds = time.monotonic() - began
        record_property("figure", f"{family}: {count} order keys {what} in {seconds:.1f} s")
