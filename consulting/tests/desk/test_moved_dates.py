"""A promised day that moves: the client is told once, and every page shows the same day."""

import datetime as dt

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format

from checkout.models import OrderLine
from checkout.tests.scenes import placed_in
from consulting.keys import services as keys
from consulting.models import Case
from consulting.reports import services as reports
from consulting.tests import scenes
from consulting.tests.scenes import unlock
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


def move(case, day):
    keys.move_due_date(case, day, actor="wong")


@pytest.fixture
def later():
    return clock.today() + dt.timedelta(days=40)


def test_staff_move_a_day_and_all_pages_and_one_mail_say_so(order, later, deliver_outbox):
    case = Case.objects.of(order).first()
    deliver_outbox()
    mail.outbox.clear()
    boss = Client()
    boss.force_login(scenes.staff("boss", "change_case", "view_case", "assign_case"))
    url = reverse("admin:consulting_case_change", args=[case.pk])
    for _ in range(2):
        assert boss.post(url, {"consultant": "", "due_on": later.isoformat()}).status_code == 302
    deliver_outbox()
    [message] = mail.outbox
    assert message.to == [order.email]
    shown = date_format(later, "DATE_FORMAT")
    assert f"Report by {shown}" in message.body
    assert OrderLine.objects.get(pk=case.line_id).report_due_on == later
    client = placed_in(Client(), order)
    unlock(client, scenes.key_of(order))
    assert f"Report by {shown}" in client.get(order.get_absolute_url()).content.decode()
    assert shown in client.get(reverse("consulting:index")).content.decode()


def test_each_move_is_told_once_also_there_and_back(order, later, deliver_outbox):
    case = Case.objects.of(order).first()
    before = case.due_on
    deliver_outbox()
    mail.outbox.clear()
    for day in (later, later, before, later):
        move(case, day)
        deliver_outbox()
    assert [
        date_format(day, "DATE_FORMAT") in message.body
        for day, message in zip((later, before, later), mail.outbox, strict=True)
    ] == [True] * 3


def test_a_report_that_is_there_has_no_new_day(order, consultant, later, deliver_outbox):
    case = reports.assign(Case.objects.of(order).first(), consultant)
    scenes.published(case, consultant)
    deliver_outbox()
    mail.outbox.clear()
    move(case, later)
    deliver_outbox()
    assert mail.outbox == []
    assert OrderLine.objects.get(pk=case.line_id).report_due_on != later


def test_a_day_with_a_wrong_year_is_not_told_to_a_client(order):
    """1/12/2026 was read as the 12th of January there, and mailed as the new date of the report."""
    case = Case.objects.of(order).first()
    boss = Client()
    boss.force_login(scenes.staff("boss", "change_case", "view_case", "assign_case"))
    url = reverse("admin:consulting_case_change", args=[case.pk])
    today = clock.today()
    wrong = {
        (today - dt.timedelta(days=1)).isoformat(): "This day is over.",
        f"{today.year + 10}-06-30": "is more than a year away",
        "1/12/2026": "Please enter 2026-12-01 or 2026-01-12",
    }
    for typed, problem in wrong.items():
        assert problem in boss.post(url, {"consultant": "", "due_on": typed}).content.decode(), typed
    Case.objects.update(due_on=today - dt.timedelta(days=3))
    overdue = (today - dt.timedelta(days=3)).isoformat()  # still to be given to somebody
    assert boss.post(url, {"consultant": "", "due_on": overdue}).status_code == 302
    assert not OutboxMessage.objects.filter(topic="report.moved").exists()


def test_a_change_that_was_made_elsewhere_is_put_down_to_nobody(order, later):
    """The last one who saved this page may have done so a month ago."""
    case = Case.objects.of(order).first()
    boss = Client()
    boss.force_login(scenes.staff("boss", "change_case", "view_case", "assign_case"))
    url = reverse("admin:consulting_case_change", args=[case.pk])
    assert boss.post(url, {"consultant": "", "due_on": later.isoformat()}).status_code == 302
    seen = boss.get(url).context["seen_row"]
    reports.assign(case, scenes.staff("lin", "change_case", "view_case", "change_report"))
    sent = {"consultant": "", "due_on": later.isoformat(), "seen_row": seen}
    told = str(boss.post(url, sent).context["errors"])
    assert "This was changed since you opened it" in told
    assert "boss" not in told
