import datetime as dt
import json

import pytest

from checkout.models import Order
from checkout.signals import confirmation_sections, order_paid
from consulting import key_format, report_encryption
from consulting.keys import services as keys
from consulting.models import AccessLog, Case, OrderKey, Report
from consulting.reports import services as reports
from consulting.tests import scenes
from shop import clock
from shop.models import OutboxMessage


def test_a_paid_order_gets_one_key_and_a_case_per_subject(db):
    order = scenes.unpaid_order(subjects=3)
    assert not OrderKey.objects.exists()
    scenes.pay(order)
    assert order.keys.count() == 1
    cases = Case.objects.of(order)
    assert [case.subject for case in cases] == [1, 2, 3]
    assert {case.due_on for case in cases} == {order.lines.get().report_due_on}
    assert {case.state for case in cases} == {"unassigned"}


def test_hearing_of_the_payment_again_changes_nothing(order):
    before = list(OrderKey.objects.values()), list(Case.objects.values())
    for _ in range(3):
        order_paid.send(sender=Order, order=order)
    assert (list(OrderKey.objects.values()), list(Case.objects.values())) == before


def test_a_revoked_key_is_not_issued_anew_by_a_repeat(order):
    order.keys.update(state="revoked")
    order_paid.send(sender=Order, order=order)
    assert order.keys.count() == 1


def test_an_order_of_goods_alone_gets_no_key(db):
    scenes.paid_order(subjects=0, goods=1)
    assert not OrderKey.objects.exists()
    assert not Case.objects.exists()


def test_goods_in_the_same_order_open_no_case(db):
    scenes.paid_order(subjects=1, goods=5)
    assert Case.objects.count() == 1


def test_the_key_is_nowhere_in_the_database(order, key):
    bare = key.replace("-", "")
    for model in (OrderKey, Case, AccessLog, OutboxMessage):
        stored = repr(list(model.objects.values_list()))
        assert bare not in stored
        assert key not in stored


def test_a_key_row_moved_to_another_order_is_refused(order):
    other = scenes.paid_order()
    order_key = order.keys.get()
    order_key.order = other
    with pytest.raises(keys.SealedKeyDamaged):
        keys.read_key(order_key)


# --- unlocking ---


def test_key_and_e_mail_open_the_order(order, key):
    assert keys.unlock(key, " mei.chan@SHOP.example ").order == order
    assert AccessLog.objects.get().what == AccessLog.What.UNLOCKED


def test_a_known_browser_needs_no_e_mail(order, key):
    assert keys.unlock(key, "", known_orders=[order.pk]).order == order
    with pytest.raises(keys.NotOpened):
        keys.unlock(key, "", known_orders=[order.pk + 1])


def test_an_empty_e_mail_is_never_right(order, key):
    Order.objects.update(email="")
    with pytest.raises(keys.NotOpened):
        keys.unlock(key_format.grouped(key_format.make()), "")


def _revoke(order):
    order.keys.update(state="revoked")


def _supersede(order):
    order.keys.update(state="superseded")


def _unpay(order):
    Order.objects.update(status=Order.Status.CANCELLED)


@pytest.mark.parametrize("closed", [_revoke, _supersede, _unpay])
def test_what_is_closed_does_not_open(order, key, closed):
    closed(order)
    with pytest.raises(keys.NotOpened):
        keys.unlock(key, order.email)
    assert not AccessLog.objects.exists()


def test_keys_found_under_an_older_pepper_still_open(db, settings):
    settings.ORDER_KEY_PEPPERS = ["old"]
    order = scenes.paid_order()
    key = scenes.key_of(order)
    settings.ORDER_KEY_PEPPERS = ["new", "old"]
    assert keys.unlock(key, order.email).order == order
    settings.ORDER_KEY_PEPPERS = ["new"]
    with pytest.raises(keys.NotOpened):
        keys.unlock(key, order.email)


# --- assigning, writing, publishing ---


def test_a_case_is_taken_by_one_consultant(case, consultant, colleague):
    taken = reports.assign(case, consultant, only_if_free=True)
    assert (taken.consultant, taken.state) == (consultant, "writing")
    with pytest.raises(reports.AlreadyTaken):
        reports.assign(case, colleague, only_if_free=True)
    reports.assign(case, consultant, only_if_free=True)
    assert AccessLog.objects.filter(what=AccessLog.What.ASSIGNED).count() == 1


def test_a_released_case_waits_for_another_consultant(case, consultant):
    reports.assign(case, consultant)
    released = reports.release(case)
    assert (released.consultant, released.state) == (None, "unassigned")


