"""Refunds above an amount need a second person: nothing before, once, and never by the one who asked."""

import threading
from decimal import Decimal
from functools import partial

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from checkout.shipping import fulfilment
from payments.health import repairs
from payments.models import Payment, Refund
from payments.refunds import four_eyes
from payments.refunds import services as refunds
from payments.refunds.four_eyes import NeedsSecondPerson
from payments.tests.harness.refund_scenes import SERVICE, TEA, ask_for, paid_order, some, tea_of
from payments.tests.refunds.page_scenes import hidden, page_of, shown, typed
from shop import clock
from shop.audit import approvals
from shop.models import ApprovalRequest, AuditEntry, OutboxMessage
from shop.monitoring.audit import NotRepaired

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
STATE = ApprovalRequest.State


@pytest.fixture(autouse=True)
def _limit(settings):
    settings.REFUND_FOUR_EYES_ABOVE = Decimal(1000)


def colleague(name="wong", *codenames):
    person = User.objects.create_user(name, email=f"{name}@shop.example", is_staff=True)
    named = codenames or ("add_refund", "view_order", "change_order")
    person.user_permissions.set(Permission.objects.filter(codename__in=named))
    return person


def browser_of(person):
    browser = Client()
    browser.force_login(person, BACKEND)
    return browser


def ask_on_the_page(merchant, order):
    """All of the consultation, by the pages."""
    shown = merchant.post(page_of(order), typed(order, service=2) | {"action": "preview"})
    assert "Ask a colleague to refund" in shown.content.decode()
    values = hidden(shown) | {"action": "refund"}
    asked = merchant.post(page_of(order), values)
    assert asked.status_code == 302
    assert merchant.post(page_of(order), values)["Location"] == asked["Location"], "a second click asks once"
    return ApprovalRequest.objects.get(), asked["Location"]


def decide(browser, page, decision, **more):
    return browser.post(f"{page.removesuffix('change/')}decide/", {"decision": decision, **more}, follow=True)


def test_nothing_happens_before_the_second_person_and_then_it_happens_once(merchant, order, deliver_outbox):
    second = colleague()
    deliver_outbox()
    mail.outbox.clear()
    wish, page = ask_on_the_page(merchant, order)
    deliver_outbox()
    assert not Refund.objects.exists()
    assert [each.to for each in mail.outbox] == [["wong@shop.example"]]
    own = merchant.get(page).content.decode()
    assert "you cannot do that yourself" in own
    assert 'value="approve"' not in own
    assert decide(merchant, page, "approve").status_code == 403
    assert not Refund.objects.exists()
    theirs = browser_of(second)
    assert "1 approval waits for you" in theirs.get("/en/admin/").content.decode()
    assert "2,560.00" in theirs.get(page).content.decode()
    done = decide(theirs, page, "approve").content.decode()
    assert "Approved and done" in done
    assert "decided before" in decide(theirs, page, "approve").content.decode()
    assert (Refund.objects.get().amount, Refund.objects.get().actor) == (SERVICE, wish.asked_by)
    wish.refresh_from_db()
    assert (wish.state, wish.decided_by, wish.payload) == (STATE.APPROVED, "wong", {})
    deeds = AuditEntry.objects.filter(deed__in=["requested", "approved", "refund"]).order_by("pk")
    assert [(entry.deed, entry.actor, entry.order_number) for entry in deeds] == [
        ("requested", wish.asked_by, order.number),
        ("refund", wish.asked_by, order.number),
        ("approved", "wong", order.number),
    ]


def test_the_second_person_sees_what_becomes_of_the_goods(merchant, order, settings):
    """Goods that are said to come back can be sold again: also where they have not."""
    settings.REFUND_FOUR_EYES_ABOVE = Decimal(100)
    second = browser_of(colleague())
    for restock in ("", "0"):
        values = typed(order, tea=2) | {f"restock_{tea_of(order).pk}": restock}
        asked = merchant.post(page_of(order), values | {"action": "preview"})
        page = merchant.post(page_of(order), hidden(asked) | {"action": "refund"})["Location"]
        told = shown(second.get(page))
        name = tea_of(order).name
        assert f"Pieces not shipped any more {name} × 2" in told
        assert f"Pieces back into stock {name} × {restock or 2}" in told


def test_who_may_not_refund_may_neither_see_nor_approve(merchant, order):
    wish, page = ask_on_the_page(merchant, order)
    person = colleague("packer", "view_order", "change_order")
    packer = browser_of(person)
    assert "wait" not in packer.get("/en/admin/").content.decode()
    assert packer.get(page).status_code in {302, 403}
    assert decide(packer, page, "approve").status_code == 403
    for decision in (approvals.approve, partial(approvals.decline, note="")):  # whichever page forgets to ask
        with pytest.raises(approvals.NotYours):
            decision(wish.pk, user=person)
    assert not Refund.objects.exists()


