"""Placing and paying while the database breaks: nothing half written, nothing twice, no byte to the gateway
that is not on record.
"""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection

from checkout import services as checkout
from checkout.models import Draft, Order, StockMovement
from checkout.quote import make_quote
from checkout.tests import scenes
from checkout.tests.scenes import TYPED, URL, add, quote_of
from payments import tasks
from payments.attempts import closing, settlement
from payments.attempts import services as attempts
from payments.gateways.base import Declined, EncryptedCard
from payments.models import LedgerEntry, Payment, Refund
from payments.refunds import services as refunds
from payments.refunds.plan import RefundRequest
from payments.sandbox import store
from shop import database
from shop.devstack import failpoints
from shop.models import OutboxMessage
from shop.tests.harness.proxy import LOSSES

pytestmark = pytest.mark.django_db(transaction=True)

METHOD = Payment.Method.PAYPAL


@pytest.fixture
def tea():
    return scenes.make_goods(on_hand=5)


@pytest.fixture
def at(monkeypatch):
    """``at("before_outcome_committed", act)``: do it when the process comes by there for the first time."""

    def arm(point, act):
        acts = {point: act}

        def reached(name):
            if todo := acts.pop(name, None):
                todo()

        monkeypatch.setattr(failpoints, "reached", reached)

    return arm


@pytest.fixture
def kill_session(other_session):
    """The server ends the session that this thread uses, as an administrator or a failover does."""
    other_session.autocommit = True

    def kill():
        connection.ensure_connection()
        mine = connection.connection.info.backend_pid
        with other_session.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [mine])

    return kill


def place(cart):
    """As the checkout page does, draft and quote being there already."""
    draft, _ = Draft.objects.get_or_create(token=cart.token)
    typed = scenes.submission(cart)
    quote = make_quote(cart, typed.region)
    return lambda: checkout.place_order(draft.pk, typed, quote)


def assert_one_order_is_whole(tea):
    order = Order.objects.get()
    tea.refresh_from_db()
    assert (order.status, order.lines.get().quantity, order.total) == ("pending", 2, Decimal("366.00"))
    assert (tea.on_hand, tea.reserved) == (5, 2)
    assert StockMovement.objects.count() == 1
    assert order.events.count() == 1


def calls(payment, kind):
    """How often the sandbox was asked this about the attempt."""
    log = store.folder() / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    about = (payment.reference, payment.gateway_id or payment.reference)
    return sum(line.get("kind") == kind and any(name in str(line) for name in about) for line in lines)


