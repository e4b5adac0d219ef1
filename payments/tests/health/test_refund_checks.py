"""Money health of refunds: every fact is really broken, is found, and is right again after its repair."""

from decimal import Decimal

import pytest

from payments.health import report
from payments.models import Refund
from payments.tests.harness.health_scenes import reds, sql, state
from payments.tests.health.scenes import ago, fail, make_dispute
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


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


# --- sums ---


def test_the_sums_are_exact_to_the_cent(done, board):
    sums = report.checks("sums")[0]
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
    sums = report.checks("sums")[0]
    assert sums.rows[0][-1] == "HK$10.00"