def test_a_draft_is_saved_over_and_a_published_version_never(case, consultant):
    reports.assign(case, consultant)
    first = reports.save_draft(case, author=consultant, title="A", body="one")
    again = reports.save_draft(case, author=consultant, title="A", body="two")
    assert (again.pk, again.version, again.edit) == (first.pk, 1, 2)
    reports.publish(again, actor="lin")
    second = reports.save_draft(case, author=consultant, title="A", body="three")
    assert second.version == 2
    assert scenes.from_escrow(Report.objects.get(version=1)).text == "two"


def test_an_unchanged_text_is_not_saved_again(case, consultant):
    reports.assign(case, consultant)
    first = reports.save_draft(case, author=consultant, title="A", body="one", seen="")
    again = reports.save_draft(case, author=consultant, title="A", body="one\r\n", seen="")
    assert again.edit == first.edit == 1


def test_two_tabs_notice_each_other(case, consultant):
    reports.assign(case, consultant)
    reports.save_draft(case, author=consultant, title="A", body="one", seen="")
    with pytest.raises(reports.NewerDraft):
        reports.save_draft(case, author=consultant, title="A", body="from the other tab", seen="")
    reports.save_draft(case, author=consultant, title="A", body="two", seen="1.1")


def test_publishing_opens_the_report_and_tells_once(case, consultant, order):
    reports.assign(case, consultant)
    draft = reports.save_draft(case, author=consultant, title="A", body="one")
    with pytest.raises(report_encryption.Unreadable):
        reports.open_report(case, order.keys.get())
    for _ in range(3):
        reports.publish(draft, actor="lin")
    case.refresh_from_db()
    assert case.state == "ready"
    assert reports.open_report(case, order.keys.get())[1].text == "one"
    assert OutboxMessage.objects.filter(topic="report.published").count() == 1
    assert order.events.filter(note__contains="published").count() == 1


def test_publishing_again_keeps_the_first_date(case, consultant):
    published = scenes.published(case, consultant)
    assert reports.publish(published, actor="lin").published_at == published.published_at


def test_a_correction_replaces_the_report_and_is_told_of_its_own(case, consultant, order):
    scenes.published(case, consultant)
    draft = reports.save_draft(
        case, author=consultant, title="A", body="corrected", note="A figure was wrong."
    )
    reports.publish(draft, actor="lin")
    case.refresh_from_db()
    assert case.state == "updated"
    assert reports.open_report(case, order.keys.get())[1].text == "corrected"
    assert OutboxMessage.objects.filter(topic="report.published").count() == 2


def test_a_draft_of_the_next_version_is_not_shown(case, consultant, order):
    scenes.published(case, consultant)
    reports.save_draft(case, author=consultant, title="A", body="not yet")
    assert reports.open_report(case, order.keys.get())[1].text == scenes.TEXT


def test_only_the_text_that_was_seen_is_published(case, consultant):
    reports.assign(case, consultant)
    draft = reports.save_draft(case, author=consultant, title="A", body="one")
    reports.save_draft(case, author=consultant, title="A", body="two")
    with pytest.raises(reports.NewerDraft):
        reports.publish(draft, actor="lin", seen=draft.stamp)
    assert not Report.objects.filter(published_at__isnull=False).exists()


@pytest.mark.parametrize("closed", [_revoke, _unpay])
def test_nothing_is_published_into_a_closed_order(case, consultant, order, closed):
    reports.assign(case, consultant)
    draft = reports.save_draft(case, author=consultant, title="A", body="one")
    closed(order)
    with pytest.raises(reports.NothingToPublish):
        reports.publish(draft, actor="lin")
    assert not OutboxMessage.objects.filter(topic="report.published").exists()


def test_the_outbox_holds_ids_only(case, consultant, key):
    scenes.published(case, consultant)
    stored = json.dumps(list(OutboxMessage.objects.values_list("key", "payload")))
    assert key not in stored
    assert "canary" not in stored


# --- what others see of the key ---


def sections(order, *, reveal: bool):
    return [
        section
        for _, section in confirmation_sections.send(sender=Order, order=order, reveal=reveal)
        if section
    ]


def test_the_confirmation_shows_the_key_only_where_it_may(order, key):
    assert sections(order, reveal=True)[0].context["key_groups"] == key.split("-")
    hidden = sections(order, reveal=False)[0]
    assert "key_groups" not in hidden.context
    assert key not in repr(sections(order, reveal=True))


def test_an_unpaid_order_has_no_key_section(db):
    assert sections(scenes.unpaid_order(), reveal=True) == []


def test_overdue_is_what_is_open_past_its_date(case):
    case.due_on = clock.today() - dt.timedelta(days=1)
    assert case.is_overdue
    case.due_on = clock.today()
    assert not case.is_overdue
    case.due_on, case.state = clock.today() - dt.timedelta(days=9), "ready"
    assert not case.is_overdue
