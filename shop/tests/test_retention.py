"""Nothing is older than its class: one schedule, printed on the privacy page and obeyed by the hourly job."""

import datetime as dt
from dataclasses import replace
from io import StringIO

import pytest
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import translation

from catalog.models import IntakeQuestion
from checkout import services as checkout
from checkout.health import forgetting
from checkout.models import (
    CancellationRequest,
    Draft,
    EmailCorrection,
    Intake,
    Order,
    PrivacyRequest,
    Upload,
)
from checkout.orders import lookup
from checkout.privacy import requests as privacy_requests
from checkout.shipping import fulfilment
from checkout.signals import order_erased
from checkout.tasks import erase_confirmed
from checkout.tests.intake_scenes import checkout as checkout_page
from checkout.tests.intake_scenes import order_of, question
from checkout.tests.scenes import TYPED, add, make_cart, make_goods, make_service, pay, place
from consulting import case_messages
from consulting.models import AccessLog, Case, Message
from consulting.tests import scenes
from payments.health import restored
from payments.models import GatewayEvent
from shop import clock
from shop.crypto import EncryptedJSONField, SealedColumn
from shop.models import ApprovalRequest, OutboxMessage, Try
from shop.privacy import retention
from shop.tasks import forget
from shop.tests.harness.clock import later

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_files_of_others(settings, tmp_path):
    """Files that no row names are counted too."""
    settings.MEDIA_ROOT = tmp_path


def counts() -> dict[str, int | None]:
    return {kind.name: count for kind, count in retention.overdue() if count != 0}


def plant():
    """Something of each class. Returns a paid order with a published report, and one that was never paid."""
    order = scenes.paid_order(subjects=1, goods=1)
    left = {line.pk: quantity for line, quantity in fulfilment.left_to_ship(order).items()}
    fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities=left, actor="packer")
    author = scenes.writer()
    case = Case.objects.of(order).get()
    scenes.published(case, author)
    case_messages.write_to_consultant(case, text="canary-message")
    AccessLog.objects.create(order=order, what="report", at=clock.now())
    unpaid = place(make_cart((make_goods(), 1)), email="canary-unpaid@example.com")
    checkout.cancel(unpaid.pk, actor="mei")
    now = clock.now()
    GatewayEvent.objects.create(gateway="paypal", event_id="1", body=b"canary-payer", received_at=now)
    Try.objects.create(purpose="x", network="10.0.0.1/32", at=now)
    lookup.request_link("canary@example.com", language="en")
    privacy_requests.create_request(order, PrivacyRequest.Kind.EXPORT)
    session = SessionStore()
    session["cart"] = {}
    session.save()
    return order, unpaid


def test_the_schedule_is_obeyed_class_by_class(monkeypatch):
    order, unpaid = plant()
    assert counts() == {}
    for days, gone in [
        (2, {"tries", "searches"}),
        (6, {"privacy-requests"}),
        (83, {"unpaid-orders"}),
        (275, {"addresses", "messages"}),
        (40, {"notifications"}),
        (330, {"access-log"}),
        (1900, {"orders"}),
    ]:
        later(monkeypatch, days=days)
        Draft.objects.update(updated_at=clock.now())  # looked at below
        assert gone <= counts().keys(), (days, counts())
        forget()
        assert counts() == {}
    order.refresh_from_db()
    unpaid.refresh_from_db()
    assert order.email == unpaid.email == ""
    assert order.erased_at
    assert (order.recipient, order.address) == ("", {})
    assert order.total > 0
    assert bytes(GatewayEvent.objects.get().body) == b""
    assert not Message.objects.exists()
    assert not Intake.objects.exists()


def columns_that_open_as_they_are_read():
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]


def spoil(rows, *names):
    """Overwritten, or sealed under a key that is gone: read by nobody any more."""
    fields = [field for field in rows.model._meta.concrete_fields if isinstance(field, SealedColumn)]
    for field in fields:
        if not names or field.name in names:
            with connection.cursor() as cursor:
                for pk in rows.values_list("pk", flat=True):
                    sql = f"UPDATE {rows.model._meta.db_table} SET {field.column} = %s WHERE id = %s"
                    cursor.execute(sql, [b"gAAAA-not-to-be-opened", pk])


