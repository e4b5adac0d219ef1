"""What becomes of a key after it was issued: replaced, revoked, sent again, given to another mailbox."""

import re

import pytest
from cryptography.fernet import InvalidToken
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from checkout.models import EmailCorrection, Order
from checkout.tests.scenes import placed_in
from consulting import access, key_format, report_encryption
from consulting.keys import lifecycle
from consulting.keys import services as keys
from consulting.models import AccessLog, Case, OrderKey, Report
from consulting.reports import services as reports
from consulting.tests import scenes
from consulting.tests.scenes import KEY, give_back, unlock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(order, deliver_outbox):
    """Delivers, and gives what came since."""

    def fresh_mails():
        mail.outbox.clear()
        deliver_outbox()
        return list(mail.outbox)

    fresh_mails()
    return fresh_mails


@pytest.fixture
def cases(order, consultant):
    """Two reports, both published."""
    cases = list(Case.objects.of(order))
    for case in cases:
        scenes.published(case, consultant)
    return cases


def opens(order_key, case) -> bool:
    return reports.open_report(case, OrderKey.objects.get(pk=order_key.pk))[1].text == scenes.TEXT


def test_the_new_key_opens_every_report_and_the_old_one_nothing(order, order_key, cases, key):
    before = {report.pk: bytes(report.body) for case in cases for report in case.reports.all()}
    old_text = key_format.parse(key)
    new = lifecycle.replace(order_key)
    assert all(opens(new, case) for case in cases)
    for case in cases:
        report = case.reports.select_related("case__line").get()
        assert bytes(report.body) == before[report.pk], "the text itself is not sealed anew"
        with pytest.raises(report_encryption.Unreadable):
            report_encryption.open_for_client(report, old_text)
    with pytest.raises(keys.NotOpened):
        keys.unlock(key, scenes.EMAIL)
    assert keys.unlock(scenes.key_of(order), scenes.EMAIL) == new


def test_a_revoked_key_leaves_no_report_wrapped_for_it(order_key, cases):
    wraps = Report.objects.filter(case__in=cases).values_list("client_wrap", flat=True)
    assert any(map(bytes, wraps))
    lifecycle.revoke(order_key, actor="boss")
    assert not any(map(bytes, wraps.all()))


def test_of_a_key_that_is_over_nothing_is_kept_that_could_open_or_find_it(order_key, key):
    canonical = key_format.parse(key)
    lifecycle.replace(order_key)
    order_key.refresh_from_db()
    assert order_key.state == "superseded"
    assert bytes(order_key.sealed) == b""
    assert bytes(order_key.lookup) not in key_format.lookups(canonical)
    assert order_key.last_group == key[-4:]
    with pytest.raises(InvalidToken):
        keys.read_key(order_key)


@pytest.mark.parametrize("end", [lifecycle.replace, lifecycle.revoke])
def test_what_the_old_key_had_opened_is_shut_on_the_very_next_request(order_key, cases, key, colleague, end):
    browser = Client()
    assert unlock(browser, key).status_code == 302
    keys.open_with_key(colleague, key)
    assert access.may_read(colleague, cases[0])
    pages = [reverse("consulting:index"), reverse("consulting:report", args=[cases[0].pk])]
    assert [browser.get(page).status_code for page in pages] == [200, 200]
    end(order_key, actor="boss")
    assert [browser.get(page).status_code for page in pages] == [302, 302]
    assert not access.may_read(colleague, cases[0])


def test_a_browser_that_knew_the_order_is_a_stranger_after_the_key_was_replaced(order, order_key, key):
    browser = Client()
    unlock(browser, key)
    assert order.email in browser.get(order.get_absolute_url()).content.decode()
    lifecycle.replace(order_key)
    page = browser.get(order.get_absolute_url()).content.decode()
    assert order.email not in page
    assert not KEY.search(page)
    assert unlock(browser, scenes.key_of(order), "").status_code == 200, "the e-mail address is asked again"


def test_a_replaced_key_is_shown_on_no_page_not_even_to_who_knows_the_e_mail(order, order_key, key):
    """Whoever had stolen the first key knows the order's page and address too."""
    browser = Client()
    placed_in(browser, order)
    page = re.sub("<[^>]+>", "", browser.get(order.get_absolute_url()).content.decode())
    assert key in page
    lifecycle.replace(order_key)
    browser.post(order.get_absolute_url(), {"email": scenes.EMAIL})
    page = re.sub("<[^>]+>", "", browser.get(order.get_absolute_url()).content.decode())
    assert scenes.EMAIL in page
    assert not KEY.search(page)
    assert "For safety it is not shown here." in page


