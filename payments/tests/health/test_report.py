"""Money health: every fact is really broken, is found, and is right again after its repair on the page."""

import pytest

from payments.attempts import decisions
from payments.health import report
from payments.models import LedgerEntry, Payment, Refund
from payments.tests.harness.health_scenes import findings, reds, sql, state
from payments.tests.health.scenes import fail, make_dispute
from shop import clock

pytestmark = pytest.mark.django_db


# --- in order ---


def test_a_shop_that_was_really_paid_and_really_gave_back_is_in_order(done, board):
    assert {check.name: check.state for check in report.checks() if check.state != "ok"} == {}
    assert "Everything is in order" in board.text()


def test_every_check_has_a_title_in_plain_words_and_a_name_of_its_own(paid):
    checks = report.checks()
    assert len({check.name for check in checks}) == len(checks) >= 18
    assert all(report.checks(check.name) == [check] for check in checks)
    assert all(check.title.endswith(".") for check in checks)


# --- each payment taken is one paid order ---


def test_a_capture_that_is_not_booked_is_asked_for_and_booked(paid, board):
    sql("DELETE FROM payments_ledgerentry")
    assert reds() == {"captures"}
    assert "It has been put right." in board.press("captures")
    assert "It has been put right." in board.text(), "the next page shows it"
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


def test_the_rest_of_money_does_not_go_back_while_a_dispute_is_open(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    sql("UPDATE checkout_order SET status = 'cancelled'")
    Refund.objects.create(payment=paid, amount=10, status="done", reference="R1", started_at=clock.now())
    make_dispute(paid)
    assert "while the dispute is open" in board.press("captures")
    assert "captures" in reds()
    assert Refund.objects.count() == 1


def test_money_that_is_refunded_but_not_booked_so_is_not_refunded_again(paid, board):
    sql("UPDATE payments_payment SET pays_order = false")
    sql("UPDATE checkout_order SET status = 'cancelled'")
    Refund.objects.create(
        payment=paid, amount=paid.amount, status="done", reference="R1", started_at=clock.now()
    )
    assert "So much is not left to give back any more." in board.press("captures")
    assert "captures" in reds()
    assert Refund.objects.count() == 1


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