def test_declining_tells_the_one_who_asked_why(merchant, order, deliver_outbox):
    User.objects.filter(is_staff=True).update(email="asker@shop.example")
    wish, page = ask_on_the_page(merchant, order)
    decide(browser_of(colleague()), page, "decline", note="the parcel came back empty")
    deliver_outbox()
    told = [each for each in mail.outbox if each.to == ["asker@shop.example"]]
    assert ["the parcel came back empty" in each.body for each in told] == [True]
    assert not Refund.objects.exists()
    page = merchant.get(page).content.decode()
    assert "the parcel came back empty" in page
    wish.refresh_from_db()
    assert wish.state == STATE.DECLINED


def test_many_small_ones_add_up_and_an_approved_one_does_not_count(order):
    ask_for(order, some(order, amount=Decimal(900)))
    with pytest.raises(NeedsSecondPerson):
        ask_for(order, some(order, amount=Decimal(101)))
    ask_for(order, some(order, amount=Decimal(100)))
    with pytest.raises(NeedsSecondPerson):
        ask_for(order, some(order, amount=Decimal(1)))
    assert Refund.objects.count() == 2


def test_money_of_another_currency_always_needs_two(payment, settings):
    """The amount up to which one is enough says nothing about it."""
    four_eyes.check(payment, Decimal(1), key="1")
    settings.CURRENCY = "USD"
    with pytest.raises(NeedsSecondPerson):
        four_eyes.check(payment, Decimal(1), key="1")


def test_without_a_limit_one_person_is_enough(settings, order):
    settings.REFUND_FOUR_EYES_ABOVE = None
    assert ask_for(order, some(order, service=2)).amount == SERVICE


def test_what_has_changed_since_ends_the_request_and_does_nothing(merchant, order):
    wish, page = ask_on_the_page(merchant, order)
    ask_for(order, some(order, service=1), actor="")  # by the shop itself
    before = Refund.objects.count()
    assert "something has changed" in decide(browser_of(colleague()), page, "approve").content.decode()
    wish.refresh_from_db()
    assert (wish.state, Refund.objects.count()) == (STATE.VOID, before)


def test_the_refund_that_is_approved_is_the_one_that_was_previewed(merchant, order):
    """The same pieces, but their parcel has left: they would not go back into stock any more."""
    shown = merchant.post(page_of(order), typed(order, tea=2, service=2) | {"action": "preview"})
    merchant.post(page_of(order), hidden(shown) | {"action": "refund"})
    wish = ApprovalRequest.objects.get()
    fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1", quantities={tea_of(order).pk: 2}, actor="mei"
    )
    approvals.approve(wish.pk, user=colleague())
    wish.refresh_from_db()
    assert (wish.state, Refund.objects.count()) == (STATE.VOID, 0)


def test_nothing_else_is_refunded_under_the_key_of_what_waits(merchant, order):
    """Little enough for one person, and approved as if it were what was asked for."""
    wish, page = ask_on_the_page(merchant, order)
    with pytest.raises(NeedsSecondPerson):
        ask_for(order, some(order, amount=Decimal(100)), key=wish.key, actor=wish.asked_by)
    assert not Refund.objects.exists()
    smaller = merchant.post(page_of(order), typed(order, amount=100) | {"action": "preview"})
    values = hidden(smaller) | {"action": "refund", "key": wish.key}
    assert merchant.post(page_of(order), values)["Location"] == page, "it leads to what waits"
    wish.refresh_from_db()
    assert (wish.state, Refund.objects.count()) == (STATE.WAITING, 0)


@pytest.mark.parametrize("way", ["order", "payment", "retry"])
def test_what_is_known_under_the_key_is_not_what_was_approved(merchant, order, payment, way):
    """Refunded under the same key before the request was written down, or while it was."""
    refused = Refund.objects.create(
        payment=payment, amount=1, key="1" * 32, status=Refund.Status.FAILED, started_at=clock.now()
    )
    key = refunds.next_key(refused)
    how = {"chosen": four_eyes.stored(some(order, service=2)), "seen": None}
    how |= {"payment": payment.pk, "refund": refused.pk}
    needed = NeedsSecondPerson(payment, SERVICE)
    wish = four_eyes.ask(needed, key=key, actor=colleague("asker").username, way=way, **how)
    Refund.objects.create(
        payment=payment, amount=100, key=key, origin=Refund.Origin.STAFF, started_at=clock.now()
    )
    approvals.approve(wish.pk, user=colleague())
    wish.refresh_from_db()
    assert (wish.state, Refund.objects.count()) == (STATE.VOID, 2)
    assert four_eyes.is_too_much(payment, Decimal(901)), "it counts as what one person did"


def test_a_request_that_nobody_answers_ends(merchant, order):
    wish, page = ask_on_the_page(merchant, order)
    second = browser_of(colleague())
    assert wish.expires_at == wish.asked_at + approvals.LIFETIME
    ApprovalRequest.objects.update(expires_at=clock.now())
    assert "its time is over" in decide(second, page, "approve").content.decode()
    assert not Refund.objects.exists()
    assert "expired" in second.get(page).content.decode()


def test_who_asked_and_may_no_longer_is_not_obeyed(merchant, order):
    wish, page = ask_on_the_page(merchant, order)
    User.objects.get(username=wish.asked_by).user_permissions.clear()
    decide(browser_of(colleague()), page, "approve")
    assert not Refund.objects.exists()