def test_deleting_never_opens_what_it_deletes(monkeypatch):
    """Whatever sealed column there is, in each class: one that does not open is deleted like the others."""
    order, _unpaid = plant()
    now = clock.now()
    CancellationRequest.objects.create(order=order, reason="canary", asked_at=now, state="declined")
    EmailCorrection.objects.create(order=order, old_email="canary@example.com", at=now)
    upload = Upload.objects.create(draft=order.draft, size=9, stored_as="x", uploaded_at=now, name="canary")
    upload.intakes.add(*Intake.objects.all())
    Upload.objects.create(draft=order.draft, size=9, stored_as="y", uploaded_at=now, name="canary")
    ApprovalRequest.objects.create(kind="mailbox", asked_at=now, expires_at=now, payload={"a": 1})
    for model, _field in columns_that_open_as_they_are_read():
        assert model.objects.exists(), f"plant a row of {model}: its sealed column would not be looked at"
        spoil(model.objects.all())
    with pytest.raises(InvalidToken):
        list(Intake.objects.all())
    later(monkeypatch, days=4000)
    forget()
    assert counts() == {}
    assert not OutboxMessage.objects.filter(topic=retention.NOT_FORGOTTEN).exists()
    order.refresh_from_db()
    assert order.erased_at
    assert [model for model in (Intake, Upload, Draft, Message) if model.objects.exists()] == []


def test_a_class_that_fails_keeps_no_other_waiting(monkeypatch):
    begun = []

    def fail(name):
        begun.append(name)
        raise RuntimeError("canary")

    for kind in [kind for kind in retention.schedule() if kind.overdue]:
        broken = replace(kind, overdue=lambda: 1, forget=lambda name=kind.name: fail(name))
        monkeypatch.setitem(retention._kinds, kind.name, broken)
    forget()
    assert begun == [kind.name for kind in retention.schedule() if kind.overdue]
    found = forgetting.not_forgotten()
    assert [finding.text for finding in found.findings] == [
        f"{name}: could not be deleted (RuntimeError)." for name in begun
    ]
    later(monkeypatch, hours=2)
    assert forgetting.not_forgotten().state == "ok", "the next runs have deleted it"


def test_a_row_that_fails_keeps_no_other_waiting(monkeypatch, caplog):
    """Of each loop over rows: the first fails, the others are done, and the health page names the first."""
    orders = [scenes.paid_order(subjects=1) for _ in range(2)]
    author = scenes.writer()
    for order in orders:
        scenes.published(Case.objects.of(order).get(), author)
        request = privacy_requests.create_request(order, PrivacyRequest.Kind.ERASURE)
        PrivacyRequest.objects.filter(pk=request.pk).update(confirmed_at=clock.now(), email=order.email)
    broken, whole = orders
    Intake.objects.update(next_keep_days=1)
    spoil(Intake.objects.filter(line__order=broken, subject=1), "answers")
    later(monkeypatch, days=2)
    forget()
    assert Intake.objects.get(line__order=whole, subject=1).next_keep_days is None
    assert "not-to-be-opened" not in caplog.text

    def fail(sender, order, **_kwargs):
        if order.pk == broken.pk:
            raise RuntimeError("canary")

    order_erased.connect(fail)
    try:
        erase_confirmed()
        assert list(Order.objects.filter(erased_at=None)) == [broken]
        Order.objects.filter(pk=whole.pk).update(erased_at=None)
        later(monkeypatch, days=4000)
        forget()
    finally:
        order_erased.disconnect(fail)
    assert list(Order.objects.filter(erased_at=None)) == [broken]
    told = OutboxMessage.objects.filter(topic=retention.NOT_FORGOTTEN).values_list("payload__name", flat=True)
    assert {"answers", "erasure", "orders"} <= set(told)
    assert f"orders, row {broken.pk}: " in forgetting.not_forgotten().findings[0].text


