# ruff: noqa: F811  fixtures are imported by name
"""Money health: every fact is really broken, is found, and is right again after its repair on the page."""

import datetime as dt
from decimal import Decimal

import pytest

from payments.attempts import decisions
from payments.gateways.base import GatewayError
from payments.health import report
from payments.models import Dispute, GatewayEvent, LedgerEntry, Payment, Refund
from payments.refunds import services as refunds
from payments.refunds.plan import RefundRequest
from payments.tests.harness.health_fixtures import (
    board,  # noqa: F401  fixtures
    gateway,  # noqa: F401  fixtures
    paid,  # noqa: F401  fixtures
    waiting,  # noqa: F401  fixtures
)
from payments.tests.harness.health_scenes import findings, reds, sql, state
from payments.tests.harness.paypal_shop import shop  # noqa: F401  fixture
from shop import clock
from shop.models import OutboxMessage

pytest_plugins = ["payments.tests.harness.paypal_fixtures"]
pytestmark = pytest.mark.django_db

KEY = "0" * 32


def ago(**time):
    return clock.now() - dt.timedelta(**time)


@pytest.fixture
def refund(paid):
    """A refund of ten dollars, asked for and not yet done."""
    return refunds.request_refund(paid.order_id, RefundRequest(amount=Decimal(10)), key=KEY, actor="boss")


@pytest.fixture
def done(refund):
    refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.DONE
    return refund


def fail(*_arguments, **_options):
    raise GatewayError("timeout")


# --- in order ---


def test_a_shop_that_was_really_paid_and_really_gave_back_is_in_order(done, board):
    assert {check.name: check.state for check in report.checks() if check.state != "ok"} == {}
    assert "Everything is in order" in board.text()


def test_every_check_has_a_title_in_plain_words_and_a_name_of_its_own(paid):
    checks = report.checks()
    assert len({check.name for check in checks}) == len(checks) >= 18
    assert all(check.title.endswith(".") for check in checks)


# --- each payment taken is one paid order ---


def test_a_capture_that_is_not_booked_is_asked_for_and_booked(paid, board):
    sql("DELETE FROM payments_ledgerentry")
    assert reds() == {"captures"}
    assert "It has been put right." in board.press("captures")
    assert reds() == set()
    assert LedgerEntry.objects.get().amount == paid.order.total


def test_a_capture_that_the_gateway_does_not_know_waits_for_a_person(paid, board, gateway, monkeypatch):
    sql("DELETE FROM payments_ledgerentry")
    monkeypatch.setattr(gateway, "fetch", lambda purchase: None, raising=False)
    assert "The gateway knows of no such money." in board.press("captures")
    assert reds() == {"attention"}


def test_a_capture_that_does_not_match_waits_for_a_person(paid, board):
    sql("DELETE FROM payments_ledgerentry")
    sql("UPDATE payments_payment SET amount = amount - 1")
    board.press("captures")
    assert reds() == {"attention"}
    assert not LedgerEntry.objects.exists()


def test_money_of_a_payment_that_counts_as_declined_pays_its_order(paid, board):
    sql("UPDATE payments_payment SET status = 'declined', pays_order = false")
    assert reds() == {"captures", "orders"}
    board.press("captures")
    assert reds() == set()


def test_a_payer_whose_order_is_not_paid_makes_it_paid(paid, board):
    sql("UPDATE checkout_order SET status = 'under_review'")
    assert reds() == {"captures"}
    board.press("captures")
    assert reds() == set()
    paid.order.refresh_from_db()
    assert paid.order.is_paid


def test_money_that_pays_nothing_goes_back_to_its_buyer(paid, board):
    second = Payment.objects.create(
        order=paid.order,
        method="paypal",
        status="captured",
        amount=paid.amount,
        currency="HKD",
        reference="SECOND001",
        gateway_id="G1",
        started_at=clock.now(),
    )
    second.ledger.create(gateway="paypal", reference="C1", amount=paid.amount, currency="HKD", at=clock.now())
    assert reds() == {"captures"}
    board.press("captures")
    assert reds() == set()
    refund = second.refunds.get()
    assert (refund.amount, refund.origin) == (paid.amount, "automatic")