def test_money_that_pays_no_order_and_a_refused_refund_need_two_as_well(merchant, order, payment):
    payment.pays_order = False
    payment.save()
    with pytest.raises(NeedsSecondPerson):
        refunds.return_unused(payment, key="0" * 32, actor="mei")
    payment.pays_order = True
    payment.save()
    refused = Refund.objects.create(
        payment=payment,
        amount=SERVICE,
        key="1" * 32,
        status=Refund.Status.FAILED,
        origin=Refund.Origin.STAFF,
        started_at=clock.now(),
    )
    with pytest.raises(NotRepaired, match="second person"):
        repairs.retry(refused, "mei")
    assert Refund.objects.count() == 1
    second, told = browser_of(colleague()), []
    for decision in ("decline", "approve"):
        asked = ask_to_retry(merchant, refused)
        assert ask_to_retry(merchant, refused) == asked, "a second click asks once"
        told.append(OutboxMessage.objects.filter(topic="mail.approval_asked").count())
        decide(second, asked, decision)
    assert told == [1, 2], "after a no the colleague is asked anew, and told"
    assert Refund.objects.get(key=refunds.next_key(refused)).amount == SERVICE
    assert {wish.state for wish in ApprovalRequest.objects.all()} == {STATE.DECLINED, STATE.APPROVED}


def ask_to_retry(merchant, refused) -> str:
    """The page of the request."""
    url = reverse("admin:payments_refund_retry", args=[refused.pk])
    return merchant.post(url, hidden(merchant.get(url)))["Location"]


@pytest.mark.parametrize("ended", [STATE.DECLINED, STATE.TAKEN_BACK, STATE.VOID, STATE.EXPIRED, "late"])
def test_what_ended_without_a_yes_is_asked_anew_and_what_was_approved_is_not(payment, ended):
    def ask():
        return four_eyes.ask(NeedsSecondPerson(payment, SERVICE), key="1" * 32, actor="mei", way="order")

    first = ask()
    if ended == "late":
        ApprovalRequest.objects.update(expires_at=clock.now())
    else:
        ApprovalRequest.objects.update(state=ended)
    again = ask()
    assert again.pk != first.pk
    assert approvals.state_of(again) == STATE.WAITING
    assert ask() == again
    ApprovalRequest.objects.filter(pk=again.pk).update(state=STATE.APPROVED)
    assert ask() == again


@pytest.mark.parametrize("way", ["order", "payment", "retry"])
def test_of_two_requests_of_the_same_refund_the_second_ends_with_the_first(merchant, order, payment, way):
    """Each was asked for before the money of the other went back: nobody has agreed to both."""
    first, second = two_requests(merchant, order, payment, way)
    theirs = browser_of(colleague())
    assert "Approved and done" in shown(decide(theirs, first, "approve"))
    if way == "payment":  # the gateway refused it, so that all of the money can go back once more
        Refund.objects.get().move_to(Refund.Status.FAILED)
    before = Refund.objects.count()
    assert "something has changed" in shown(decide(theirs, second, "approve"))
    assert Refund.objects.count() == before


def two_requests(merchant, order, payment, way):
    """Their pages: an amount twice, or once and as a retry; or all of unused money twice."""
    preview = typed(order, amount="1280") | {"action": "preview"}
    address, agree = page_of(order), {"action": "refund"}
    if way == "payment":
        Payment.objects.update(pays_order=False)
        address = reverse("admin:payments_return_payment", args=[payment.pk])
        shown_twice = [merchant.get(address) for _ in range(2)]
    elif way == "order":
        shown_twice = [merchant.post(address, preview) for _ in range(2)]
    else:
        refused = Refund.objects.create(
            payment=payment, amount=1280, key="1" * 32, status="failed", started_at=clock.now()
        )
        seen = hidden(merchant.post(address, preview))
        return merchant.post(address, seen | agree)["Location"], ask_to_retry(merchant, refused)
    return [merchant.post(address, hidden(page) | agree)["Location"] for page in shown_twice]


@pytest.mark.django_db(transaction=True)
def test_many_who_approve_at_once_do_it_once(gateway, approve, settings):
    settings.REFUND_FOUR_EYES_ABOVE = Decimal(100)
    order = paid_order(approve)
    asker = colleague("asker")
    with pytest.raises(NeedsSecondPerson) as needed:
        ask_for(order, some(order, tea=2), actor="asker")
    how = {"way": "order", "chosen": four_eyes.stored(some(order, tea=2)), "seen": None}
    wish = four_eyes.ask(needed.value, key="a" * 32, actor=asker.username, **how)
    people = [colleague(f"second-{each}") for each in range(6)]
    outcomes = []

    def press(person):
        try:
            outcomes.append(approvals.approve(wish.pk, user=person).state)
        except approvals.Decided:
            outcomes.append("decided")
        connection.close()

    threads = [threading.Thread(target=press, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [STATE.APPROVED] + ["decided"] * 5
    assert Refund.objects.get().amount == TEA
    assert AuditEntry.objects.filter(deed="approved").count() == 1
