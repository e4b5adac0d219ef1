"""What staff see of a promise: whose day falls into an absence, and who still owes the details."""

import pytest
from django.urls import reverse

from catalog.models import Absence
from checkout import services as checkout
from checkout.tests.scenes import make_cart, make_service, place, place_waiting
from consulting.models import Case
from consulting.tests import scenes
from consulting.tests.scenes import pay
from shop.tests.harness.moments import day, stop_clock

pytestmark = pytest.mark.django_db
LATE = "Due during an absence"


@pytest.fixture
def case(monkeypatch):
    """Promised for 10 December."""
    stop_clock(monkeypatch, "2026-12-01 10:00")
    return Case.objects.of(pay(place(make_cart((make_service(), 1))))).get()


def absent(since="2026-12-09", until="2026-12-11", **fields):
    return Absence.objects.create(starts_on=day(since), ends_on=day(until), **fields)


def shown(client, show="open"):
    return client.get(reverse("consulting:cases"), {"show": show}).content.decode()


def badge(client, case):
    """What stands on the case's own page and in the list."""
    pages = (client.get(reverse("consulting:case", args=[case.pk])).content.decode(), shown(client))
    is_marked = {f'badge-warning">{LATE}' in page for page in pages}
    assert len(is_marked) == 1
    return is_marked.pop()


def test_a_case_due_within_an_absence_entered_later_is_flagged_and_keeps_its_day(workspace, case):
    assert not badge(workspace, case)
    absent(service=case.line.variant.product)
    assert badge(workspace, case)
    assert str(case) in shown(workspace, "at-risk")
    case.refresh_from_db()
    assert case.due_on == case.line.report_due_on == day("2026-12-10")


@pytest.mark.parametrize("days", [("2026-12-02", "2026-12-09"), ("2026-12-11", "2026-12-31")])
def test_an_absence_on_other_days_flags_nothing(workspace, case, days):
    absent(*days)
    assert not badge(workspace, case)
    assert str(case) not in shown(workspace, "at-risk")


def test_an_absence_of_another_service_flags_nothing(workspace, case):
    absent(service=make_service("SV-901").product)
    assert not badge(workspace, case)
    absent()  # of all services
    assert badge(workspace, case)


def test_a_published_case_is_at_no_risk(workspace, case, consultant):
    absent()
    scenes.published(case, consultant)
    assert str(case) not in shown(workspace, "at-risk")
    assert LATE not in workspace.get(reverse("consulting:case", args=[case.pk])).content.decode()


def test_the_merchant_finds_cases_at_risk(admin_client, case):
    url = reverse("admin:consulting_case_changelist")
    assert str(case) not in admin_client.get(url, {"promise": "at-risk"}).content.decode()
    absent()
    assert str(case) in admin_client.get(url, {"promise": "at-risk"}).content.decode()
    assert str(case) not in admin_client.get(url, {"promise": "waiting"}).content.decode()


@pytest.fixture
def waiting(monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    return Case.objects.of(pay(place_waiting())).get()


def test_a_case_that_waits_for_details_is_neither_late_nor_at_risk(workspace, waiting, monkeypatch):
    absent()
    assert not badge(workspace, waiting)
    stop_clock(monkeypatch, "2027-01-15 10:00")
    page = shown(workspace)
    assert "Waits for details" in page
    assert "Overdue" not in page
    assert not Case.objects.get().is_overdue


def test_a_published_case_keeps_its_day_when_the_details_come(
    waiting, consultant, deliver_outbox, monkeypatch
):
    scenes.published(waiting, consultant)
    stop_clock(monkeypatch, "2026-12-04 10:00")
    checkout.restart_turnaround(waiting.line_id)
    deliver_outbox()
    waiting.refresh_from_db()
    assert waiting.due_on == day("2026-12-10")


def test_the_client_reads_that_the_report_waits(client, waiting):
    key = scenes.key_of(waiting.order)
    opened = client.post(
        reverse("consulting:unlock"), {"order_key": key, "email": waiting.order.email}, follow=True
    )
    assert "Waiting for your details; ready 7 working days after we have them" in opened.content.decode()
    page = client.get(reverse("consulting:report", args=[waiting.pk])).content.decode()
    assert "Your report is ready 7 working days after we have them." in page
    assert "10 December 2026" not in page


def test_an_open_case_follows_its_line_when_the_details_come(waiting, deliver_outbox, monkeypatch):
    stop_clock(monkeypatch, "2026-12-04 10:00")
    checkout.restart_turnaround(waiting.line_id)
    deliver_outbox()
    waiting.refresh_from_db()
    waiting.line.refresh_from_db()
    assert waiting.due_on == waiting.line.report_due_on == day("2026-12-15")
