"""Order keys in the admin: never a key, a page for every action, and a permission for each kind of it."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from checkout.models import Order
from consulting.keys import health as key_health
from consulting.keys import lifecycle
from consulting.keys import services as keys
from consulting.keys.admin import KEY_ACTIONS
from consulting.tests import scenes
from consulting.tests.scenes import give_back
from shop.admin import staff_groups
from shop.models import AuditEntry

pytestmark = pytest.mark.django_db
ALL = ["resend", "replace", "revoke", "reissue", "readdress"]


def browser_of(group):
    staff_groups.make_groups()
    user = scenes.staff(f"{group} person")
    user.groups.add(staff_groups.Group.objects.get(name=group))
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def action_url(order_key, name):
    return reverse("admin:consulting_orderkey_deed", args=[order_key.pk, name])


def test_a_key_is_shown_by_its_last_group_only(order, order_key, key):
    merchant = browser_of("merchant")
    pages = [
        reverse("admin:consulting_orderkey_changelist"),
        reverse("admin:consulting_orderkey_change", args=[order_key.pk]),
        *(action_url(order_key, name) for name in ("resend", "replace", "revoke")),
    ]
    for page in pages:
        text = merchant.get(page).content.decode()
        assert f"••••-{key[-4:]}" in text
        for group in key.split("-")[:4]:
            assert group not in text
        assert bytes(order_key.sealed).decode() not in text
        assert bytes(order_key.lookup).hex() not in text


# group -> what its people may do
MAY = {
    "merchant": {"resend", "replace", "revoke", "reissue"},
    "key care": set(ALL),
    "fulfilment": set(),
    "consultant": set(),
}


@pytest.mark.parametrize("group", MAY)
def test_who_may_do_what(order, order_key, group):
    browser = browser_of(group)
    for name in ALL:
        if name == "reissue":
            continue
        for answer in (browser.get(action_url(order_key, name)), browser.post(action_url(order_key, name))):
            assert (answer.status_code == 403) == (name not in MAY[group]), name
        Order.objects.filter(pk=order.pk).update(refunded_total=0)
        order_key = order.keys.filter(state="active").first() or lifecycle.reissue(order.pk, actor="test")
    lifecycle.revoke(order_key, actor="test")
    assert (browser.post(action_url(order_key, "reissue")).status_code == 302) == ("reissue" in MAY[group])


@pytest.mark.parametrize("group", ["merchant", "key care"])
def test_the_page_of_a_key_offers_what_its_reader_may_do_now(order, order_key, group):
    browser = browser_of(group)

    def offered():
        page = browser.get(reverse("admin:consulting_orderkey_change", args=[order_key.pk])).content.decode()
        return {name for name in ALL if action_url(order_key, name) in page}

    assert offered() == MAY[group] - {"reissue"}
    lifecycle.revoke(order_key, actor="test")
    assert offered() == {"reissue"}
    lifecycle.reissue(order.pk, actor="test")
    assert offered() == set()


@pytest.mark.parametrize("name", ALL)
def test_looking_at_the_page_of_an_action_does_nothing(order, order_key, name):
    if name == "reissue":
        lifecycle.revoke(order_key, actor="test")
    before = list(order.keys.values()), order.access_log.count(), order.events.count()
    page = browser_of("key care").get(action_url(order_key, name)).content.decode()
    assert str(KEY_ACTIONS[name].explanation) in page
    assert (list(order.keys.values()), order.access_log.count(), order.events.count()) == before


def test_every_action_is_done_at_its_button_and_logged_with_its_person(order, order_key, deliver_outbox):
    browser = browser_of("key care")
    deliver_outbox()
    mail.outbox.clear()
    for name in ("resend", "replace", "revoke", "reissue"):
        order_key = order.keys.first()
        page = browser.post(action_url(order_key, name), follow=True).content.decode()
        assert str(KEY_ACTIONS[name].done) in page
    browser.post(action_url(order.keys.first(), "readdress"), {"email": "new@shop.example"})
    log = list(order.access_log.order_by("pk").values_list("what", "who"))
    who = "key care person"
    assert [what for what, _who in log] == [
        "key_sent", "key_replaced", "key_revoked", "key_replaced", "readdressed", "key_replaced",
    ]  # fmt: skip
    assert {name for _what, name in log} == {who}
    assert order.events.filter(actor=who).count() == 6
    trail = AuditEntry.objects.filter(order_number=order.number, actor=who).order_by("pk")
    deeds = list(trail.exclude(detail="").values_list("deed", "detail"))
    assert [(deed, what) for deed, what in deeds if deed in {"key", "mailbox"}] == [
        ("mailbox" if what == "readdressed" else "key", what) for what, _who in log
    ]
    deliver_outbox()
    assert {message.to[0] for message in mail.outbox} == {scenes.EMAIL, "new@shop.example"}


@pytest.mark.parametrize("email", ["", "not an address", "a@b.example\r\nBcc: x@y.example"])
def test_what_is_no_address_is_told_at_its_field(order, order_key, email):
    answer = browser_of("key care").post(action_url(order_key, "readdress"), {"email": email})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode() or "error" in answer.content.decode()
    order.refresh_from_db()
    assert order.email == scenes.EMAIL
    assert order.keys.count() == 1


def test_an_action_that_comes_too_late_says_so(order, order_key):
    browser = browser_of("merchant")
    lifecycle.replace(order_key)
    page = browser.post(action_url(order_key, "revoke"), follow=True).content.decode()
    assert "replaced or revoked meanwhile" in page
    give_back(order, order.total)
    page = browser.post(action_url(order.keys.first(), "resend"), follow=True).content.decode()
    assert "Nothing was done" in page


def test_unknown_keys_and_actions_are_not_found(order, order_key):
    browser = browser_of("merchant")
    assert browser.get(action_url(order_key, "read")).status_code == 404
    assert browser.get("/en/admin/consulting/orderkey/99999/do/resend/").status_code == 404
    assert Client().post(action_url(order_key, "resend")).status_code == 302, "strangers sign in first"


def test_money_health_shows_a_revoked_key_as_a_note_and_helps(order, order_key):
    def key_check():
        return key_health.checks(None)["keys"]()

    assert key_check().state == "ok"
    lifecycle.revoke(order_key, actor="boss")
    assert key_check().state == "note"
    (finding,) = key_check().findings
    assert finding.repair.permission == "consulting.replace_orderkey"
    finding.repair.act("boss")
    finding.repair.act("boss")
    assert key_check().state == "ok"
    assert keys.unlock(scenes.key_of(order), scenes.EMAIL)