@pytest.mark.failure("F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_commit_that_was_lost_makes_one_order(database_line, tea, loss):
    placing = place(scenes.make_cart((tea, 2)))
    getattr(database_line, loss)(b"COMMIT")
    order = placing()
    assert database_line.losses == 1
    assert Order.objects.get() == order
    assert_one_order_is_whole(tea)


@pytest.mark.failure("F24")
def test_without_the_second_run_nobody_knows_that_the_order_is_there(database_line, tea, monkeypatch):
    monkeypatch.setattr(database._Tries, "may_go_on", lambda self, error: False)
    placing = place(scenes.make_cart((tea, 2)))
    database_line.lose_answer(b"COMMIT")
    with pytest.raises(database.Error):
        placing()
    assert Order.objects.exists()


@pytest.mark.failure("F23")
def test_a_session_that_is_ended_in_the_middle_leaves_nothing_and_the_second_run_all(tea, at, kill_session):
    placing = place(scenes.make_cart((tea, 2)))
    at("after_stock_reserved", kill_session)
    placing()
    assert_one_order_is_whole(tea)


@pytest.mark.failure("F23", "F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_over_http_the_buyer_notices_nothing_of_a_lost_commit(visitor, database_line, tea, at, loss):
    add(visitor, tea, 2)
    typed = {**TYPED, "quote": quote_of(visitor.get(URL))}
    at("after_stock_reserved", lambda: getattr(database_line, loss)(b"COMMIT"))
    answer = visitor.post(URL, typed)
    assert database_line.losses == 1
    assert answer.url == f"/en/pay/{Order.objects.get().token}/"
    assert_one_order_is_whole(tea)


@pytest.mark.failure("F23", "F25")
def test_a_cart_that_stays_locked_is_told_and_ordered_later(visitor, tea, short_limits, other_session):
    add(visitor, tea, 2)
    typed = {**TYPED, "quote": quote_of(visitor.get(URL))}
    visitor.post(URL, {**typed, "quote": "old"})  # the draft is there
    with other_session.cursor() as cursor:
        cursor.execute("SELECT 1 FROM checkout_draft FOR UPDATE")
    answer = visitor.post(URL, typed)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert not Order.objects.exists()
    other_session.rollback()
    assert visitor.post(URL, typed).status_code == 302
    assert_one_order_is_whole(tea)


@pytest.fixture
def order(tea):
    return scenes.place(scenes.make_cart((tea, 2)))


@pytest.mark.failure("F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_commit_of_the_attempt_makes_one_attempt_and_one_order_at_paypal(
    paypal_sandbox, database_line, order, loss
):
    getattr(database_line, loss)(b"COMMIT")
    payment = attempts.pay(order.pk, method=METHOD, revision=1)
    assert database_line.losses == 1
    assert Payment.objects.get() == payment
    assert payment.status == Payment.Status.AWAITING
    assert calls(payment, "create order") == 1


@pytest.mark.failure("F26")
@pytest.mark.parametrize("point", ["after_attempt_stored", "before_gateway_started"])
def test_without_a_database_to_record_it_nothing_is_started(
    paypal_sandbox, database_line, visitor, order, at, point, monkeypatch
):
    """At the first point the attempt is stored, but cannot be claimed; at the second it was read again."""
    page = f"/en/pay/{order.token}/"
    if point == "before_gateway_started":
        real = Payment.refresh_from_db
        monkeypatch.setattr(Payment, "refresh_from_db", lambda row: (database_line.close(), real(row)))
    else:
        at(point, database_line.close)
    answer = visitor.post(page, {"method": "paypal", "revision": 1})
    assert answer.status_code == 503
    monkeypatch.undo()
    database_line.open()
    payment = Payment.objects.get()
    assert payment.status == Payment.Status.CREATED
    assert calls(payment, "create order") == 0


@pytest.mark.failure("F24", "F26")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_card_whose_first_record_was_lost_is_still_sent_once(database_line, order, loss, monkeypatch, at):
    """And with a record that stays lost it is not sent at all."""
    sent = []

    def start(purchase, card):
        sent.append(Payment.objects.get().status)
        return Declined("51", "card-fields")

    monkeypatch.setattr(attempts, "get_gateway", lambda code: SimpleNamespace(start=start))
    card = EncryptedCard("x", "x", "68759585097", "0002")
    at("after_attempt_stored", database_line.close)
    with pytest.raises(database.Error):
        attempts.pay(order.pk, method=Payment.Method.UNIONPAY_CARD, revision=1, card=card)
    assert not sent
    database_line.open()
    free_claims()

    real = attempts.begin_card_charge.__wrapped__

    @database.retry_transaction
    def take_card(*arguments):
        if not database_line.losses:
            getattr(database_line, loss)(b"COMMIT")
        real(*arguments)

    monkeypatch.setattr(attempts, "begin_card_charge", take_card)
    attempts.pay(order.pk, method=Payment.Method.UNIONPAY_CARD, revision=1, card=card)
    assert database_line.losses == 1
    assert sent == [Payment.Status.CAPTURING]


@pytest.fixture
def approved(paypal_sandbox, order, approve):
    payment = attempts.pay(order.pk, method=METHOD, revision=1)
    approve(payment.approve_url)
    return payment


@pytest.mark.failure("F26")
def test_without_a_database_to_record_it_nothing_is_captured(database_line, approved, at):
    at("after_outcome_fetched", database_line.close)
    with pytest.raises(database.Error):
        settlement.settle(approved)
    database_line.open()
    assert calls(approved, "capture") == 0
    approved.refresh_from_db()
    assert approved.status == Payment.Status.AWAITING
    free_claims()
    assert settlement.settle(approved).order.status == Order.Status.PAID
    assert calls(approved, "capture") == 1


@pytest.mark.failure("F23", "F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_commit_of_the_record_books_the_money_once(database_line, approved, at, loss):
    at("before_outcome_committed", lambda: getattr(database_line, loss)(b"COMMIT"))
    settlement.settle(approved)
    assert database_line.losses == 1
    assert_booked_once(approved)


@pytest.mark.failure("F23")
def test_money_that_was_taken_while_the_database_went_away_is_booked_when_it_is_back(
    visitor, database_line, approved, at
):
    at("before_capture_recorded", database_line.close)
    answer = visitor.get(f"/en/pay/{approved.order.token}/return/?token={approved.gateway_id}")
    assert answer.status_code == 503
    assert "Whether money was taken is shown on the page of your order" in answer.content.decode()
    database_line.open()
    approved.refresh_from_db()
    assert approved.status == Payment.Status.CAPTURING, "so nobody is asked to pay again"
    free_claims()
    Payment.objects.update(next_check_at="2000-01-01T00:00Z")
    tasks.sweep()
    assert_booked_once(approved)


def free_claims():
    """The lease of a claim that could not be given back runs out."""
    Payment.objects.update(claimed_until=None)


def assert_booked_once(payment):
    payment.refresh_from_db()
    assert payment.order.status == Order.Status.PAID
    assert LedgerEntry.objects.get().amount == payment.amount
    assert calls(payment, "capture") == 1
    topics = list(OutboxMessage.objects.values_list("topic", flat=True))
    assert topics.count("mail.order_confirmation") == 1
    assert StockMovement.objects.filter(kind="sell").count() == 1


@pytest.mark.failure("F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_commit_of_a_refund_gives_back_once(database_line, approved, loss):
    settlement.settle(approved)
    key = "0" * 32
    getattr(database_line, loss)(b"COMMIT")
    wanted = RefundRequest(amount=Decimal("10.00"))
    refund = refunds.request_refund(approved.order_id, wanted, key=key, actor="merchant")
    assert database_line.losses == 1
    assert Refund.objects.get() == refund
    assert OutboxMessage.objects.filter(topic="payment.refund").count() == 1


@pytest.mark.failure("F24")
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_commit_of_an_expiry_releases_once(database_line, tea, order, at, loss):
    Order.objects.update(hold_until="2000-01-01T00:00Z")
    at("before_expiry_committed", lambda: getattr(database_line, loss)(b"COMMIT"))
    closing.expire_order(order.pk)
    assert database_line.losses == 1
    order.refresh_from_db()
    tea.refresh_from_db()
    assert (order.status, tea.reserved) == (Order.Status.EXPIRED, 0)
    assert StockMovement.objects.filter(kind="release").count() == 1
