import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format

from checkout.models import Order
from checkout.signals import confirmation_sections
from consulting import mails
from consulting.models import Case
from consulting.reports import services as reports
from consulting.tests import scenes

pytestmark = pytest.mark.django_db


def ready_mail(language: str, deliver):
    """The mail about the published report, as the outbox delivers it."""
    order = scenes.paid_order(language=language)
    author = scenes.staff("consultant-lin", "change_case", "change_report")
    scenes.published(Case.objects.of(order).first(), author)
    deliver()
    return order, mail.outbox[-1]


@pytest.mark.parametrize(("language", "service"), [("en", "Test consultation"), ("zh-hant", "測試諮詢")])
def test_the_ready_mail_brings_the_key_and_no_link_with_it(language, service, deliver_outbox):
    order, message = ready_mail(language, deliver_outbox)
    key = scenes.key_of(order)
    html = message.alternatives[0][0]
    assert message.to == [order.email]
    assert order.number in message.subject
    assert key not in message.subject
    with translation.override(language):
        form = reverse("consulting:unlock")
    for body in (message.body, html):
        assert form in body
        assert service in body
        assert scenes.TEXT not in body
        assert scenes.TITLE not in body
    assert key in message.body
    for group in key.split("-"):
        assert group in html
        assert group not in html.partition('href="')[2].partition('"')[0]


def test_the_ready_mail_is_sent_once_per_version(deliver_outbox):
    order, message = ready_mail("en", deliver_outbox)
    case = Case.objects.of(order).first()
    reports.publish(reports.latest(case), actor="lin")
    deliver_outbox()
    assert [sent.subject for sent in mail.outbox].count(message.subject) == 1


def test_the_confirmation_mail_brings_the_key_too(deliver_outbox):
    order = scenes.paid_order()
    deliver_outbox()
    message = next(sent for sent in mail.outbox if sent.to == [order.email])
    assert scenes.key_of(order) in message.body
    others = [sent for sent in mail.outbox if sent is not message]
    assert not any(scenes.key_of(order) in sent.body for sent in others)


@pytest.mark.parametrize(
    "change",
    [
        lambda order: order.keys.update(state="revoked"),
        lambda order: Order.objects.update(status="cancelled"),
        lambda order: Case.objects.update(state="withdrawn"),
    ],
)
def test_no_mail_goes_out_about_what_cannot_be_opened(order, case, consultant, change):
    report = scenes.published(case, consultant)
    change(order)
    mails.mail_report_ready(report_id=report.pk)
    assert mail.outbox == []


def test_a_corrected_version_is_announced_as_such(order, case, consultant):
    scenes.published(case, consultant)
    report = reports.save_draft(case, author=consultant, title="A", body="corrected", note="A wrong day.")
    reports.publish(report, actor="lin")
    mail.outbox.clear()
    mails.mail_report_ready(report_id=report.pk)
    assert "Report updated" in mail.outbox[0].subject
    assert "note on what changed" in mail.outbox[0].body
    assert "A wrong day." not in mail.outbox[0].body


# --- the section of the confirmation ---


def section(order, *, reveal: bool):
    answers = confirmation_sections.send(sender=Order, order=order, reveal=reveal)
    return next(part for _, part in answers if part)


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_confirmation_mail_has_key_form_use_and_dates(order, key, language):
    with translation.override(language):
        part = section(order, reveal=True)
        html = render_to_string(part.html_template, {"section": part})
        text = render_to_string(part.text_template, {"section": part})
        form = reverse("consulting:unlock")
        promised = date_format(order.lines.get().report_due_on)
    assert key in text
    for body in (html, text):
        assert f"127.0.0.1:8000{form}" in body
        assert promised in body
    for group in key.split("-"):
        assert f"<span>{group}</span>" in html


def test_the_confirmation_page_shows_the_key_only_where_it_may(order, key):
    with translation.override("en"):
        shown, hidden = (section(order, reveal=reveal) for reveal in (True, False))
        page = render_to_string(shown.page_template, {"section": shown})
        redacted = render_to_string(hidden.page_template, {"section": hidden})
    assert all(f"<span>{group}</span>" in page for group in key.split("-"))
    assert not any(group in redacted for group in key.split("-"))
    assert "is in the e-mail that we sent" in redacted