def test_an_answer_for_goods_that_does_not_open_keeps_no_other_waiting(client, monkeypatch):
    seal = make_goods()
    question(seal, "text", is_personal=True, keep_days=1)
    for _ in range(2):
        add(client, seal, 1)
        order = pay(order_of(checkout_page(client, **TYPED, **{f"v{seal.pk}-1-text": "雲"})))
        fulfilment.ship(
            order.pk,
            carrier="sf",
            tracking_number="SF1",
            quantities={order.lines.get().pk: 1},
            actor="packer",
        )
    broken, whole = Intake.objects.order_by("pk").values_list("pk", flat=True)
    spoil(Intake.objects.filter(pk=broken), "answers")
    later(monkeypatch, days=2)
    assert counts()["goods-answers"] == 2
    forget()
    assert Intake.objects.get(pk=whole).rows[0].is_forgotten
    assert f"goods-answers, row {broken}: " in forgetting.not_forgotten().findings[0].text


def test_a_class_that_cannot_be_counted_keeps_no_other_from_being_told(monkeypatch):
    def fail():
        raise RuntimeError("canary")

    plant()
    later(monkeypatch, days=3)
    before = {kind.name: count for kind, count in retention.overdue()}
    for kind in [kind for kind in retention.schedule() if kind.overdue]:
        with monkeypatch.context() as patch:
            patch.setitem(retention._kinds, kind.name, replace(kind, overdue=fail))
            told = {each.name: count for each, count in retention.overdue()}
            assert told == before | {kind.name: None}
            said = StringIO()
            call_command("forget", "--dry-run", stdout=said)
            assert f" unknown {kind.name}\n" in said.getvalue()
            assert any(f"of {kind.name} " in line and "could not" in line for line in restored.would_leave())


def late_money(order):
    """Whether money that comes in now still pays the order."""
    with transaction.atomic():
        locked = Order.objects.lock(order.pk)
        try:
            checkout.mark_paid(locked, method="paypal", last4="", note="late")
        except checkout.CannotRevive:
            return False
        transaction.set_rollback(True)
    return True


@pytest.mark.parametrize(("is_begun", "days"), [(False, 1), (True, 7)])
def test_answers_of_an_order_that_ended_unpaid_last_as_long_as_money_may_come(monkeypatch, is_begun, days):
    order = place(make_cart((make_service(), 1)))
    upload = Upload.objects.create(draft=order.draft, size=9, stored_as="x", uploaded_at=clock.now())
    upload.intakes.add(Intake.objects.get())
    with transaction.atomic():
        locked = Order.objects.lock(order.pk)
        if is_begun:
            checkout.begin_payment(locked, minutes=30)
        checkout.expire(locked)
    later(monkeypatch, days=days)
    forget()
    assert (Intake.objects.count(), late_money(order)) == (1, True)
    later(monkeypatch, hours=1)
    assert counts()["unpaid-answers"] == 1
    Draft.objects.update(updated_at=clock.now() - dt.timedelta(days=1, minutes=1))
    forget()
    assert (Intake.objects.count(), Upload.objects.count(), late_money(order)) == (0, 0, False)
    assert counts() == {}


def test_answers_about_a_service_that_was_paid_back_before_its_report_are_deleted(monkeypatch):
    """All of them, and what was half typed: nobody will read it. After a report the question's days count."""
    order, author = scenes.paid_order(subjects=1, services=3), scenes.writer()
    refunded, written, other = Case.objects.of(order)
    Upload.objects.create(size=9, stored_as="x", uploaded_at=clock.now()).intakes.add(
        Intake.objects.get(line=refunded.line, subject=1)
    )
    scenes.published(written, author)
    later(monkeypatch, days=100)
    halves = Case.objects.of(scenes.paid_order(subjects=2))
    scenes.published(halves[0], author)
    scenes.give_back(halves[0].order, halves[0].order.total)
    scenes.give_back(order, "0", {case.line_id: case.line.net_total for case in (refunded, written)})
    later(monkeypatch, days=29, hours=23)
    forget()
    assert Intake.objects.filter(line=refunded.line).count() == 2
    later(monkeypatch, hours=2)
    assert counts()["refunded-answers"] == 3
    forget()
    kept = set(Intake.objects.values_list("line", "subject"))
    lines = {(case.line_id, subject) for case in (written, other, halves[0]) for subject in (0, 1)}
    assert (kept, Upload.objects.count(), counts()) == (lines, 0, {})
    assert order.events.filter(note__endswith="before any report, its answers were deleted").count() == 1


