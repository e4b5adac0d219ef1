"""The key page: how far each report is, what is still missing, and who has opened what."""

import pytest
from django.urls import reverse

from checkout.models import Intake
from checkout.tests.scenes import place_waiting
from consulting.client import overview
from consulting.keys import services as keys
from consulting.models import AccessLog, Case
from consulting.reports import services as reports
from consulting.tests import scenes
from consulting.tests.scenes import give_back, unlock
from shop import clock
from shop.models import OutboxMessage
from shop.tests.harness.clock import later
from shop.tests.harness.moments import day, stop_clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, order):
    unlock(client, scenes.key_of(order))
    return client


def index(browser) -> str:
    return browser.get(reverse("consulting:index")).content.decode()


def test_each_report_says_how_far_it_is(client, consultant, monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    order = scenes.paid_order(subjects=1, services=5)
    preparing, ready, updated, withdrawn, refunded = Case.objects.of(order)
    scenes.published(ready, consultant)
    scenes.published(updated, consultant)
    stop_clock(monkeypatch, "2026-12-05 10:00")
    scenes.published(updated, consultant, "new text", note="corrected")
    scenes.published(withdrawn, consultant)
    reports.withdraw(withdrawn, actor="lin", reason="the wrong plan")
    give_back(order, refunded.line.total, {refunded.line_id: refunded.line.total})
    unlock(client, scenes.key_of(order))
    shown = index(client)
    assert "In preparation, promised for 10 December 2026" in shown
    assert "Ready to open" in shown
    assert "Version 2 of 5 December 2026" in shown
    assert "Withdrawn" in shown
    assert "the wrong plan" in shown
    assert "This report is locked because its price was refunded." in shown
    opened = [
        case
        for case in (preparing, ready, updated, withdrawn, refunded)
        if f'"{reverse("consulting:report", args=[case.pk])}"' in shown
    ]
    assert opened == [ready, updated]
    assert reverse("consulting:messages", args=[refunded.pk]) not in shown


def test_missing_answers_are_named_given_in_parts_and_move_the_promised_day(
    client, monkeypatch, deliver_outbox
):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    case = Case.objects.of(scenes.pay(place_waiting())).get()
    unlock(client, scenes.key_of(case.order), case.order.email)
    shown = index(client)
    assert "Your consultant still needs:" in shown
    assert "<li>Name</li>" in shown
    assert reverse("consulting:details") in shown
    url = reverse("consulting:details")
    field = f"i{Intake.objects.get().pk}-name"
    assert field in client.get(url).content.decode()
    stop_clock(monkeypatch, "2026-12-04 10:00")
    unlock(client, scenes.key_of(case.order), case.order.email)  # locked again meanwhile
    saved = client.post(url, {field: ""})  # nothing yet: said at the field or kept for later
    assert saved.status_code in {200, 302}
    done = client.post(url, {field: "Mei"})
    assert done["Location"] == reverse("consulting:index")
    OutboxMessage.objects.filter(topic__startswith="mail.order").delete()
    deliver_outbox()
    shown = index(client)
    assert "In preparation, promised for 15 December 2026" in shown
    assert "Your consultant still needs:" not in shown
    case.refresh_from_db()
    assert case.due_on == day("2026-12-15")


def test_the_details_are_for_whoever_has_the_key(client):
    assert client.get(reverse("consulting:details"))["Location"] == reverse("consulting:unlock")
    assert client.get(reverse("consulting:access_log"))["Location"] == reverse("consulting:unlock")


def test_the_client_reads_who_opened_what_by_name(reader, order, case, consultant, colleague):
    consultant.first_name, consultant.last_name = "Wai-yin", "Lam"
    consultant.save()
    reports.assign(case, consultant)
    reports.open_answers(case, consultant)
    keys.open_with_key(colleague, scenes.key_of(order))
    shown = index(reader)
    assert "Unlocked with the order key" in shown
    assert "You, or whoever has your order key" in shown
    assert "Consultant Wai-yin Lam" in shown
    assert "Your consultant" in shown, "who has given no name"
    assert "wong" not in shown
    assert "Show all access" not in shown


def test_a_report_names_its_writer_and_never_what_they_sign_in_with(reader, case, colleague):
    url = reverse("consulting:report", args=[case.pk])
    scenes.published(case, colleague)
    assert colleague.username not in reader.get(url).content.decode() + index(reader)
    colleague.first_name = "Wai-yin Lam"
    colleague.save()
    scenes.published(case, colleague, "new text", note="corrected")
    assert "<dd>Wai-yin Lam</dd>" in reader.get(url).content.decode()


def test_all_of_a_long_log_can_be_read_page_by_page(reader, order, case):
    AccessLog.objects.bulk_create(
        AccessLog(order=order, case=case, what="report", at=case.opened_at) for _ in range(60)
    )
    assert "Show all access" in index(reader)
    url = reverse("consulting:access_log")
    first, second = (reader.get(url, {"page": page}).content.decode() for page in (1, 2))
    assert first.count("<time") == 50
    assert second.count("<time") == 11
    assert reader.get(url, {"page": "x\0"}).status_code == 200


def test_nobody_who_has_the_key_pushes_others_out_of_the_log(reader, order, case, colleague, monkeypatch):
    """Neither by opening the same again and again, nor by however many lines there are of it."""
    colleague.first_name = "Wai-yin Lam"
    colleague.save()
    scenes.published(case, colleague)
    keys.open_with_key(colleague, scenes.key_of(order))
    pages = [reverse("consulting:report", args=[case.pk]), reverse("consulting:download")]
    for address in pages * 30:
        assert reader.head(address).status_code == 200
    assert not AccessLog.objects.filter(what__in=["report", "download"]).exists(), "headers open nothing"
    for address in pages * 30:
        reader.get(address)
    assert AccessLog.objects.filter(what__in=["report", "download"]).count() == 2
    later(monkeypatch, minutes=11)
    reader.get(pages[0])
    assert AccessLog.objects.filter(what="report").count() == 2, "a later look is told"
    AccessLog.objects.bulk_create(
        AccessLog(order=order, case=case, what="report", at=clock.now()) for _ in range(overview.MOST_SHOWN)
    )
    told = [access.who for access in overview.access_log(order)]
    assert "Consultant Wai-yin Lam" in told
    unlocked = AccessLog.objects.filter(order=order, what="unlocked").get()
    assert unlocked.at in {access.at for access in overview.access_log(order)}
