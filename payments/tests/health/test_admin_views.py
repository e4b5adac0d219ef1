"""The page of money health, the command and the hourly look: who may see, who may press, what it costs."""

import datetime as dt
import json
import re
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.gateways import override
from payments.gateways.base import Declined, GatewayError, InvalidNotification
from payments.health import alerts, report
from payments.models import LedgerEntry, Payment
from payments.sandbox.paypal import dashboard
from payments.tests.harness.health_scenes import URL, reds, sql, state
from payments.tests.harness.paypal_scenes import awaiting, deliver
from shop import clock
from shop.admin import staff_groups
from shop.models import OutboxMessage
from shop.monitoring.audit import MAX_FINDINGS, Finding, check

pytestmark = pytest.mark.django_db


def fail(*_arguments, **_options):
    raise GatewayError("timeout")


# --- who may ---


def member(name):
    staff_groups.make_groups()
    user = User.objects.create_user(name, is_staff=True)
    if group := Group.objects.filter(name=name).first():
        user.groups.add(group)
    return user


@pytest.mark.parametrize(
    ("who", "sees", "may"),
    [
        ("merchant", 200, True),
        ("fulfilment", 403, False),
        ("consultant", 403, False),
        ("newcomer", 403, False),
        (None, 302, False),
    ],
)
def test_who_may_see_and_repair(paid, client, who, sees, may):
    sql("UPDATE payments_payment SET pays_order = false")
    if who:
        client.force_login(member(who), "django.contrib.auth.backends.ModelBackend")
    assert client.get(URL).status_code == sees
    refused = 302 if who is None else 403
    posts = [(f"{URL}repair/", {"check": "orders", "finding": str(paid.order_id)}), (f"{URL}ask/", {})]
    for url, data in posts:
        answer = client.post(url, data)
        assert answer.status_code == (302 if may else refused)
        assert ("login" in answer.get("Location", "")) is (who is None)
    assert ("orders" in reds()) is not may
    assert client.get(f"{URL}repair/").status_code == (302 if who is None else 405)


def test_who_may_only_look_sees_no_button_and_may_press_none(paid, client):
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_payment"))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    sql("UPDATE payments_payment SET pays_order = false")
    page = client.get(URL).content.decode()
    assert "counts as paid, but no payment pays it" in page
    assert "health/repair/" not in page
    assert "health/ask/" not in page
    posted = {"check": "orders", "finding": str(paid.order_id)}
    assert client.post(f"{URL}repair/", posted).status_code == 403
    assert client.post(f"{URL}ask/").status_code == 403
    assert "orders" in reds()


