"""What an order promises: frozen when it is placed, counted anew when details come late, told everywhere."""

import re
from collections import Counter

import pytest
from django.core import mail
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from catalog import lead_times
from catalog.models import Absence, IntakeQuestion
from checkout import services
from checkout.models import Order
from checkout.models.order import Delivery
from checkout.quote import differences, make_quote
from checkout.shipping import delivery_dates, fulfilment, rates
from checkout.tests.scenes import (
    URL,
    add,
    for_later,
    make_cart,
    make_goods,
    make_service,
    pay,
    place,
    place_waiting,
    post,
    quote_of,
)
from shop.background import outbox
from shop.models import OutboxMessage
from shop.tests.harness.moments import day, stop_clock
from shop.tests.harness.races import at_once, meeting, nothing_is_locked

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("region", "first", "last"),
    [
        ("HK", "2027-02-05", "2027-02-10"),  # one and two working days over Lunar New Year
        ("MO", "2027-02-09", "2027-02-10"),
        ("TW", "2027-02-15", "2027-02-17"),
        ("CN", "2027-02-15", "2027-02-18"),
        ("GB", "2027-02-11", "2027-02-18"),  # nothing is closed there
    ],
)
def test_days_on_the_way_are_counted_where_the_parcel_goes(region, first, last):
    parcel = delivery_dates.delivery(day("2027-02-04"), region, rates.tariffs_to(region)[0])
    assert (parcel.ships_by, parcel.arrives_from, parcel.arrives_until) == (
        day("2027-02-04"),
        day(first),
        day(last),
    )


def test_the_order_keeps_the_days_that_were_shown(monkeypatch):
    stop_clock(monkeypatch, "2026-11-30 10:00")
    order = place(make_cart((make_goods(), 1), (make_goods("BOO-900", available_from=day("2026-12-10")), 1)))
    assert order.delivery == Delivery(day("2026-12-10"), day("2026-12-11"), day("2026-12-14"))
    stop_clock(monkeypatch, "2026-12-09 10:00")
    again = Order.objects.get()
    assert again.delivery == order.delivery


def test_an_order_without_goods_has_no_delivery():
    assert place(make_cart((make_service(), 1))).delivery is None