def test_the_new_key_goes_to_the_orders_mailbox_and_says_that_the_old_one_is_over(order, order_key, mails):
    lifecycle.replace(order_key)
    (message,) = mails()
    assert message.to == [scenes.EMAIL]
    assert message.subject == f"Cloud Inkstone: Order key replaced {order.number}"
    assert KEY.findall(message.body) == [scenes.key_of(order)]
    assert "The old order key opens nothing any more" in message.body
    assert scenes.key_of(order).split("-")[0] in message.alternatives[0].content


def test_a_mail_that_waited_never_brings_a_key_that_is_over(order, order_key, mails):
    second = lifecycle.replace(order_key)
    lifecycle.replace(second)
    (message,) = mails()
    assert KEY.findall(message.body) == [scenes.key_of(order)]


def test_everything_is_written_down_and_the_client_can_read_it(client, order, order_key, key):
    lifecycle.resend(order_key, actor="boss")
    new = lifecycle.replace(order_key)
    lifecycle.revoke(new, actor="boss")
    lifecycle.reissue(order.pk, actor="boss")
    log = [(entry.what, entry.who) for entry in AccessLog.objects.order_by("pk")]
    assert log == [
        ("key_sent", "boss"),
        ("key_replaced", ""),
        ("key_revoked", "boss"),
        ("key_replaced", "boss"),
    ]
    notes = [(event.note, event.actor) for event in order.events.order_by("pk")]
    assert notes[-4:] == [
        ("order key sent again", "boss"),
        ("order key replaced by the client", ""),
        ("order key revoked", "boss"),
        ("order key replaced", "boss"),
    ]
    unlock(client, scenes.key_of(order))
    page = client.get(reverse("consulting:index")).content.decode()
    assert "Order key revoked" in page
    assert "Order key replaced by a new one" in page


def test_a_key_can_be_ended_once_and_only_the_orders_own(order, order_key):
    lifecycle.replace(order_key)
    for deed in (lifecycle.replace, lifecycle.revoke, lifecycle.resend):
        with pytest.raises(lifecycle.KeyChanged):
            deed(order_key, actor="boss")
    with pytest.raises(lifecycle.KeyChanged):
        lifecycle.reissue(order.pk, actor="boss")
    assert order.keys.filter(state="active").count() == 1


def test_a_revoked_key_comes_back_as_another_one(order, order_key, cases, consultant, key, mails):
    lifecycle.revoke(order_key, actor="boss")
    assert mails() == []
    assert not any(bytes(report.client_wrap) for case in cases for report in case.reports.all())
    draft = reports.save_draft(cases[0], author=consultant, title="T", body="more")
    with pytest.raises(reports.NothingToPublish):
        reports.publish(draft, actor="lin")
    draft.delete()
    new = lifecycle.reissue(order.pk, actor="boss")
    assert all(opens(new, case) for case in cases)
    assert scenes.key_of(order) != key
    assert [message.subject for message in mails()] == [f"Cloud Inkstone: Order key replaced {order.number}"]
    with pytest.raises(keys.NotOpened):
        keys.unlock(key, scenes.EMAIL)


def test_the_same_key_is_sent_again(order, order_key, key, mails):
    lifecycle.resend(order_key, actor="boss")
    (message,) = mails()
    assert message.to == [scenes.EMAIL]
    assert message.subject == f"Cloud Inkstone: Your order key again {order.number}"
    assert KEY.findall(message.body) == [key]


@pytest.mark.parametrize("sealed", [b"", b"of a seal key that is gone"])
def test_a_key_whose_sealed_copy_does_not_open_is_replaced_when_it_is_to_be_sent(
    order, order_key, cases, mails, sealed
):
    OrderKey.objects.filter(pk=order_key.pk).update(sealed=sealed)
    lifecycle.resend(order_key, actor="boss")
    (message,) = mails()
    assert message.subject == f"Cloud Inkstone: Order key replaced {order.number}"
    assert KEY.findall(message.body) == [scenes.key_of(order)]
    assert all(opens(order.keys.get(state="active"), case) for case in cases)


