import datetime as dt
import logging
import sys

import pytest
from django.core.signals import got_request_exception
from django.urls import reverse
from django.utils.formats import date_format
from django.views.debug import ExceptionReporter

from checkout.models import Order
from consulting.models import AccessLog, Case
from consulting.reports import services
from consulting.tests import scenes
from consulting.tests.scenes import stripped, unlock, wrong_key
from shop import clock
from shop.models import Try

pytestmark = pytest.mark.django_db


def test_the_form_opens_the_index_of_the_order(client, order, key):
    response = unlock(client, key.lower().replace("-", " "))
    assert response.status_code == 302
    assert response.url == reverse("consulting:index")
    page = client.get(response.url).content.decode()
    assert order.number in page
    assert f"In preparation, promised for {date_format(order.lines.get().report_due_on)}" in page


def test_looking_at_the_form_changes_nothing(client, order):
    for _ in range(30):
        assert client.get(reverse("consulting:unlock")).status_code == 200
    assert not Try.objects.exists()
    assert not AccessLog.objects.exists()


def test_the_address_never_takes_a_key(client, order, key):
    client.get(reverse("consulting:unlock"), {"order_key": key, "email": scenes.EMAIL})
    assert client.get(reverse("consulting:index")).status_code == 302


def test_every_refusal_is_the_same_page(client, order):
    refused = {}
    unknown = wrong_key()
    refused["unknown"] = stripped(unlock(client, unknown), unknown)
    for number, change in {
        "A1": lambda o: o.keys.update(state="revoked"),
        "A2": lambda o: o.keys.update(state="superseded"),
        "A3": lambda o: Order.objects.filter(pk=o.pk).update(status="cancelled"),
        "A4": lambda o: Order.objects.filter(pk=o.pk).update(email="somebody@else.example"),
    }.items():
        other = scenes.paid_order()
        typed = scenes.key_of(other)
        change(other)
        response = unlock(client, typed)
        assert response.status_code == 200
        refused[number] = stripped(response, typed)
    assert len(set(refused.values())) == 1


def test_refusals_send_the_same_headers(client, order, key):
    responses = [unlock(client, wrong_key()), unlock(client, key, "x@y.example")]
    seen = [
        {
            name: value
            for name, value in response.items()
            if name not in {"X-Request-ID", "Expires", "Content-Length"}
        }
        for response in responses
    ]
    assert seen[0] == seen[1]
    assert set(responses[0].cookies) == set(responses[1].cookies)


def test_a_typing_error_is_told_and_not_counted(client, order, key):
    swapped = key[1] + key[0] + key[2:] if key[0] != key[1] else ("0" if key[0] != "0" else "2") + key[1:]
    for _ in range(12):
        response = unlock(client, swapped)
        assert response.status_code == 200
        assert "There is a typing error in the order key, please check it again" in response.content.decode()
    empty = client.post("/en/report/", {}).content.decode()
    assert "Please enter the order key." in empty
    assert "Please enter your e-mail address." in empty
    assert "here there are 19" in unlock(client, key[:-1]).content.decode()
    assert "This is an order number." in unlock(client, f"Order {order.number}").content.decode()
    assert not Try.objects.exists()
    assert unlock(client, key).status_code == 302


def test_ten_wrong_tries_shut_the_network_out_for_a_quarter_of_an_hour(client, order, key, monkeypatch):
    for _ in range(10):
        assert unlock(client, wrong_key()).status_code == 200
    response = unlock(client, key)
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert key not in response.content.decode()
    assert unlock(client, key, REMOTE_ADDR="10.9.8.7").status_code == 302
    later = clock.now() + dt.timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert unlock(client, key).status_code == 302


def test_right_tries_are_not_counted(client, order, key):
    for _ in range(11):
        assert unlock(client, key).status_code == 302
    assert not Try.objects.exists()


