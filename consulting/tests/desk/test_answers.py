"""The client's answers at the consultant's: what is missing, files, consent; and when they are forgotten."""

import datetime as dt

import pytest
from django.urls import reverse

from catalog.models import IntakeQuestion
from checkout.intake import uploads
from checkout.models import Intake, Upload
from checkout.tests import files
from checkout.tests.intake_scenes import checkout, order_of, question
from checkout.tests.scenes import add, make_service
from consulting import retention
from consulting.models import AccessLog, Case
from consulting.reports import services as reports
from consulting.tests import scenes
from shop import clock
from shop.models import AuditEntry

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
CANARY = "canary-father-6614"


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def case(client):
    """A plan was sent, a father's name given with consent for 30 days, the mother left for later."""
    service = make_service()
    personal = {"is_personal": True, "keep_days": 30}
    question(service, "plan", IntakeQuestion.Kind.FILE, options={"most": 1}, **personal)
    question(service, "father", is_third_person=True, **personal)
    question(service, "mother", is_required=True, may_follow=True)
    question(service, "colour")
    add(client, service)
    name = f"v{service.pk}-1-"
    typed = {
        f"{name}name": "Mei",
        f"{name}plan": files.sent(files.pdf(), "鰂魚涌.pdf"),
        f"{name}father": CANARY,
        f"{name}father.consent": "on",
        f"{name}mother.later": "on",
        f"{name}colour": "green",
    }
    order = scenes.pay(order_of(checkout(client, service, **typed)))
    return Case.objects.of(order).get()


def page_of(client, case) -> str:
    return client.get(reverse("consulting:case", args=[case.pk])).content.decode()


def file_url(case) -> str:
    return reverse("consulting:file", args=[case.pk, Upload.objects.get().pk])


def test_the_consultant_sees_what_is_missing_and_gets_the_files(workspace, case, consultant):
    reports.assign(case, consultant)
    page = page_of(workspace, case)
    assert page.count("Still missing") == 1
    assert "Consent of the person concerned was confirmed." in page
    assert "鰂魚涌.pdf" in page
    response = workspace.get(file_url(case))
    assert response.content == files.pdf()
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_missing_has_a_page_that_says_so(workspace, case, consultant):
    reports.assign(case, consultant)
    uploads.storage().discard([Upload.objects.get().stored_as])
    response = workspace.get(file_url(case))
    assert response.status_code == 503
    assert "This file cannot be opened" in response.content.decode()


@pytest.mark.parametrize("who", ["colleague", "merchant", "superuser"])
def test_nobody_else_gets_a_file(client, case, consultant, who, request):
    reports.assign(case, consultant)
    client.force_login(request.getfixturevalue(who), backend=BACKEND)
    assert client.get(file_url(case)).status_code == 403
    client.logout()
    assert client.get(file_url(case)).status_code == 302


def test_a_file_of_another_case_is_not_found(workspace, case, consultant):
    other = Case.objects.of(scenes.paid_order()).first()
    reports.assign(other, consultant)
    url = reverse("consulting:file", args=[other.pk, Upload.objects.get().pk])
    assert workspace.get(url).status_code == 404


@pytest.mark.parametrize("has_answers", [True, False])
def test_what_a_stranger_has_sent_and_not_ordered_with_is_not_found(workspace, case, consultant, has_answers):
    """Nor is it by the consultant of a case without any answers, among which every loose file would be."""
    reports.assign(case, consultant)
    Upload.objects.get().intakes.clear()
    if not has_answers:
        Intake.objects.all().delete()
    assert workspace.get(file_url(case)).status_code == 404
    assert not AccessLog.objects.filter(what="answers").exists()


def test_the_audit_trail_tells_which_file_was_opened(workspace, case, consultant):
    reports.assign(case, consultant)
    workspace.get(file_url(case))
    entry = AuditEntry.objects.get(page="consulting:file")
    assert (entry.subject_id, entry.detail) == (str(case.pk), f"file {Upload.objects.get().pk}")


def test_opening_a_file_leaves_its_line_in_the_access_log(workspace, case, consultant):
    reports.assign(case, consultant)
    workspace.get(file_url(case))
    assert AccessLog.objects.filter(case=case, what="answers", who=consultant.username).count() == 1


def test_personal_answers_and_files_are_deleted_after_their_days_and_others_stay(
    workspace, case, consultant, monkeypatch
):
    scenes.published(case, consultant)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=29))
    retention.forget_answers()
    assert CANARY in page_of(workspace, case)
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=30, minutes=1))
    retention.forget_answers()
    retention.forget_answers()
    page = page_of(workspace, case)
    assert CANARY not in page
    assert page.count("Deleted: the time to keep it is over.") == 2
    assert "green" in page
    assert CANARY not in str(Intake.objects.get(subject=1).answers)
    assert "consent" not in str(Intake.objects.get(subject=1).answers)
    assert not Upload.objects.exists()


def test_nothing_is_deleted_while_no_report_is_delivered(case, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=400))
    retention.forget_answers()
    assert CANARY in str(Intake.objects.get(subject=1).answers)


def test_the_content_of_a_forgotten_file_is_gone_from_the_folder(
    case, consultant, monkeypatch, django_capture_on_commit_callbacks
):
    scenes.published(case, consultant)
    assert len(uploads.storage().listdir("")[1]) == 1
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=31))
    with django_capture_on_commit_callbacks(execute=True):
        retention.forget_answers()
    assert uploads.storage().listdir("")[1] == []