def test_a_report_that_opens_for_nobody_does_not_keep_a_leaked_key_alive(order, order_key, cases):
    broken = cases[0].reports.get()
    broken.escrow_wrap = b"damaged"
    broken.save()
    new = lifecycle.replace(order_key)
    assert opens(new, cases[1])
    with pytest.raises(report_encryption.Unreadable):
        reports.open_report(cases[0], new)


@pytest.mark.parametrize("closed", ["refunded", "disputed"])
def test_nothing_is_sent_or_issued_for_an_order_that_is_not_paid_for(order, order_key, mails, closed):
    if closed == "refunded":
        give_back(order, order.total)
    else:
        Order.objects.update(is_disputed=True)
    for deed in (lifecycle.replace, lifecycle.resend):
        with pytest.raises(lifecycle.NothingToOpen):
            deed(order_key, actor="boss")
    with pytest.raises(lifecycle.NothingToOpen):
        lifecycle.readdress(order_key, "new@shop.example", actor="boss")
    lifecycle.revoke(order_key, actor="boss")
    with pytest.raises(lifecycle.NothingToOpen):
        lifecycle.reissue(order.pk, actor="boss")
    assert [message for message in mails() if KEY.search(message.body)] == []


def test_a_key_cannot_be_had_for_an_order_without_services(db):
    tea = scenes.paid_order(subjects=0, goods=1)
    with pytest.raises(lifecycle.NothingToOpen):
        lifecycle.reissue(tea.pk, actor="boss")


def test_another_mailbox_gets_a_new_key_and_the_old_one_a_notice(order, order_key, key, cases, mails):
    browser = Client()
    unlock(browser, key)
    lifecycle.readdress(order_key, "new@shop.example", actor="boss")
    assert browser.get(reverse("consulting:index")).status_code == 302
    by_mailbox = {message.to[0]: message for message in mails()}
    assert set(by_mailbox) == {"new@shop.example", scenes.EMAIL}
    assert KEY.findall(by_mailbox["new@shop.example"].body) == [scenes.key_of(order)]
    assert "E-mail address changed" in by_mailbox[scenes.EMAIL].subject
    assert "new@shop.example" not in by_mailbox[scenes.EMAIL].body
    assert not KEY.search(by_mailbox[scenes.EMAIL].body)
    with pytest.raises(keys.NotOpened):
        keys.unlock(scenes.key_of(order), scenes.EMAIL)
    assert opens(keys.unlock(scenes.key_of(order), "new@shop.example"), cases[0])
    assert AccessLog.objects.filter(what="readdressed", who="boss").count() == 1
    assert EmailCorrection.objects.get().old_email == ""
    assert not order.events.filter(fact="email_corrected").exists(), "the buyer did not do it"


def test_the_buyers_own_correction_ends_what_is_open_too(order, key):
    browser = Client()
    unlock(browser, key)
    Order.objects.filter(pk=order.pk).update(email="right@shop.example")
    assert browser.get(reverse("consulting:index")).status_code == 302


def test_the_first_use_of_a_key_is_told_to_its_mailbox_once(client, order, order_key, key, mails):
    for _ in range(3):
        unlock(client, key)
    (message,) = mails()
    assert message.to == [scenes.EMAIL]
    assert message.subject == f"Cloud Inkstone: Your reports were opened {order.number}"
    assert "/en/report/new-key/" in message.body
    assert "/en/contact/" in message.body
    assert not KEY.search(message.body + message.alternatives[0].content)
    order_key.refresh_from_db()
    assert order_key.use_count == 3
    first = AccessLog.objects.filter(what="unlocked").order_by("pk").first()
    assert order_key.first_used_at == first.at
    lifecycle.replace(order_key)
    mails()
    unlock(client, scenes.key_of(order))
    assert [message.subject for message in mails()] == [
        f"Cloud Inkstone: Your reports were opened {order.number}"
    ], "a new key is used for the first time, too"


def test_no_message_that_waits_holds_a_key_or_an_address(order, order_key, key):
    with transaction.atomic():
        lifecycle.resend(order_key, actor="boss")
        lifecycle.readdress(order_key, "canary@shop.example", actor="boss")
        lifecycle.request_key("canary@shop.example", number=order.number, language="en")
    held = repr(list(OutboxMessage.objects.values()))
    for secret in (key, key.replace("-", ""), scenes.key_of(order), scenes.EMAIL, "canary@"):
        assert secret not in held