def test_an_ipv6_client_is_its_whole_64(client, order, key):
    for last in range(10):
        unlock(client, wrong_key(), REMOTE_ADDR=f"2001:db8:1:2::{last}")
    assert unlock(client, key, REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    assert unlock(client, key, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_unlocking_renews_the_session_and_keeps_the_key_out_of_it(client, order, key):
    session = client.session
    session["cart"] = "kept"
    session.save()
    before = client.session.session_key
    unlock(client, key)
    assert client.session.session_key != before
    assert client.session["cart"] == "kept"
    session_text = repr(dict(client.session))
    assert key not in session_text
    assert key.replace("-", "") not in session_text


def test_no_cookie_and_no_log_line_holds_the_key(client, order, key, caplog):
    caplog.set_level(logging.DEBUG)
    unlock(client, key, "wrong@shop.example")
    response = unlock(client, key)
    client.get(response.url)
    for secret in (key, key.replace("-", ""), scenes.EMAIL):
        assert secret not in caplog.text
        assert secret not in str(client.cookies)


def test_a_browser_that_has_named_the_e_mail_is_not_asked_again(client, order, key):
    unlock(client, key)
    client.post(reverse("consulting:lock"))
    page = client.get(reverse("consulting:unlock")).content.decode()
    assert "The key belongs to another order" in page
    assert unlock(client, key, "").status_code == 302


def test_another_orders_key_needs_its_own_e_mail(client, order, key):
    unlock(client, key)
    other = scenes.paid_order()
    Order.objects.filter(pk=other.pk).update(email="other@shop.example")
    assert unlock(client, scenes.key_of(other), "").status_code == 200
    assert unlock(client, scenes.key_of(other), scenes.EMAIL).status_code == 200
    assert unlock(client, scenes.key_of(other), "other@shop.example").status_code == 302


def test_a_stranger_must_name_the_e_mail(client, order, key):
    assert unlock(client, key, "").status_code == 200
    assert not AccessLog.objects.exists()


def test_a_forged_cookie_does_not_count(client, order, key):
    client.cookies["orders"] = f"{order.pk}:forged:signature"
    assert unlock(client, key, "").status_code == 200


# --- once it is open ---


@pytest.fixture
def opened(client, order, key, case, consultant):
    scenes.published(case, consultant)
    unlock(client, key)
    return client


def pages(case):
    return [reverse("consulting:index"), reverse("consulting:report", args=[case.pk])]


def test_the_report_is_read_with_all_that_identifies_it(opened, case, order):
    page = opened.get(reverse("consulting:report", args=[case.pk])).content.decode()
    text = scenes.from_escrow(services.latest(case))
    for expected in [
        scenes.TITLE,
        scenes.TEXT,
        order.number,
        text.sha256,
        "lin",
        "medical, legal or investment",
    ]:
        assert expected in page
    assert AccessLog.objects.filter(what="report", case=case, who="").count() == 1


def test_strangers_are_shown_the_form(client, case, consultant):
    scenes.published(case, consultant)
    for address in pages(case):
        response = client.get(address)
        assert (response.status_code, response.url) == (302, reverse("consulting:unlock"))


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o.keys.update(state="revoked"),
        lambda o: o.keys.update(state="superseded"),
        lambda o: Order.objects.update(status="cancelled"),
    ],
)
def test_revoking_shuts_the_next_request_out(opened, case, order, change):
    assert opened.get(pages(case)[1]).status_code == 200
    change(order)
    for address in pages(case):
        assert opened.get(address).status_code == 302


def test_the_reports_lock_after_half_an_hour_without_use(opened, case, monkeypatch):
    start = clock.now()
    for minutes in (29, 58, 87):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: start + dt.timedelta(minutes=minutes))
        assert opened.get(pages(case)[0]).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(minutes=87 + 31))
    assert opened.get(pages(case)[0]).status_code == 302


def test_the_reports_lock_after_twelve_hours_however_busy(opened, case, monkeypatch):
    start = clock.now()
    for minutes in range(20, 12 * 60, 20):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: start + dt.timedelta(minutes=minutes))
        assert opened.get(reverse("consulting:index")).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(hours=12, minutes=1))
    assert opened.get(pages(case)[0]).status_code == 302


