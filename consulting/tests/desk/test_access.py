"""Access follows the ledger: what was paid back closes on the very next request, all else stays open."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.models import Order
from checkout.tests.scenes import placed_in
from consulting import access, key_format
from consulting.keys import services as keys
from consulting.models import Case
from consulting.report_encryption import NotAssigned
from consulting.reports import services as reports
from consulting.tests import scenes
from consulting.tests.scenes import give_back, stripped, unlock, wrong_key
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(db):
    """Tea and two consultations of one person each, in one order."""
    return scenes.paid_order(subjects=1, services=2, goods=1)


@pytest.fixture
def cases(order, consultant):
    """Both published."""
    cases = list(Case.objects.of(order))
    for case in cases:
        scenes.published(case, consultant)
    return cases


@pytest.fixture
def reader(client, order, cases):
    """The client's browser, with the reports open."""
    assert unlock(client, scenes.key_of(order)).status_code == 302
    for case in cases:
        assert scenes.TEXT in read(client, case)
    return client


def read(browser, case) -> str:
    return browser.get(reverse("consulting:report", args=[case.pk]), follow=True).content.decode()


def price_of(case):
    return {case.line_id: case.line.total}


@pytest.mark.failure("F43", "F76")
def test_a_refunded_line_closes_on_the_next_request_and_the_other_stays_open(reader, order, cases):
    refunded, other = cases
    give_back(order, refunded.line.total, price_of(refunded))
    page = read(reader, refunded)
    assert scenes.TEXT not in page
    assert "This report is locked because its price was refunded." in page
    assert scenes.TEXT in read(reader, other)
    index = reader.get(reverse("consulting:index")).content.decode()
    assert index.count("Locked (refunded)") == 1
    assert reverse("consulting:report", args=[other.pk]) in index
    assert reverse("consulting:report", args=[refunded.pk]) not in index


@pytest.mark.failure("F43")
def test_goods_and_parts_of_a_price_that_go_back_close_nothing(reader, order, cases):
    tea = order.lines.get(kind="goods")
    give_back(order, tea.total + 100, {tea.pk: tea.total, cases[0].line_id: Decimal(100)})
    for case in cases:
        assert scenes.TEXT in read(reader, case)


@pytest.mark.failure("F43", "F76")
def test_an_order_that_is_all_paid_back_closes_and_says_why_to_the_browser_that_had_it_open(
    reader, order, cases
):
    give_back(order, order.total)  # in the dashboard: nobody has said yet what it was for
    page = read(reader, cases[0])
    assert scenes.TEXT not in page
    assert "The reports of this order are locked, because its price was refunded." in page
    assert reader.get(reverse("consulting:index")).status_code == 302


@pytest.mark.failure("F44")
def test_a_dispute_closes_everything_until_it_is_resolved(reader, order, cases):
    Order.objects.filter(pk=order.pk).update(is_disputed=True)
    page = read(reader, cases[0])
    assert scenes.TEXT not in page
    assert "locked while the complaint about its payment is open" in page
    Order.objects.filter(pk=order.pk).update(is_disputed=False)
    assert unlock(reader, scenes.key_of(order)).status_code == 302
    assert scenes.TEXT in read(reader, cases[0])


@pytest.mark.failure("F76")
@pytest.mark.parametrize("state", ["revoked", "superseded"])
def test_a_key_that_is_valid_no_more_closes_what_it_had_opened_on_the_next_request(
    reader, order, cases, state
):
    order.keys.update(state=state)
    assert scenes.TEXT not in read(reader, cases[0])
    assert reader.get(reverse("consulting:index")).status_code == 302


@pytest.mark.failure("F76")
@pytest.mark.parametrize("closed_by", ["refund", "dispute"])
def test_the_key_of_a_closed_order_is_like_one_that_never_was(client, order, closed_by):
    if closed_by == "refund":
        give_back(order, order.total)
    else:
        Order.objects.filter(pk=order.pk).update(is_disputed=True)
    typed, unknown = scenes.key_of(order), wrong_key()
    assert stripped(unlock(client, typed), typed) == stripped(unlock(client, unknown), unknown)


