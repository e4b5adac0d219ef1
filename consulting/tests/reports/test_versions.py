"""Versions: what changed is said, older ones stay readable, a withdrawn one never opens again."""

import pytest
from django.core import mail
from django.db.models import F
from django.urls import reverse
from django.utils import translation

from consulting import report_encryption
from consulting.models import AccessLog, Case, Report
from consulting.reports import services as reports
from consulting.tests import scenes
from consulting.tests.scenes import unlock
from shop.models import OutboxMessage
from shop.tests.harness.races import at_once, meeting, nothing_is_locked

OLD, NEW, NOTE = "床頭靠北牆 canary-old-1190", "床頭靠東牆 canary-new-5520", "canary-note-8834 方位更正"
REASON = "canary-reason-6617 用錯了平面圖"


@pytest.fixture
def first(case, consultant):
    return scenes.published(case, consultant, OLD)


def correct(case, author, text=NEW, note=NOTE) -> Report:
    draft = reports.save_draft(case, author=author, title=scenes.TITLE, body=text, note=note)
    return reports.publish(draft, actor="lin")


@pytest.fixture
def second(first, case, consultant):
    return correct(case, consultant)


@pytest.fixture
def reader(client, order, first):
    unlock(client, scenes.key_of(order))
    return client


def page(browser, name: str, *args) -> str:
    return browser.get(reverse(f"consulting:{name}", args=args), follow=True).content.decode()


def test_a_correction_is_not_published_without_saying_what_changed(db, first, case, consultant):
    with pytest.raises(reports.NoteMissing):
        correct(case, consultant, note="")
    assert Report.objects.filter(published_at__isnull=False).count() == 1


def test_a_note_is_asked_for_where_it_is_typed_and_nothing_is_lost(workspace, first, case):
    typed = {"title": "A", "body": "a corrected report", "language": "en", "seen": "1.1", "note": " "}
    address = reverse("consulting:case", args=[case.pk])
    response = workspace.post(address, typed | {"action": "publish"})
    assert response.status_code == 200
    assert 'href="#id_note"' in response.content.decode()
    assert "a corrected report" in response.content.decode()
    assert workspace.post(address, typed | {"action": "save"}).status_code == 302
    response = workspace.post(reverse("consulting:publish", args=[case.pk]), {"seen": "2.1"}, follow=True)
    assert "say what changed" in response.content.decode()


def test_the_note_of_one_version_is_not_that_of_the_next(db, second, case, consultant):
    draft = reports.save_draft(case, author=consultant, title=scenes.TITLE, body="third")
    assert scenes.from_escrow(draft).note == ""
    assert scenes.from_escrow(second).note == NOTE


@pytest.mark.failure("F75")
def test_the_client_reads_the_latest_version_with_its_note_and_the_difference(reader, second, case):
    latest = page(reader, "report", case.pk)
    assert "canary-new-5520" in latest
    assert "canary-old-1190" not in latest
    assert "canary-note-8834" in latest
    changed = page(reader, "changes", case.pk, 2)
    assert "canary-note-8834" in changed
    assert "北<span" in changed
    assert "東<span" in changed
    assert changed.count("<del>") >= 2
    assert changed.count("<ins>") >= 2
    assert AccessLog.objects.filter(case=case, what="report").count() == 1


@pytest.mark.failure("F75")
def test_an_older_version_stays_readable_and_says_that_it_is_old(reader, second, case):
    older = page(reader, "report_version", case.pk, 1)
    assert "canary-old-1190" in older
    assert "This is an older version" in older


@pytest.mark.parametrize(("name", "version"), [("report_version", 3), ("changes", 1), ("changes", 3)])
def test_versions_that_are_not_there_are_not_found(reader, second, case, consultant, name, version):
    reports.save_draft(case, author=consultant, title="A", body="third, not yet", note="x")
    assert reader.get(reverse(f"consulting:{name}", args=[case.pk, version])).status_code == 404


def test_the_consultant_sees_the_difference_before_publishing(workspace, first, case, consultant):
    reports.save_draft(case, author=consultant, title=scenes.TITLE, body=NEW, note=NOTE)
    before = page(workspace, "publish", case.pk)
    assert "Version 1 and version 2" in before
    assert "canary-note-8834" in before
    assert "<ins>" in before


