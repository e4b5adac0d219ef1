"""Which cases consultants may take: what is free, and not what the merchant took off them or what is over."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from consulting.reports import services as reports
from consulting.tests import scenes

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
CANARIES = [scenes.ANSWER.partition(" ")[0], scenes.CONTACT, scenes.TEXT, scenes.TITLE]


def url(case, name: str = "case") -> str:
    return reverse(f"consulting:{name}", args=[case.pk])


def taken_off(case, consultant):
    reports.assign(case, consultant)
    reports.release(case)


def finished(case, _consultant):
    scenes.published(case, scenes.writer("who-left"))
    User.objects.get(username="who-left").delete()


def paid_back(case, _consultant):
    scenes.give_back(case.order, "0", {case.line_id: case.line.net_total})


@pytest.mark.parametrize("what", [taken_off, finished, paid_back])
def test_nobody_gives_themselves_a_case_that_was_taken_off_them_or_is_over(workspace, case, consultant, what):
    what(case, consultant)
    page = workspace.get(url(case)).content.decode()
    assert "Take this case" not in page
    told = workspace.post(url(case, "take"), follow=True).content.decode()
    assert "This case cannot be taken" in told
    assert not any(canary in told for canary in CANARIES)
    case.refresh_from_db()
    assert case.consultant is None


def test_the_case_of_somebody_who_left_is_free_for_others(workspace, case, consultant, colleague):
    reports.assign(case, colleague)
    colleague.delete()
    assert str(case) in workspace.get(reverse("consulting:cases"), {"show": "unassigned"}).content.decode()
    assert "Take this case" in workspace.get(url(case)).content.decode()
    workspace.post(url(case, "take"))
    case.refresh_from_db()
    assert case.consultant == consultant


def test_why_a_report_was_withdrawn_is_not_for_every_consultant(client, case, consultant, colleague):
    scenes.published(case, consultant)
    reports.withdraw(case, actor="boss", reason="canary-reason-1187")
    for reader, is_theirs in ((consultant, True), (colleague, False)):
        client.force_login(reader, backend=BACKEND)
        assert ("canary-reason-1187" in client.get(url(case)).content.decode()) is is_theirs
