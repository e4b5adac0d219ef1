"""The same thing done at once by several processes."""

import pytest
from django.db import transaction

from checkout.models import Order
from consulting.keys import services as keys
from consulting.models import Case, OrderKey, Report
from consulting.reports import services as reports
from consulting.tests import scenes
from shop.models import OutboxMessage
from shop.tests.harness.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 8


def test_a_key_is_issued_once_however_many_hear_of_the_payment():
    order = scenes.unpaid_order(subjects=3)
    Order.objects.update(status="paid")
    outcomes = at_once(*[lambda: keys.issue_key(Order.objects.get(pk=order.pk))] * MANY)
    assert {outcome.pk for outcome in outcomes} == {OrderKey.objects.get().pk}
    assert Case.objects.count() == 3


def test_a_report_is_published_once_however_often_the_button_is_pressed():
    case = Case.objects.of(scenes.paid_order()).first()
    author = scenes.staff("consultant-lin", "change_case", "change_report")
    reports.assign(case, author)
    draft = reports.save_draft(case, author=author, title="A", body="one")
    outcomes = at_once(
        *[lambda: reports.publish(Report.objects.get(pk=draft.pk), actor="lin", seen="1.1")] * MANY
    )
    assert len({outcome.published_at for outcome in outcomes}) == 1
    assert OutboxMessage.objects.filter(topic="report.published").count() == 1
    assert reports.open_report(case, case.order.keys.get())[1].text == "one"


def test_of_many_tabs_one_saves_and_the_others_are_told():
    case = Case.objects.of(scenes.paid_order()).first()
    author = scenes.staff("consultant-lin", "change_case", "change_report")
    case = reports.assign(case, author)
    texts = iter([f"text {number}" for number in range(8)])
    outcomes = at_once(
        *[lambda: reports.save_draft(case, author=author, title="A", body=next(texts), seen="")] * MANY
    )
    assert sum(isinstance(outcome, reports.NewerDraft) for outcome in outcomes) == 7
    assert Report.objects.get().edit == 1


def test_a_case_is_taken_by_the_first_of_many():
    case = Case.objects.of(scenes.paid_order()).first()
    consultants = iter([scenes.staff(f"c{number}", "change_case", "change_report") for number in range(8)])
    outcomes = at_once(*[lambda: reports.assign(case, next(consultants), only_if_free=True)] * MANY)
    assert sum(isinstance(outcome, reports.AlreadyTaken) for outcome in outcomes) == 7


def test_a_payment_that_is_undone_takes_its_key_along():
    with transaction.atomic():
        scenes.pay(scenes.unpaid_order())
        assert OrderKey.objects.exists()
        transaction.set_rollback(True)
    assert not OrderKey.objects.exists()
    assert not Case.objects.exists()