@pytest.mark.failure("F75")
def test_each_version_is_told_once_and_the_correction_names_its_note_not_its_text(
    second, order, case, deliver_outbox
):
    reports.publish(Report.objects.get(pk=second.pk), actor="lin")
    deliver_outbox()
    deliver_outbox()
    mails = [sent for sent in mail.outbox if order.number in sent.subject and "eport" in sent.subject]
    assert len(mails) == 2
    corrected = next(sent for sent in mails if "Report updated" in sent.subject)
    assert "note on what changed" in corrected.body
    for sent in mails:
        for body in (sent.subject, sent.body, sent.alternatives[0][0]):
            assert "canary" not in body


def test_neither_note_nor_reason_is_in_the_database_in_clear(second, case, consultant):
    reports.withdraw(case, actor="lin", reason=REASON)
    stored = repr([list(rows.values_list()) for rows in (Report.objects, OutboxMessage.objects)])
    with_cases = repr(bytes(Case.objects.extra(select={"raw": "withdrawn_because"}).values_list("raw")[0][0]))
    assert "canary" not in stored + with_cases
    assert "方位" not in stored + with_cases


# --- withdrawing ---


def test_a_withdrawn_report_closes_with_its_reason_and_stays_closed_after_the_next_one(
    reader, second, case, consultant
):
    reports.withdraw(case, actor="lin", reason=REASON)
    for address in (("report", case.pk), ("report_version", case.pk, 1), ("report_version", case.pk, 2)):
        closed = page(reader, *address)
        assert "canary-reason-6617" in closed
        assert "canary-new" not in closed
        assert "canary-old" not in closed
    assert "Withdrawn" in page(reader, "index")
    changes = page(reader, "changes", case.pk, 2)
    assert "canary-new" not in changes
    assert "canary-note" not in changes
    correct(case, consultant, text="the right plan")
    assert "the right plan" in page(reader, "report", case.pk)
    assert reader.get(reverse("consulting:report_version", args=[case.pk, 2])).status_code == 404
    assert not any(bytes(report.client_wrap) for report in case.reports.filter(version__lt=3))


def test_no_mail_is_sent_for_a_version_that_was_withdrawn_before_it_went(
    first, case, consultant, order, deliver_outbox
):
    reports.withdraw(case, actor="lin", reason=REASON)
    correct(case, consultant)
    deliver_outbox()
    subjects = [
        sent.subject for sent in mail.outbox if "eport" in sent.subject and order.number in sent.subject
    ]
    assert len(subjects) == 1
    assert "Report updated" in subjects[0]


def test_the_client_is_told_once_of_a_withdrawal_and_reads_the_reason_behind_the_key(
    first, case, order, deliver_outbox
):
    deliver_outbox()
    mail.outbox.clear()
    for _ in range(2):
        reports.withdraw(case, actor="lin", reason=REASON)
        deliver_outbox()
    (message,) = mail.outbox
    assert (message.to, message.subject) == (
        [order.email],
        f"Cloud Inkstone: Report withdrawn {order.number}",
    )
    assert case.line.name in message.body
    for body in (message.body, message.alternatives[0][0]):
        assert reverse("consulting:unlock") in body
        assert "canary" not in body


@pytest.mark.parametrize(
    "change",
    [
        lambda order: order.keys.update(state="revoked"),
        lambda order: order.lines.update(refunded_total=F("unit_price") * F("quantity")),
    ],
    ids=["key revoked", "money back"],
)
def test_who_has_no_access_any_more_is_not_told_of_a_withdrawal(first, case, order, deliver_outbox, change):
    deliver_outbox()
    mail.outbox.clear()
    reports.withdraw(case, actor="lin", reason=REASON)
    change(order)
    deliver_outbox()
    assert mail.outbox == []