def test_the_rest_of_money_that_pays_nothing_goes_back_too(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    sql("UPDATE checkout_order SET status = 'cancelled'")
    Refund.objects.create(
        payment=paid, amount=10, status="done", reference="R1", started_at=clock.now(), origin="automatic"
    )
    paid.ledger.create(
        gateway="paypal", kind="refund", reference="R1", amount=-10, currency="HKD", at=clock.now()
    )
    board.press("captures")
    assert paid.refunds.get(status="created").amount == paid.amount - 10
    assert "captures" not in reds()


@pytest.mark.parametrize("name", ["captures", "orders"])
def test_a_payer_of_which_part_went_back_is_the_payer_still(done, board, name):
    sql("UPDATE payments_payment SET pays_order = false")
    assert {"captures", "orders", "totals"} <= reds()
    board.press(name)
    assert reds() == set()
    assert Refund.objects.count() == 1


def test_money_of_a_paid_order_never_goes_back_by_itself(done, board):
    """Its buyer may have the goods: only its order's own figures may say that it was a payer."""
    sql("UPDATE payments_payment SET pays_order = false")
    sql("UPDATE checkout_order SET refunded_total = 3")
    assert "by another amount" in board.press("captures")
    assert Refund.objects.count() == 1
    assert {"captures", "orders"} <= reds()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE payments_ledgerentry SET amount = amount - 1", "is less than order"),
        ("UPDATE payments_ledgerentry SET currency = 'USD'", "is less than order"),
        (
            "INSERT INTO payments_ledgerentry (payment_id, kind, gateway, reference, amount, currency, at)"
            " SELECT payment_id, kind, gateway, 'C2', amount, currency, at FROM payments_ledgerentry",
            "has money booked twice",
        ),
        (
            "INSERT INTO payments_ledgerentry (payment_id, kind, gateway, reference, amount, currency, at)"
            " SELECT payment_id, 'refund', gateway, 'R2', -amount-1, currency, at FROM payments_ledgerentry",
            "more went back than was taken",
        ),
    ],
)
def test_bookings_that_cannot_be_are_for_a_person_to_compare(paid, board, statement, told):
    sql(statement)
    assert state("captures") == "red"
    assert told in board.text()
    assert findings("captures")[0].repair is None
    assert findings("captures")[0].url


def test_a_paid_order_that_no_payment_pays_finds_its_payer_in_the_books(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    assert reds() == {"captures", "orders"}
    board.press("orders")
    assert reds() == set()


def test_a_paid_order_that_no_payment_pays_finds_its_payer_at_the_gateway(paid, board):
    sql("DELETE FROM payments_ledgerentry")
    sql("UPDATE payments_payment SET pays_order = false, status = 'expired', capture_reference = ''")
    assert reds() == {"orders"}
    board.press("orders")
    assert reds() == set()
    paid.refresh_from_db()
    assert (paid.status, paid.pays_order) == ("captured", True)
    assert not Refund.objects.exists()


def test_an_order_that_nobody_ever_paid_stays_red(waiting, board, gateway):
    sql("UPDATE checkout_order SET status = 'paid'")
    assert "No gateway knows of money for this order." in board.press("orders")
    assert "orders" in reds()


def test_a_repair_that_does_not_reach_the_gateway_says_so(paid, board, gateway, monkeypatch):
    sql("DELETE FROM payments_ledgerentry")
    monkeypatch.setattr(gateway, "fetch", fail, raising=False)
    assert "The gateway could not be asked just now." in board.press("captures")
    assert reds() == {"captures"}


# --- nothing stands still ---


def test_a_payment_that_waits_for_a_person_is_shown_until_the_person_has_decided(paid, board):
    sql("UPDATE payments_payment SET needs_attention = true, problem = 'money that does not match'")
    assert reds() == {"attention"}
    finding = findings("attention")[0]
    assert "money that does not match" in finding.text
    assert board.client.get(finding.url).status_code == 200
    decisions.dismiss(paid, actor="boss")
    assert reds() == set()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_payment SET next_check_at = next_check_at - interval '20 minutes'",
        "UPDATE payments_payment SET next_check_at = NULL",
        "UPDATE payments_payment SET claimed_until = now() - interval '20 minutes'",
    ],
)
def test_a_payment_that_nobody_asks_about_is_asked_about(waiting, board, statement):
    assert reds() == set()
    sql(statement)
    assert reds() == {"attempts"}
    board.press("attempts")
    assert reds() == set()


def test_a_gateway_that_cannot_be_asked_about_a_payment_leaves_it_red(waiting, board, gateway, monkeypatch):
    sql("UPDATE payments_payment SET next_check_at = NULL")
    monkeypatch.setattr(gateway, "fetch", fail, raising=False)
    assert "The gateway could not be asked just now." in board.press("attempts")