def test_what_was_paid_or_waits_keeps_its_answers(monkeypatch):
    scenes.paid_order(subjects=1)
    place(make_cart((make_service("SV-901"), 1)))
    later(monkeypatch, days=30)
    forget()
    assert Intake.objects.values("line__order").distinct().count() == 2


def test_what_goods_were_made_after_is_kept_as_long_after_the_last_parcel_as_the_page_says(
    client, monkeypatch
):
    seal = make_goods()
    question(seal, "text", is_personal=True, keep_days=90)
    add(client, seal, 2)
    order = pay(order_of(checkout_page(client, **TYPED, **{f"v{seal.pk}-{n}-text": "雲" for n in (1, 2)})))
    later(monkeypatch, days=100)
    forget()
    assert [intake.shown[0][1] for intake in Intake.objects.all()] == ["雲", "雲"], "nothing was sent yet"
    for _ in range(2):
        line = order.lines.get()
        fulfilment.ship(
            order.pk, carrier="sf", tracking_number="SF1", quantities={line.pk: 1}, actor="packer"
        )
        later(monkeypatch, days=89)
        forget()
        assert not any(intake.rows[0].is_forgotten for intake in Intake.objects.all())
    later(monkeypatch, days=1, minutes=1)
    assert counts()["goods-answers"] == 2
    forget()
    assert [intake.rows[0].is_forgotten for intake in Intake.objects.all()] == [True, True]
    assert counts() == {}


def test_drafts_and_sessions_end_with_their_time(monkeypatch):
    plant()
    later(monkeypatch, days=31)
    Draft.objects.update(updated_at=clock.now() - dt.timedelta(days=31))
    assert counts()["drafts"] > 0
    forget()
    assert not Draft.objects.exists()
    assert Order.objects.count() == 2, "the orders made of them stay"
    assert counts() == {}


def test_an_order_with_something_unsettled_outlives_its_term_until_it_is_settled(monkeypatch):
    order = scenes.paid_order(subjects=1)
    later(monkeypatch, days=8 * 366)
    forget()
    order.refresh_from_db()
    assert order.email
    author = scenes.writer()
    scenes.published(Case.objects.of(order).get(), author)
    forget()
    order.refresh_from_db()
    assert order.email == ""


def test_the_dry_run_only_counts(monkeypatch):
    plant()
    later(monkeypatch, days=3)
    said = StringIO()
    call_command("forget", "--dry-run", stdout=said)
    assert "1 tries" in said.getvalue()
    assert Try.objects.exists()
    call_command("forget", stdout=StringIO())
    assert not Try.objects.exists()


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_privacy_page_prints_the_schedule_and_each_personal_question(client, settings, language):
    settings.KEEP_ADDRESSES_DAYS = 444
    product = make_service().product
    IntakeQuestion.objects.filter(product=product).update(
        keep_days=77, purpose_en="To greet", purpose_zh_hant="稱呼"
    )
    with translation.override(language):
        page = client.get(reverse("shop:privacy")).content.decode()
        for kind in retention.schedule():
            assert translation.gettext(str(kind.data)) in page
            assert kind.kept() in page
    assert "444" in page
    assert ("To greet" if language == "en" else "稱呼") in page
    assert "<td>77</td>" in page


def test_every_class_says_what_it_is_in_chinese():
    with translation.override("zh-hant"):
        for kind in retention.schedule():
            assert not str(kind.data).isascii()
            assert not str(kind.purpose).isascii()
