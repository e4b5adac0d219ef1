"""The same key looked after by several at the same moment. Each race is first shown without its lock."""

import pytest

from consulting import access, key_format, report_encryption
from consulting.keys import lifecycle
from consulting.keys import services as keys
from consulting.models import AccessLog, Case, OrderKey
from consulting.reports import services as reports
from consulting.tests import scenes
from shop.models import OutboxMessage
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked, while_held_in, without_index

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = times(1, 5)
ONE_ACTIVE = "one_active_key_per_order"
REPAIR = (
    "UPDATE consulting_orderkey SET state = 'superseded' WHERE state = 'active' AND id NOT IN"
    " (SELECT max(id) FROM consulting_orderkey GROUP BY order_id)"
)


@pytest.fixture
def case():
    case = Case.objects.of(scenes.paid_order(subjects=1)).first()
    scenes.published(case, scenes.staff("consultant-lin", "change_case", "change_report"))
    return Case.objects.with_order().get(pk=case.pk)


@pytest.fixture
def order(case):
    return case.order


def active(order):
    return list(OrderKey.objects.filter(order=order, state="active"))


def log_of(order):
    return list(AccessLog.objects.filter(order=order).order_by("at", "pk").values_list("what", flat=True))


# --- two new keys at once ---


def replace_twice(monkeypatch, order):
    order_key = active(order)[0]
    return while_held_in(
        monkeypatch,
        lifecycle,
        "_current",
        lambda: lifecycle.replace(order_key),
        lambda: lifecycle.replace(order_key),
    )


def test_without_locks_two_new_keys_would_open_an_order(monkeypatch, order):
    with without_index(ONE_ACTIVE, repair=REPAIR), nothing_is_locked(monkeypatch):
        outcomes = replace_twice(monkeypatch, order)
        assert not any(isinstance(outcome, Exception) for outcome in outcomes)
        assert len(active(order)) == 2


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_of_two_who_replace_a_key_one_does_it(monkeypatch, order, case, round_):
    outcomes = replace_twice(monkeypatch, order)
    assert [type(outcome) for outcome in outcomes].count(lifecycle.KeyChanged) == 1
    (current,) = active(order)
    assert reports.open_report(case, current)[1].text == scenes.TEXT
    assert OutboxMessage.objects.filter(topic="mail.key_replaced").count() == 1


def test_of_many_who_replace_and_revoke_one_does_it(order, case):
    order_key = active(order)[0]
    deeds = [lambda: lifecycle.replace(order_key), lambda: lifecycle.revoke(order_key, actor="boss")] * 3
    outcomes = at_once(*deeds)
    assert [type(outcome) for outcome in outcomes].count(lifecycle.KeyChanged) == 5
    assert len(active(order)) <= 1


# --- unlocking while the key is replaced ---


def replace_while_unlocking(monkeypatch, order):
    """The key was found; before it is used it is replaced."""
    order_key, typed = active(order)[0], scenes.key_of(order)
    return while_held_in(
        monkeypatch,
        keys,
        "lock_active_key",
        lambda: keys.unlock(typed, scenes.EMAIL),
        lambda: lifecycle.replace(order_key),
    )


def test_without_locks_a_key_would_be_used_after_its_end(monkeypatch, order):
    with nothing_is_locked(monkeypatch):
        unlocked, _new = replace_while_unlocking(monkeypatch, order)
    assert isinstance(unlocked, OrderKey)
    assert log_of(order)[-2:] == ["key_replaced", "unlocked"]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_whoever_unlocks_while_the_key_is_replaced_was_first_or_is_refused(monkeypatch, order, rf, round_):
    unlocked, new = replace_while_unlocking(monkeypatch, order)
    assert isinstance(new, OrderKey)
    if isinstance(unlocked, OrderKey):
        assert log_of(order)[-2:] == ["unlocked", "key_replaced"]
        assert not access.is_open(OrderKey.objects.get(pk=unlocked.pk)), "shut on the next request"
    else:
        assert isinstance(unlocked, keys.NotOpened)
    assert active(order) == [new]


def test_a_consultant_who_opens_with_a_key_that_is_being_replaced_keeps_nothing(monkeypatch, order, case):
    consultant = scenes.staff("wong", "change_case", "change_report")
    order_key, typed = active(order)[0], scenes.key_of(order)
    while_held_in(
        monkeypatch,
        keys,
        "_find_key",
        lambda: keys.open_with_key(consultant, typed),
        lambda: lifecycle.replace(order_key),
    )
    assert not access.may_read(consultant, case)


# --- reading while the key is revoked ---


def revoke_while_reading(monkeypatch, order, case):
    order_key = active(order)[0]
    return while_held_in(
        monkeypatch,
        reports,
        "lock_active_key",
        lambda: reports.open_report(case, order_key),
        lambda: lifecycle.revoke(order_key, actor="boss"),
    )


def test_without_locks_a_reader_would_be_told_that_the_report_is_damaged(monkeypatch, order, case):
    with nothing_is_locked(monkeypatch):
        read, _revoked = revoke_while_reading(monkeypatch, order, case)
    assert isinstance(read, report_encryption.Unreadable)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_whoever_reads_while_the_key_is_revoked_was_first_or_is_refused(monkeypatch, order, case, round_):
    read, revoked = revoke_while_reading(monkeypatch, order, case)
    assert revoked is None
    assert read[1].text == scenes.TEXT
    assert log_of(order)[-2:] == ["report", "key_revoked"]
    with pytest.raises(keys.NotOpened):
        reports.open_report(case, OrderKey.objects.filter(order=order).first())


# --- publishing while the key is replaced ---


def replace_while_publishing(monkeypatch, order, case):
    """The report was wrapped for a key; before that is stored, the key is replaced."""
    author = case.consultant
    draft = reports.save_draft(case, author=author, title="T", body="second text", note="corrected")
    order_key = active(order)[0]
    return while_held_in(
        monkeypatch,
        report_encryption,
        "admit_client",
        lambda: reports.publish(draft, actor="lin"),
        lambda: lifecycle.replace(order_key),
    )


def test_without_locks_a_report_would_be_published_for_a_key_that_is_over(monkeypatch, order, case):
    with nothing_is_locked(monkeypatch):
        replace_while_publishing(monkeypatch, order, case)
    with pytest.raises(report_encryption.Unreadable):
        reports.open_report(case, active(order)[0])


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_report_that_is_published_while_the_key_is_replaced_opens_with_the_new_one(
    monkeypatch, order, case, round_
):
    published, new = replace_while_publishing(monkeypatch, order, case)
    assert published.is_published
    assert key_format.grouped(keys.read_key(new)) == scenes.key_of(order)
    assert reports.open_report(case, new)[1].text == "second text"
