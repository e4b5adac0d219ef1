"""Giving an order to another mailbox needs two of the staff."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.test import Client

from checkout.models import Order
from consulting.keys import lifecycle
from consulting.tests import scenes
from consulting.tests.keys.test_admin import action_url, browser_of
from shop.audit import approvals
from shop.models import ApprovalRequest, AuditEntry

pytestmark = pytest.mark.django_db
NEW = "new-canary@shop.example"


@pytest.fixture(autouse=True)
def _on(settings):
    settings.MAILBOX_FOUR_EYES = True


def another():
    """A second person of the group that may."""
    user = scenes.staff("second person")
    user.groups.add(Group.objects.get(name="key care"))
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def ask(browser, order_key):
    url = action_url(order_key, "readdress")
    page = browser.get(url).content.decode()
    assert "needs a second person" in page
    token = re.search(r'name="page_token" value="([^"]+)"', page).group(1)
    answers = [browser.post(url, {"email": NEW, "page_token": token}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0]["Location"] == answers[1]["Location"], "pressed twice it is asked once"
    return ApprovalRequest.objects.get(), answers[0]["Location"]


def test_the_mailbox_is_the_old_one_until_a_second_person_agrees(order, order_key, deliver_outbox):
    first = browser_of("key care")
    deliver_outbox()
    mail.outbox.clear()
    wish, page = ask(first, order_key)
    deliver_outbox()
    assert not [each for each in mail.outbox if NEW in each.to or order.email in each.to]
    assert Order.objects.get(pk=order.pk).email == order.email
    decide = page.replace("/change/", "/decide/")
    assert first.post(decide, {"decision": "approve"}).status_code == 403
    second = another()
    assert NEW in second.get(page).content.decode()
    second.post(decide, {"decision": "approve"})
    assert Order.objects.get(pk=order.pk).email == NEW
    wish.refresh_from_db()
    assert (wish.state, wish.payload) == ("approved", {})
    told = AuditEntry.objects.filter(deed__in=["requested", "mailbox", "key", "approved"]).order_by("pk")
    assert [(entry.deed, entry.order_number) for entry in told] == [
        (deed, order.number) for deed in ("requested", "mailbox", "key", "approved")
    ]
    assert not [entry for entry in AuditEntry.objects.values() if NEW in str(entry)]


def test_no_caller_can_do_without(order, order_key):
    with pytest.raises(lifecycle.NeedsSecondPerson):
        lifecycle.readdress(order_key, NEW, actor="boss")


@pytest.mark.parametrize("change", ["key", "mailbox"])
def test_another_key_or_mailbox_meanwhile_ends_the_request(order, order_key, change):
    wish, page = ask(browser_of("key care"), order_key)
    if change == "key":
        lifecycle.replace(order_key, actor="boss")
    else:
        Order.objects.filter(pk=order.pk).update(email="meanwhile@shop.example")
    another().post(page.replace("/change/", "/decide/"), {"decision": "approve"})
    wish.refresh_from_db()
    assert (wish.state, wish.payload) == ("void", {})
    assert Order.objects.get(pk=order.pk).email != NEW


def test_erasing_the_order_erases_what_was_asked(order, order_key):
    wish, _ = ask(browser_of("key care"), order_key)
    approvals.forget_order(order.number)
    wish.refresh_from_db()
    assert (wish.state, wish.payload) == ("void", {})


def test_who_is_alone_reads_that_nobody_else_may(order, order_key):
    first = browser_of("key care")
    User.objects.exclude(username="key care person").delete()
    _, page = ask(first, order_key)
    assert "nobody else may" in first.get(page).content.decode()
    assert (
        "taken back"
        in first.post(
            page.replace("/change/", "/decide/"), {"decision": "decline"}, follow=True
        ).content.decode()
    )