def test_the_menu_leads_there_only_who_may_see_it(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    for name, is_led in (("merchant", True), ("fulfilment", False)):
        client.force_login(member(name), "django.contrib.auth.backends.ModelBackend")
        assert (f'href="{URL}"' in client.get("/en/admin/").content.decode()) is is_led


def test_a_button_pressed_without_the_pages_token_does_nothing(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    board.client.handler.enforce_csrf_checks = True
    answer = board.client.post(f"{URL}repair/", {"check": "orders", "finding": str(paid.order_id)})
    assert answer.status_code == 403
    assert "orders" in reds()


# --- the page ---


def test_a_second_click_finds_nothing_to_repair_and_who_repaired_is_logged(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    assert "It has been put right." in board.post("orders", str(paid.order_id))
    assert "There is nothing to repair there any more." in board.post("orders", str(paid.order_id))
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.change_message) == ("boss", "Ask the gateway")
    assert paid.order.number in entry.object_repr


@pytest.mark.parametrize(("name", "key"), [("", ""), ("nowhere", "1"), ("orders", "1"), ("<b>", "'\x00")])
def test_a_made_up_finding_does_nothing(paid, board, name, key):
    assert "There is nothing to repair there any more." in board.post(name, key)


@pytest.mark.parametrize("error", [IntegrityError, InvalidNotification])
def test_a_repair_that_fails_is_told(paid, board, monkeypatch, error):
    def refuse(*_arguments):
        raise error

    sql("UPDATE payments_payment SET pays_order = false")
    monkeypatch.setattr("payments.health.repairs.find_payer", refuse)
    assert "This cannot be put right by a button." in board.press("orders")


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_what_is_wrong_is_told_in_words_and_marks_not_by_colour_alone(paid, board, language):
    sql("UPDATE payments_payment SET pays_order = false")
    page = board.client.get(URL.replace("/en/", f"/{language}/")).content.decode()
    assert page.count("✕") == 2
    assert "✓" in page
    if language == "en":
        assert page.count("Not so") == 2
        assert "2 things need you" in page


def test_every_red_row_says_what_helps(paid, board):
    sql("UPDATE payments_payment SET pays_order = false, needs_attention = true")
    for found in report.checks():
        for finding in found.findings:
            assert finding.text
            assert finding.advice.endswith(".")
            assert finding.url
            assert board.client.get(finding.url).status_code == 200


def test_a_check_shows_so_many_rows_and_says_that_there_are_more(paid, board, monkeypatch):
    rows = [Finding(str(number), f"row {number}", "advice") for number in range(MAX_FINDINGS + 1)]
    many = check("many", "Many.", rows)
    assert (len(many.findings), many.is_cut) == (MAX_FINDINGS, True)
    monkeypatch.setattr(report, "checks", lambda *names: [many])
    assert "There are more of these" in board.text()
    assert not check("few", "Few.", rows[:MAX_FINDINGS]).is_cut


# --- what it costs ---


def test_the_checks_are_few_statements_however_many_orders_there_are(gateway, approve):
    def statements():
        with CaptureQueriesContext(connection) as seen:
            assert not report.is_red(report.checks())
        return len(seen)

    counts = []
    for number in (900, 901, 902):
        payment = awaiting(number)
        approve(payment.approve_url)
        settlement.settle(payment)
        counts.append(statements())
    assert counts[0] == counts[1] == counts[2] <= 29


def test_also_broken_rows_cost_no_statements_of_their_own(gateway, approve):
    counts = []
    for number in (900, 901, 902):
        payment = awaiting(number)
        approve(payment.approve_url)
        settlement.settle(payment)
        sql("UPDATE payments_payment SET pays_order = false")
        sql("UPDATE catalog_variant SET on_hand = on_hand + 1")
        sql("UPDATE checkout_order SET refunded_total = 1")
        with CaptureQueriesContext(connection) as seen:
            assert {"captures", "orders", "stock", "totals"} <= reds()
        counts.append(len(seen))
    assert counts[0] == counts[1] == counts[2] <= 29


# --- the command ---


def command(*arguments):
    out = StringIO()
    status = 0
    try:
        call_command("money_health", *arguments, stdout=out)
    except SystemExit as end:
        status = end.code
    return status, out.getvalue()


def test_the_command_ends_with_0_where_all_is_in_order(paid):
    status, lines = command()
    assert status == 0
    assert re.findall(r"^(RED|note)", lines, re.MULTILINE) == []
    assert "ok    captures: Each payment taken pays one order" in lines
    assert "PayPal | HKD | HK$" in lines


def test_the_command_ends_with_1_and_names_the_row_where_something_is_wrong(paid):
    sql("UPDATE payments_payment SET pays_order = false")
    status, lines = command()
    assert status == 1
    assert lines.startswith("RED ")
    assert f"! Order {paid.order.number} counts as paid, but no payment pays it. Ask the gateways" in lines


def test_notes_alone_are_no_failure(paid):
    for number in range(21):
        paid.events.create(
            gateway="paypal", event_id=f"F{number}", body=b"", received_at=clock.now(), is_verified=False
        )
    status, lines = command()
    assert status == 0
    assert "note  forgeries" in lines


def test_the_command_speaks_json(paid):
    sql("UPDATE payments_payment SET pays_order = false")
    status, document = command("--json")
    told = {each["name"]: each for each in json.loads(document)}
    assert status == 1
    assert told["orders"]["state"] == "red"
    assert told["orders"]["findings"][0]["red"] is True
    assert told["sums"]["figures"][0]["Gateway"] == "PayPal"


# --- asking the gateways ---


@pytest.mark.failure("F43")
def test_asking_finds_and_books_what_was_done_in_the_dashboard(paid, board):
    dashboard.dashboard_refund(paid.reference)
    assert reds() == set()  # nobody has told the shop yet
    status, lines = command("--ask")
    assert status == 0
    assert "note  gateways" in lines
    assert "our books do not It has been settled now" in lines
    assert LedgerEntry.objects.filter(kind="refund").count() == 1
    status, lines = command("--ask")
    assert (status, "ok    gateways" in lines) == (0, True)


def test_asking_from_the_page_says_that_both_tell_the_same_or_what_they_do_not(paid, board):
    def asked():
        answer = board.client.post(f"{URL}ask/", follow=True)
        return " ".join(str(message) for message in answer.context["messages"])

    assert asked() == "The gateways tell the same as our books."
    sql("UPDATE payments_ledgerentry SET reference = 'ELSEWHERE'")
    told = asked()
    assert "our books tell of" in told
    assert "ELSEWHERE" in told


def test_money_that_only_one_side_knows_is_red(paid):
    sql(
        "INSERT INTO payments_ledgerentry (payment_id, kind, gateway, reference, amount, currency, at)"
        " SELECT payment_id, 'refund', gateway, 'OURS', -10, currency, at FROM payments_ledgerentry"
    )
    asked = report.ask_gateways()
    assert asked.state == "red"
    assert "our books tell of -HK$10.00 (OURS), the gateway does not" in asked.findings[0].text


@pytest.mark.failure("F09")
def test_asking_takes_up_money_whose_answer_was_lost(waiting, approve, gateway):
    approve(waiting.approve_url)
    gateway.capture(attempts.purchase_of(waiting))  # taken, and we never heard of it
    asked = report.ask_gateways()
    assert asked.state == "note"
    waiting.refresh_from_db()
    assert waiting.pays_order


def test_a_gateway_that_cannot_be_asked_is_noted(paid, gateway, monkeypatch):
    monkeypatch.setattr(gateway, "fetch", fail, raising=False)
    asked = report.ask_gateways()
    assert asked.state == "note"
    assert "could not be asked" in asked.findings[0].text


def test_asking_is_bounded_in_number_in_time_and_in_days(paid, gateway, monkeypatch):
    for limits in ({"most": 0}, {"seconds": -1.0}):
        asked = report.ask_gateways(**limits)
        assert "1 older payments were not asked about." in asked.findings[0].text
    sql("UPDATE payments_payment SET started_at = started_at - interval '3 days', captured_at = NULL")
    monkeypatch.setattr(gateway, "fetch", fail, raising=False)
    assert report.ask_gateways().state == "ok"
    assert report.ask_gateways(days=4).state == "note"


def test_what_somebody_is_asking_about_just_now_is_left_alone(waiting, approve, gateway):
    approve(waiting.approve_url)
    gateway.capture(attempts.purchase_of(waiting))
    Payment.objects.update(claimed_until=clock.now() + dt.timedelta(seconds=60))
    assert report.ask_gateways().state == "ok"


def test_unionpay_is_asked_for_the_payment_alone_because_it_tells_no_refunds(paid, gateway, monkeypatch):
    paid.ledger.create(
        gateway="unionpay", kind="refund", reference="Q2", amount=-10, currency="HKD", at=clock.now()
    )
    sql("UPDATE payments_payment SET method = 'unionpay-card'")
    fact = gateway.fetch(attempts.purchase_of(paid))

    class Bank:
        fetch = staticmethod(lambda purchase: fact)
        movements = staticmethod(lambda purchase, reference: ())

    with override("unionpay", Bank()):
        assert report.ask_gateways().state == "ok"
        Bank.fetch = staticmethod(lambda purchase: Declined("34"))
        monkeypatch.setattr(settlement, "ask", lambda payment: True)
        assert report.ask_gateways().state == "red"


# --- the hourly look ---


def test_staff_hear_once_a_day_of_what_is_red(paid, board, settings):
    deliver()
    sql("UPDATE payments_payment SET pays_order = false")
    for _ in range(3):
        alerts.watch_money()
    written = OutboxMessage.objects.filter(topic="mail.money_health")
    assert set(written.values_list("key", flat=True)) == {
        f"mail.money_health:{name}:{clock.today()}" for name in ("captures", "orders")
    }
    deliver("mail.money_health")
    assert len(mail.outbox) == 2
    for told in mail.outbox:
        assert told.to == settings.MERCHANT_EMAILS
        assert paid.order.number in told.body
        assert "/zh-hant/admin/payments/payment/health/" in told.body


def test_nothing_is_sent_of_what_has_been_put_right_meanwhile(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    alerts.watch_money()
    board.press("orders")
    deliver("mail.money_health")
    assert mail.outbox == []


def test_what_is_only_noted_is_not_mailed(paid):
    paid.disputes.create(reference="D1", reason="x", status="OPEN", opened_at=clock.now())
    sql("UPDATE checkout_order SET is_disputed = true")
    assert state("disputes") == "note"
    alerts.watch_money()
    assert not OutboxMessage.objects.filter(topic="mail.money_health").exists()