def test_a_consultant_who_was_read_the_key_sees_nothing_of_an_order_that_was_paid_back(
    order, cases, colleague
):
    keys.open_with_key(colleague, scenes.key_of(order))
    assert access.may_read(colleague, cases[0])
    give_back(order, order.total)
    assert not access.may_read(colleague, cases[0])


def other_work(user):
    user.user_permissions.set(Permission.objects.filter(codename__in=["change_case", "view_case"]))


def dismissed(user):
    user.is_active = False
    user.save()


@pytest.mark.parametrize("change", [other_work, dismissed])
def test_who_is_no_consultant_any_more_reads_nothing_on_the_next_request(
    client, order, cases, consultant, colleague, change
):
    """Neither of the cases that are still theirs nor of what a client read them the key for."""
    keys.open_with_key(colleague, scenes.key_of(order))
    for person in (consultant, colleague):
        client.force_login(person, "django.contrib.auth.backends.ModelBackend")
        pages = [reverse(f"consulting:{name}", args=[cases[0].pk]) for name in ("case", "case_messages")]
        pages.append(reverse("consulting:version", args=[cases[0].pk, 1]))
        for page in pages:
            assert client.get(page).status_code == 200
        assert client.get(pages[0]).context["may_read"]
        change(person)
        person = User.objects.get(pk=person.pk)
        assert not access.may_read(person, cases[0])
        case = client.get(pages[0])
        assert case.status_code in {200, 302}, "a merchant sees what a case is about"
        assert scenes.TEXT not in case.content.decode()
        assert scenes.ANSWER not in case.content.decode()
        for page in pages[1:]:
            assert client.get(page).status_code in {302, 403}
        with pytest.raises(NotAssigned):
            reports.opened_by(reports.latest(cases[0]), person)


def test_nobody_writes_for_what_was_paid_back(order, workspace, consultant):
    refunded, other = Case.objects.of(order)
    draft = reports.save_draft(
        reports.assign(refunded, consultant), author=consultant, title="T", body="text"
    )
    give_back(order, refunded.line.total, price_of(refunded))
    assert list(Case.objects.open()) == [other]
    assert (
        "Locked (refunded)" in workspace.get(reverse("consulting:case", args=[refunded.pk])).content.decode()
    )
    with pytest.raises(reports.NothingToPublish):
        reports.publish(draft, actor=consultant.username)


def test_no_mail_about_a_report_that_could_not_be_opened(order, cases, mailoutbox, deliver_outbox):
    give_back(order, cases[0].line.total, price_of(cases[0]))
    OutboxMessage.objects.exclude(topic="report.published").delete()
    deliver_outbox()
    assert len(mailoutbox) == 1


def test_the_order_page_shows_no_key_that_opens_nothing(client, order):
    key = key_format.groups(keys.read_key(order.keys.get()))[0]
    placed_in(client, order)
    assert key in client.get(order.get_absolute_url()).content.decode()
    give_back(order, order.total)
    page = client.get(order.get_absolute_url()).content.decode()
    assert key not in page
    assert "the order key opens nothing any more" in page
    assert "Locked (refunded)" in page


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    shares=st.lists(st.sampled_from([0, 1, 50, 99, 100]), min_size=2, max_size=2),
    disputed=st.booleans(),
    paid=st.booleans(),
    all_back=st.booleans(),
)
def test_a_line_is_open_exactly_while_it_is_paid_for(order, shares, disputed, paid, all_back):
    with transaction.atomic():
        point = transaction.savepoint()
        lines = list(order.lines.filter(kind="service"))
        parts = {
            line.pk: line.total * share / 100 for line, share in zip(lines, shares, strict=True) if share
        }
        give_back(order, order.total if all_back else sum(parts.values(), Decimal(0)), parts)
        Order.objects.update(is_disputed=disputed, status="paid" if paid else "expired")
        fresh = order.lines.model.objects.select_related("order").in_bulk([line.pk for line in lines])
        for line, share in zip(lines, shares, strict=True):
            should_be_open = paid and not disputed and not all_back and share < 100
            assert access.line_is_open(fresh[line.pk]) == should_be_open
        order_key = order.keys.select_related("order").get()
        assert access.is_open(order_key) == (paid and not disputed and not all_back)
        transaction.savepoint_rollback(point)
