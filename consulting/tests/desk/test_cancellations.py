"""A service can be cancelled until somebody has begun it; while that is asked, nobody begins."""

import pytest
from django.db import connection

from checkout.models import CancellationRequest
from checkout.orders import cancellations
from consulting.models import Case
from consulting.reports import services as reports
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked, while_held_in

pytestmark = pytest.mark.django_db


def offered(order):
    return [line.pk for line, _quantity in cancellations.offer_of(order).lines]


def test_a_service_nobody_has_begun_can_be_cancelled(order, case, consultant):
    assert offered(order) == [case.line_id]
    reports.assign(case, consultant)
    offer = cancellations.offer_of(order)
    assert [why for _line, why in offer.excluded] == ["Work on the report has begun."]
    with pytest.raises(cancellations.NotCancellable):
        cancellations.request_cancellation(order.pk)


def test_a_case_that_was_given_back_with_a_draft_has_been_begun(order, case, consultant):
    reports.assign(case, consultant)
    reports.save_draft(case, author=consultant, title="t", body="b")
    reports.release(case)
    assert offered(order) == []


def test_a_case_that_was_given_back_untouched_can_be_cancelled(order, case, consultant):
    reports.assign(case, consultant)
    reports.release(case)
    assert offered(order) == [case.line_id]


def test_nobody_takes_a_case_while_its_client_asks_to_cancel(workspace, consultant, order, case):
    request = cancellations.request_cancellation(order.pk)
    page = workspace.post(f"/en/consultant/case/{case.pk}/take/", follow=True).content.decode()
    assert "The client has asked to cancel." in page
    case.refresh_from_db()
    assert case.consultant is None
    cancellations.decline(request, actor="boss", answer="No.")
    reports.assign(case, consultant)
    case.refresh_from_db()
    assert case.state == Case.State.WRITING


def test_the_merchant_who_assigns_it_is_told_too(client, superuser, consultant, order, case):
    from consulting.tests.scenes import staff

    writer = staff("writer", "change_case", "change_report")
    client.force_login(superuser, backend="django.contrib.auth.backends.ModelBackend")
    cancellations.request_cancellation(order.pk)
    typed = {"consultant": writer.pk, "due_on": case.due_on.isoformat()}
    page = client.post(f"/en/admin/consulting/case/{case.pk}/change/", typed, follow=True).content.decode()
    assert "The client has asked to cancel." in page
    case.refresh_from_db()
    assert case.consultant is None


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_case_is_begun_that_was_just_cancelled(order, case, consultant, monkeypatch):
    with nothing_is_locked(monkeypatch):
        while_held_in(
            monkeypatch,
            cancellations,
            "offer_of",
            lambda: cancellations.request_cancellation(order.pk),
            lambda: reports.assign(case, consultant),
        )
    case.refresh_from_db()
    assert case.state == Case.State.WRITING
    assert CancellationRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(times(1, 5)))
def test_asking_and_beginning_at_once_do_one_of_the_two(order, consultant, _):
    assert connection.vendor == "postgresql"
    case = Case.objects.of(order).first()
    at_once(lambda: cancellations.request_cancellation(order.pk), lambda: reports.assign(case, consultant))
    case.refresh_from_db()
    assert (case.state == Case.State.WRITING) != CancellationRequest.objects.exists()