def test_a_new_absence_moves_no_promise_that_was_made(monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    order = place(make_cart((make_service(), 1)))
    Absence.objects.create(starts_on=day("2026-12-02"), ends_on=day("2026-12-31"))
    pay(order)
    assert order.lines.get().report_due_on == day("2026-12-10")


def test_days_that_changed_since_the_page_was_shown_are_told(monkeypatch):
    cart = make_cart((make_goods(), 1), (make_service(), 1))
    stop_clock(monkeypatch, "2026-12-01 14:59")
    seen = make_quote(cart, "HK")
    stop_clock(monkeypatch, "2026-12-01 15:00")
    now = make_quote(cart, "HK")
    assert seen.digest != now.digest
    assert differences(seen, now) == [
        "The report date of Test consultation has changed from 10 December 2026 to 11 December 2026.",
        "Delivery is expected 4 December 2026 – 7 December 2026 now, not 3 December 2026 – 4 December 2026.",
    ]


def test_an_absence_entered_while_the_page_is_open_brings_the_page_back(client, monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    service = make_service()
    add(client, service)
    quote = quote_of(client.get(URL))
    Absence.objects.create(starts_on=day("2026-12-02"), ends_on=day("2026-12-02"))
    contact = {"contact_name": "Mei", "phone": "9123 4567", "channel": "phone", "best_time": "any"}
    contact |= {"time_zone": "Asia/Hong_Kong", "report_language": "en"}
    typed = {f"v{service.pk}-{name}": value for name, value in contact.items()}
    typed |= {f"v{service.pk}-1-name": "Mei", "email": "mei@example.com", "quote": quote}
    page = client.post(URL, typed).content.decode()
    assert "has changed from 10 December 2026 to 11 December 2026" in page
    assert not Order.objects.exists()


WINDOW = "Shipped by 2 December 2026, arrives about 3 December 2026 – 4 December 2026"


def test_checkout_payment_order_page_and_mail_name_the_same_days(client, deliver_outbox, monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    add(client, make_goods())
    assert WINDOW in client.get(URL).content.decode()
    paying = post(client)
    assert WINDOW in client.get(paying.url).content.decode()
    order = pay(Order.objects.get())
    assert WINDOW in client.get(order.get_absolute_url()).content.decode()
    deliver_outbox()
    (confirmation,) = [message for message in mail.outbox if message.to == [order.email]]
    assert WINDOW in confirmation.body
    assert WINDOW in confirmation.alternatives[0][0]


# --- details that come later ---

WAITING = "Report 7 working days after we have your details"


@pytest.fixture
def waiting(monkeypatch):
    """Paid for on 1 December with a required answer missing."""
    stop_clock(monkeypatch, "2026-12-01 10:00")
    return pay(place_waiting())


def complete(line):
    """What the page with the questions says when the last required answer has come."""
    with transaction.atomic():
        outbox.publish("intake.completed", key=str(line.pk), line_id=line.pk)


def test_a_line_waits_only_for_required_answers(monkeypatch):
    service = make_service()
    IntakeQuestion.objects.create(product=service.product, key="more", label_zh_hant="補充", label_en="More")
    complete_order = place(make_cart((service, 2)))
    assert not complete_order.lines.get().waits_for_details
    half = make_cart((service, 2))
    assert place(half, intakes=for_later(service)).lines.get().waits_for_details
    assert not place(make_cart((make_goods(), 1))).lines.get().waits_for_details


def test_pages_and_mails_name_no_day_while_details_are_missing(client, waiting, deliver_outbox):
    deliver_outbox()
    session_page = client.post(waiting.get_absolute_url(), {"email": waiting.email}, follow=True)
    mails = [message for message in mail.outbox if "details" not in message.subject]
    texts = [session_page.content.decode(), *(message.body for message in mails)]
    texts += [message.alternatives[0][0] for message in mails]
    assert len(texts) == 5  # the page; to the customer and to the merchant, each in two forms
    for text in texts:
        assert WAITING in text or "收齊您的資料後7個工作天內交付報告" in text
        assert not re.search("10 December 2026|2026年12月10日", text)


def test_the_clock_starts_on_the_day_the_details_are_complete(waiting, deliver_outbox, monkeypatch):
    deliver_outbox()
    mail.outbox.clear()
    stop_clock(monkeypatch, "2026-12-04 16:00")  # a Friday, after the cut-off
    line = waiting.lines.get()
    complete(line)
    deliver_outbox()
    line.refresh_from_db()
    assert (line.waits_for_details, line.report_due_on) == (False, day("2026-12-16"))
    assert {case.due_on for case in line.cases.all()} == {day("2026-12-16")}
    (message,) = [one for one in mail.outbox if "New delivery date" in one.subject]
    assert message.to == [waiting.email]
    assert "Report by 16 December 2026" in message.body
    assert "Report by 16 December 2026" in message.alternatives[0][0]
    note = waiting.events.last().note
    assert note == "SV-900: details complete, report due 2026-12-16 (was 2026-12-10)"


def test_the_mail_is_in_the_language_of_the_order(deliver_outbox, monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    order = pay(place_waiting(language="zh-hant"))
    stop_clock(monkeypatch, "2026-12-04 10:00")
    complete(order.lines.get())
    deliver_outbox()
    (message,) = [message for message in mail.outbox if "交付日期更新" in message.subject]
    assert "2026年12月15日(二)" in message.body


def test_starting_the_clock_again_changes_nothing(waiting, deliver_outbox, monkeypatch):
    line = waiting.lines.get()
    stop_clock(monkeypatch, "2026-12-04 10:00")
    services.restart_turnaround(line.pk)
    deliver_outbox()
    mail.outbox.clear()
    events = waiting.events.count()
    stop_clock(monkeypatch, "2026-12-08 10:00")
    services.restart_turnaround(line.pk)
    complete(line)
    deliver_outbox()
    line.refresh_from_db()
    assert line.report_due_on == day("2026-12-15")
    assert (waiting.events.count(), len(mail.outbox)) == (events, 0)


def test_absences_known_by_then_do_not_count(waiting, monkeypatch):
    line = waiting.lines.get()
    Absence.objects.create(starts_on=day("2026-12-07"), ends_on=day("2026-12-11"))
    stop_clock(monkeypatch, "2026-12-04 10:00")
    services.restart_turnaround(line.pk)
    line.refresh_from_db()
    assert line.report_due_on == day("2026-12-22")


def test_the_days_are_those_that_were_ordered(waiting, monkeypatch):
    line = waiting.lines.get()
    terms = line.variant.product.service_terms
    terms.working_days = 20
    terms.save()
    stop_clock(monkeypatch, "2026-12-04 10:00")
    services.restart_turnaround(line.pk)
    line.refresh_from_db()
    assert line.report_due_on == day("2026-12-15")


def test_details_that_come_on_the_same_day_send_no_mail(waiting, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    complete(waiting.lines.get())
    deliver_outbox()
    assert waiting.lines.get().report_due_on == day("2026-12-10")
    assert not mail.outbox


def test_details_that_come_before_the_money_leave_the_promise_alone(monkeypatch, deliver_outbox):
    stop_clock(monkeypatch, "2026-12-01 14:50")
    order = place_waiting()
    stop_clock(monkeypatch, "2026-12-01 15:10")
    complete(order.lines.get())
    deliver_outbox()
    line = pay(order).lines.get()
    assert (line.waits_for_details, line.report_due_on) == (False, day("2026-12-10"))


def test_news_of_a_line_that_a_newer_revision_replaced_does_no_harm(deliver_outbox):
    service = make_service()
    cart = make_cart((service, 1))
    line = place(cart, intakes=for_later(service)).lines.get()
    place(cart, intakes=for_later(service), email="other@example.com")
    complete(line)
    deliver_outbox()
    assert Counter(OutboxMessage.objects.values_list("topic", flat=True)) == {"intake.completed": 1}
    assert Order.objects.get().lines.get().waits_for_details


def test_nobody_is_told_of_a_report_that_was_paid_back(waiting, deliver_outbox, monkeypatch):
    deliver_outbox()
    mail.outbox.clear()
    line = waiting.lines.get()
    with transaction.atomic():
        fulfilment.note_refund(Order.objects.lock(waiting.pk), line.total, {line.pk: line.total})
    stop_clock(monkeypatch, "2026-12-04 10:00")
    complete(line)
    deliver_outbox()
    assert not [message for message in mail.outbox if message.to == [waiting.email]]


def test_the_dates_read_well_in_chinese(client, monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    with override("zh-hant"):
        client.post(reverse("cart:add"), {"variant": make_goods().pk, "quantity": 1})
        page = re.sub(r"\s+", " ", client.get(reverse("checkout:begin")).content.decode())
    assert "最遲2026年12月2日(三)發貨，約2026年12月3日(四)至2026年12月4日(五)送達" in page


def both_start_the_clock(monkeypatch, line):
    """Two workers have been told of the same details. How many entries the history has for it."""
    with meeting(monkeypatch, lead_times, "report_day"):
        at_once(*[lambda: services.restart_turnaround(line.pk)] * 2)
    return line.order.events.filter(note__contains="details complete").count()


@pytest.mark.django_db(transaction=True)
def test_two_workers_start_the_clock_once(monkeypatch):
    def waiting_line():
        order = pay(place_waiting(make_service(f"SV-{Order.objects.count()}")))
        return order.lines.get()

    with nothing_is_locked(monkeypatch):
        assert both_start_the_clock(monkeypatch, waiting_line()) == 2  # without the lock
    assert both_start_the_clock(monkeypatch, waiting_line()) == 1
    assert OutboxMessage.objects.filter(topic="report.scheduled").count() == 2