def test_an_order_that_keeps_its_goods_too_long_expires(waiting, board):
    sql("UPDATE checkout_order SET hold_until = now() - interval '11 minutes'")
    assert reds() == {"expiry"}
    board.press("expiry")
    assert reds() == set()
    waiting.order.refresh_from_db()
    assert waiting.order.status == "expired"


def test_an_order_whose_gateway_is_silent_goes_on_waiting(waiting, board, gateway, monkeypatch):
    sql("UPDATE checkout_order SET hold_until = now() - interval '11 minutes'")
    monkeypatch.setattr(gateway, "fetch", fail, raising=False)
    assert "The gateway could not be asked just now." in board.press("expiry")
    assert reds() == {"expiry"}


# --- each refund is one booking ---


def test_a_refund_that_is_not_done_is_asked_for_again(refund, board):
    assert reds() == set()
    Refund.objects.update(started_at=ago(minutes=11))
    assert reds() == {"refunds"}
    board.press("refunds")
    assert reds() == set()
    refund.refresh_from_db()
    assert refund.status == "done"


def test_a_refund_that_stays_unknown_stays_red(refund, board, gateway, monkeypatch):
    Refund.objects.update(started_at=ago(minutes=11))
    monkeypatch.setattr(gateway, "refund", fail, raising=False)
    assert "The gateway could not be asked just now." in board.press("refunds")
    assert reds() == {"refunds"}


def test_a_refused_refund_is_tried_again_under_a_new_key(refund, board):
    sql("UPDATE payments_refund SET status = 'failed', problem = 'CAPTURE_FULLY_REFUNDED'")
    sql("UPDATE payments_payment SET needs_attention = true")
    assert reds() == {"refunds"}  # one row for one problem, not another for the alarm
    board.press("refunds")
    assert reds() == set()
    assert Refund.objects.filter(status="created").count() == 1


def test_a_refused_refund_is_not_tried_while_a_dispute_is_open(refund, board):
    sql("UPDATE payments_refund SET status = 'failed'")
    sql("UPDATE payments_payment SET needs_attention = true")
    make_dispute(refund.payment)
    assert "while the dispute is open" in board.press("refunds")


def test_a_done_refund_that_is_not_booked_is_booked(done, board):
    sql("DELETE FROM payments_ledgerentry WHERE kind = 'refund'")
    assert {"refunds", "sums", "totals"} <= reds()
    board.press("refunds")
    assert reds() == set()


def test_a_done_refund_of_a_gateway_that_cannot_be_asked_is_booked_on_a_persons_word(done, board):
    sql("DELETE FROM payments_ledgerentry WHERE kind = 'refund'")
    sql("UPDATE payments_payment SET method = 'unionpay-card'")
    assert "look it up in the portal of the gateway" in board.text()
    board.press("refunds")
    assert reds() == set()


def test_a_done_refund_that_the_gateway_does_not_know_stays_red(done, board):
    sql("DELETE FROM payments_ledgerentry WHERE kind = 'refund'")
    sql("UPDATE payments_refund SET reference = 'NOWHERE'")
    assert "The gateway does not know this refund." in board.press("refunds")
    assert "refunds" in reds()


def test_booked_money_that_went_back_without_a_refund_gets_one(done, board):
    sql("DELETE FROM payments_refund")
    assert {"bookings", "sums"} <= reds()
    board.press("bookings")
    assert reds() == set()
    written = Refund.objects.get()
    assert (written.origin, written.amount, written.reference) == ("gateway", Decimal(10), done.reference)


def test_a_refund_of_another_amount_than_its_booking_is_for_a_person_to_compare(done, board):
    sql("UPDATE payments_refund SET amount = amount + 1")
    assert {"refunds", "bookings", "sums"} <= reds()
    assert "of another amount" in board.press("bookings")


@pytest.mark.parametrize("table", ["checkout_order", "checkout_orderline"])
def test_figures_that_do_not_say_what_went_back_are_set_by_the_books(done, board, table):
    sql(f"UPDATE {table} SET refunded_total = refunded_total + 1")
    assert reds() == {"totals"}
    board.press("totals")
    assert reds() == set()
    done.payment.order.refresh_from_db()
    assert done.payment.order.refunded_total == Decimal(10)


def test_a_buyer_who_was_not_told_of_a_refund_is_told(done, board):
    sql("DELETE FROM shop_outboxmessage WHERE topic = 'mail.payment_refunded'")
    assert reds() == {"refund-mails"}
    board.press("refund-mails")
    assert reds() == set()
    assert OutboxMessage.objects.get(topic="mail.payment_refunded").payload == {"refund_id": done.pk}


