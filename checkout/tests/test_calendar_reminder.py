"""Each December the merchant gets one mail with the days off that the shop counts in the coming year."""

import pytest
from django.core import mail

from checkout.tasks import remind_of_gazettes
from shop.models import OutboxMessage
from shop.tests.harness.moments import stop_clock

pytestmark = pytest.mark.django_db


def test_the_merchant_compares_the_coming_year_once(monkeypatch, settings, deliver_outbox):
    settings.MERCHANT_EMAILS = ["owner@example.com"]
    for language in ("en", "zh-hant"):
        settings.LANGUAGE_CODE = language
        for moment in ("2026-12-01 10:00", "2026-12-02 10:00", "2026-12-31 10:00"):
            stop_clock(monkeypatch, moment)
            remind_of_gazettes()
            deliver_outbox()
        OutboxMessage.objects.all().delete()
    english, chinese = mail.outbox
    assert english.to == ["owner@example.com"]
    assert "Public holidays of 2027: please compare" in english.subject
    for part in (english.body, english.alternatives[0].content):
        assert "1 January, 8 February, 9 February, 26 March" in part  # Hong Kong
        assert "8 December, 20 December, 22 December, 24 December" in part  # Macau
        assert "https://www.gov.hk/en/about/abouthk/holiday/2027.htm" in part
        assert "Weekends may be worked there instead of other days" in part  # mainland China
    assert "2027年公眾假期" in chinese.subject
    for part in (chinese.body, chinese.alternatives[0].content):
        assert "1月1日、2月8日、2月9日、3月26日" in part


def test_worked_weekends_that_are_known_are_named(monkeypatch, settings, deliver_outbox):
    settings.LANGUAGE_CODE = "en"
    stop_clock(monkeypatch, "2025-12-01 10:00")
    remind_of_gazettes()
    stop_clock(monkeypatch, "2026-12-01 10:00")
    remind_of_gazettes()  # another year, another mail
    deliver_outbox()
    first, second = (message.body for message in mail.outbox)
    assert "Weekend days that are worked: 4 January, 14 February, 28 February" in first
    assert "Weekends may be worked" not in first
    assert "Weekend days that are worked" not in second