def test_lock_again_locks(opened, case):
    assert opened.get(reverse("consulting:lock")).status_code == 405
    opened.post(reverse("consulting:lock"))
    for address in pages(case):
        assert opened.get(address).status_code == 302


def test_a_key_opens_no_other_orders_report(opened, consultant):
    foreign = Case.objects.of(scenes.paid_order()).first()
    scenes.published(foreign, consultant)
    assert opened.get(reverse("consulting:report", args=[foreign.pk])).status_code == 404


def test_signing_in_as_staff_opens_no_report(client, case, merchant, consultant):
    scenes.published(case, consultant)
    client.force_login(merchant, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("consulting:report", args=[case.pk])).status_code == 302


def test_a_report_in_preparation_says_when(opened, order):
    waiting = Case.objects.of(order).last()
    page = opened.get(reverse("consulting:report", args=[waiting.pk])).content.decode()
    assert date_format(waiting.due_on) in page


def test_a_withdrawn_report_is_not_shown(opened, case):
    Case.objects.filter(pk=case.pk).update(state="withdrawn")
    page = opened.get(reverse("consulting:report", args=[case.pk])).content.decode()
    assert "withdrawn" in page
    assert scenes.TEXT not in page


def test_a_damaged_report_says_so(opened, case):
    report = case.reports.get()
    body = bytes(report.body)
    report.body = body[:-1] + bytes([body[-1] ^ 1])
    report.save()
    response = opened.get(reverse("consulting:report", args=[case.pk]))
    assert response.status_code == 503
    assert "cannot be opened at the moment" in response.content.decode()


def test_what_is_opened_is_stored_nowhere_and_told_to_nobody(opened, case):
    for address in [*pages(case), reverse("consulting:unlock")]:
        response = opened.get(address)
        assert "no-store" in response["Cache-Control"]
        assert response["Referrer-Policy"] == "same-origin"


def test_markdown_cannot_inject_anything(client, order, key, case, consultant):
    scenes.published(case, consultant, '<script>alert(1)</script> [x](javascript:alert(1)) "><img src=x>')
    unlock(client, key)
    page = client.get(reverse("consulting:report", args=[case.pk])).content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<img src=x" not in page


def test_the_client_sees_who_opened_what(opened, case, consultant):
    services.open_answers(case, consultant)
    page = opened.get(reverse("consulting:index")).content.decode()
    assert "Unlocked with the order key" in page
    assert "Consultation details opened by a consultant" in page
    assert consultant.username not in page


def test_an_error_report_holds_neither_key_nor_e_mail(client, order, key, monkeypatch):
    reports = []

    def keep(request, **_):
        reporter = ExceptionReporter(request, *sys.exc_info())
        reports.append(reporter.get_traceback_text() + reporter.get_traceback_html())

    def fail(*_):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("consulting.keys.services._find_key", fail)
    client.raise_request_exception = False
    got_request_exception.connect(keep)
    try:
        assert unlock(client, key).status_code == 500
    finally:
        got_request_exception.disconnect(keep)
    assert "the database is gone" in reports[0]
    for secret in (key, key.replace("-", ""), scenes.EMAIL):
        assert secret not in reports[0]


@pytest.mark.parametrize("typed", ["\0", "a\0b", "﷽" * 99, "9" * 5000, "\ud7ff\ufeff\u202e", "' OR 1=1 --"])
def test_odd_input_is_refused_like_any_other(client, order, typed):
    assert unlock(client, typed, typed).status_code == 200
    assert client.post(reverse("consulting:unlock")).status_code == 200


@pytest.mark.parametrize("pk", [0, 2**31, 2**63, 10**30])
def test_numbers_of_no_case_are_not_found(opened, pk):
    assert opened.get(f"/en/report/case/{pk}/").status_code == 404