@pytest.mark.parametrize(("who", "status"), [("consultant", 302), ("merchant", 302), ("colleague", 403)])
def test_the_cases_consultant_and_the_merchant_withdraw_and_nobody_else(
    client, first, case, who, status, request
):
    client.force_login(request.getfixturevalue(who), backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("consulting:withdraw", args=[case.pk])
    assert client.get(address).status_code == (200 if status == 302 else 403)
    assert client.post(address, {"reason": REASON}).status_code == status
    case.refresh_from_db()
    assert case.state == ("withdrawn" if status == 302 else "ready")
    if status == 302:
        assert client.post(address, {"reason": REASON}).status_code == 302
        late = client.post(address, {"reason": "canary-other-reason"})
        assert (late.status_code, b"canary-other-reason" in late.content) == (403, True)
        case.refresh_from_db()
        assert case.withdrawn_because == REASON


def test_a_reason_is_needed_and_what_is_not_published_cannot_be_withdrawn(workspace, first, case, order):
    address = reverse("consulting:withdraw", args=[case.pk])
    assert 'href="#id_reason"' in workspace.post(address, {"reason": " "}).content.decode()
    other = Case.objects.of(order).last()
    assert workspace.get(reverse("consulting:withdraw", args=[other.pk])).status_code == 403


# --- language and outline ---


def test_a_report_is_marked_with_its_own_language_whatever_the_page_speaks(reader, case, consultant):
    draft = reports.save_draft(
        case, author=consultant, title="A", body="中文 in passing", language="en", note="x"
    )
    reports.publish(draft, actor="lin")
    with translation.override("zh-hant"):
        shown = page(reader, "report", case.pk)
    assert '<article class="report" lang="en">' in shown
    assert '<html lang="zh-Hant">' in shown


def test_a_consultant_begins_with_the_services_sections_in_the_clients_language(workspace, case, consultant):
    terms = case.line.variant.product.service_terms
    terms.outline_zh_hant, terms.outline_en = "現況\r\n建議", "Findings\nSuggestions"
    terms.save()
    contact = case.line.intakes.get(subject=0)
    contact.answers = [*contact.answers, {"key": "report_language", "value": "zh-hant", **BOTH}]
    contact.save()
    reports.assign(case, consultant)
    shown = page(workspace, "case", case.pk)
    assert "## 現況\n\n\n## 建議" in shown
    assert '<option value="zh-hant" selected>' in shown
    assert not Report.objects.exists()


BOTH = {"label_zh_hant": "報告語言", "label_en": "Language", "shown_zh_hant": "中文", "shown_en": "Chinese"}


def test_empty_sections_are_named_before_publishing(workspace, case, consultant):
    reports.assign(case, consultant)
    reports.save_draft(case, author=consultant, title="A", body="## Findings\n\nwords\n\n## Suggestions")
    shown = page(workspace, "publish", case.pk)
    assert "Nothing stands under these headings yet:" in shown
    assert "<li>Suggestions</li>" in shown


def test_reports_sealed_before_there_were_notes_still_open(case, order):
    report = Report(case=case, version=1)
    dek = scenes.dek_of(report)
    report.body = report_encryption._encrypt(
        dek, "# 標題\n\n內文".encode(), f"report-v1|{report_encryption._identity(report)}"
    )
    text = scenes.from_escrow(report)
    assert (text.title, text.text, text.lang, text.attachments) == ("標題", "內文", "zh-Hant", ())


# --- two clicks at once ---


def publish_twice() -> int:
    """How often it was written down that one draft was published."""
    case = Case.objects.of(scenes.paid_order()).first()
    author = scenes.writer(f"c{case.pk}")
    reports.assign(case, author)
    draft = reports.save_draft(case, author=author, title="A", body="one")
    at_once(*[lambda: reports.publish(Report.objects.get(pk=draft.pk), actor="lin")] * 2)
    assert OutboxMessage.objects.filter(topic="report.published", payload__report_id=draft.pk).count() == 1
    return case.order.events.filter(note__contains="published").count()


@pytest.mark.failure("F75")
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_clicks_publish_twice_and_with_it_once(monkeypatch):
    with nothing_is_locked(monkeypatch), meeting(monkeypatch, report_encryption, "admit_client"):
        assert publish_twice() == 2
    with meeting(monkeypatch, report_encryption, "admit_client"):
        assert publish_twice() == 1
