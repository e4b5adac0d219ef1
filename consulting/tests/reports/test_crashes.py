"""Whoever is killed while a report is written, published, read or forgotten leaves nothing half done.

Here the process only seems to die: an exception that nothing of ours catches. In ``make prove`` it does, by
SIGKILL (shop/tests/test_crash_points_reports.py).
"""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from checkout.models import Intake
from consulting import retention
from consulting.keys import services as keys
from consulting.models import AccessLog, Case, Report
from consulting.reports import services as reports
from consulting.tests import scenes
from shop import clock
from shop.devstack import failpoints
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    pass


@pytest.fixture
def die(monkeypatch):
    """Die at the point, the so-manieth time, while the block runs."""

    def at(point, action, *, time=1):
        left = [time]

        def reached(name):
            left[0] -= name == point
            if name == point and left[0] == 0:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(failpoints, "reached", reached)
            with pytest.raises(Killed):
                action()

    return at


@pytest.fixture
def written(case, consultant):
    """The case with a draft of its report."""
    reports.assign(case, consultant)
    reports.save_draft(case, author=consultant, title=scenes.TITLE, body=scenes.TEXT)
    return case


def mails_due():
    return OutboxMessage.objects.filter(topic="report.published").count()


@pytest.mark.failure("F80")
def test_a_draft_whose_writer_died_is_the_one_before(written, consultant, die):
    save = lambda: reports.save_draft(written, author=consultant, title="x", body="half")  # noqa: E731
    die("before_draft_committed", save)
    assert scenes.from_escrow(reports.latest(written)).text == scenes.TEXT
    assert scenes.from_escrow(save()).text == "half"


@pytest.mark.failure("F80")
@pytest.mark.parametrize(
    ("point", "is_published"),
    [("before_publication_committed", False), ("after_publication_committed", True)],
)
def test_a_report_is_published_and_mailed_once_whatever_dies(
    written, consultant, die, point, is_published, mailoutbox, deliver_outbox
):
    draft = reports.latest(written)
    die(point, lambda: reports.publish(draft, actor="lin"))
    assert bool(Report.objects.get().published_at) == bool(Report.objects.get().client_wrap) == is_published
    assert mails_due() == is_published
    reports.publish(reports.latest(written), actor="lin")  # the button is pressed once more
    assert mails_due() == 1
    deliver_outbox()
    assert sum("Consultation report ready" in mail.subject for mail in mailoutbox) == 1
    written.refresh_from_db()
    assert written.state == Case.State.READY
    order_key = keys.unlock(scenes.key_of(written.order), scenes.EMAIL)
    assert reports.open_report(written, order_key)[1].text == scenes.TEXT


@pytest.mark.failure("F81")
def test_whatever_opens_stands_in_the_access_log(written, consultant, die):
    reports.publish(reports.latest(written), actor="lin")
    order, browser = written.order, Client()
    typed = {"order_key": scenes.key_of(order), "email": scenes.EMAIL}
    die("after_unlock_logged", lambda: browser.post(reverse("consulting:unlock"), typed))
    page = reverse("consulting:report", args=[written.pk])
    assert browser.get(page).status_code == 302, "who was not told that it is open has nothing open"
    assert AccessLog.objects.filter(order=order, what=AccessLog.What.UNLOCKED).count() == 1
    browser.post(reverse("consulting:unlock"), typed)
    assert browser.get(page).status_code == 200
    assert AccessLog.objects.filter(order=order, what=AccessLog.What.UNLOCKED).count() == 2
    assert AccessLog.objects.filter(order=order, what=AccessLog.What.REPORT).count() == 1


@pytest.mark.failure("F81")
def test_a_report_that_could_not_be_noted_as_opened_is_not_shown(written, monkeypatch):
    reports.publish(reports.latest(written), actor="lin")
    browser = Client(raise_request_exception=False)
    typed = {"order_key": scenes.key_of(written.order), "email": scenes.EMAIL}
    browser.post(reverse("consulting:unlock"), typed)

    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr(AccessLog.objects, "create", fail)
    page = browser.get(reverse("consulting:report", args=[written.pk]))
    assert page.status_code == 500
    assert scenes.TEXT not in page.content.decode()


def test_forgetting_answers_goes_on_where_it_was(order, consultant, die, monkeypatch):
    for case in Case.objects.of(order):
        scenes.published(case, consultant)
    for intake in Intake.objects.filter(line__order=order, subject__gt=0):
        intake.answers = [{**answer, "kind": "text", "keep_days": 30} for answer in intake.answers]
        intake.next_keep_days = 30
        intake.save()
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    left = Intake.objects.filter(next_keep_days__isnull=False)
    die("after_answers_forgotten", retention.forget_answers)
    assert left.count() == 1
    retention.forget_answers()
    assert left.count() == 0
    answers = str([intake.answers for intake in Intake.objects.filter(subject__gt=0)])
    assert scenes.ANSWER not in answers
    assert all(scenes.from_escrow(report) for report in Report.objects.select_related("case__line"))