# --- what gateways send ---


def make_event(payment, number=1, **changes):
    values = {
        "gateway": "paypal",
        "event_id": f"WH-{number}",
        "kind": "PAYMENT.CAPTURE.COMPLETED",
        "body": b"",
        "received_at": ago(minutes=10),
        "is_verified": True,
        "payment": payment,
    }
    return GatewayEvent.objects.create(**(values | changes))


def test_a_notification_left_behind_is_acted_on(paid, board):
    event = make_event(paid)
    assert reds() == {"events"}
    board.press("events")
    assert reds() == set()
    event.refresh_from_db()
    assert event.processed_at


def test_a_notification_about_nothing_we_know_is_only_noted_while_it_is_young(paid, board):
    make_event(None)
    assert state("events") == "note"
    GatewayEvent.objects.update(received_at=ago(hours=2))
    assert state("events") == "red"


def test_a_notification_of_which_nothing_can_be_learnt_stays_red(paid, board, gateway, monkeypatch):
    make_event(paid)
    monkeypatch.setattr(gateway, "movements", fail, raising=False)
    assert "Nothing could be learnt about it yet" in board.press("events")


@pytest.mark.failure("F37")
def test_many_forged_notifications_are_noted_and_change_nothing_else(paid, board):
    for number in range(20):
        make_event(None, number, is_verified=False, received_at=ago(minutes=5))
    assert state("forgeries") == "ok"
    make_event(None, 99, is_verified=False)
    assert (state("forgeries"), reds()) == ("note", set())
    assert "21 forged notifications came within an hour." in board.text()
    GatewayEvent.objects.update(received_at=ago(hours=2))
    assert state("forgeries") == "ok"


def make_dispute(payment, **changes):
    values = {"reference": "PP-D-1", "reason": "NOT_RECEIVED", "status": "OPEN", "opened_at": clock.now()}
    payment.order.is_disputed = True
    payment.order.save(update_fields=["is_disputed"])
    return Dispute.objects.create(payment=payment, **(values | changes))


@pytest.mark.failure("F44")
def test_an_open_dispute_is_noted_with_its_deadline(paid, board):
    make_dispute(paid, respond_until=clock.now() + dt.timedelta(days=7))
    assert (state("disputes"), reds()) == ("note", set())
    page = board.text()
    assert "PP-D-1 (NOT_RECEIVED), answer until" in page
    assert "In order, with something to note" in page


@pytest.mark.parametrize(("is_open", "mark"), [(True, False), (False, True)])
def test_an_order_is_marked_as_its_disputes_say(paid, board, is_open, mark):
    make_dispute(paid, is_open=is_open)
    sql("UPDATE checkout_order SET is_disputed = %s", mark)
    assert reds() == {"disputes"}
    board.press("disputes")
    assert reds() == set()
    paid.order.refresh_from_db()
    assert paid.order.is_disputed is is_open


@pytest.mark.failure("F48")
def test_what_is_wrong_with_unionpays_certificates_is_red_and_what_will_be_is_noted(paid, monkeypatch, board):
    told = "payments.health.gateways.unionpay"
    monkeypatch.setattr(f"{told}.warnings", lambda: ["UnionPay: root.pem ends in 6 days."])
    assert state("certificates") == "note"
    monkeypatch.setattr(f"{told}.problems", lambda: ["UnionPay: merchant.pfx is not in force."])
    assert state("certificates") == "red"
    assert "merchant.pfx is not in force" in board.text()


# --- sums ---


def test_the_sums_are_exact_to_the_cent(done, board):
    sums = next(check for check in report.checks() if check.name == "sums")
    kept = done.payment.amount - 10
    assert sums.rows == (
        (
            "PayPal",
            "HKD",
            f"HK${done.payment.amount:,.2f}",
            "HK$10.00",
            "HK$0.00",
            f"HK${kept:,.2f}",
            "HK$0.00",
        ),
    )
    sql("UPDATE payments_ledgerentry SET amount = amount - 0.01 WHERE kind = 'refund'")
    assert state("sums") == "red"
    assert (
        "PayPal, HKD: HK$10.01 are booked as gone back, but the refunds add up to HK$10.00." in board.text()
    )


def test_money_on_its_way_back_is_told(refund):
    sums = next(check for check in report.checks() if check.name == "sums")
    assert sums.rows[0][-1] == "HK$10.00"
