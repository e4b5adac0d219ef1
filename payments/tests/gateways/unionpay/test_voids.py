"""Whole payments are undone within their clearing day, and whatever is lost on the way, money goes back once.

Every test ends with the stand-in's own books: what it has really moved.
"""

import dataclasses
import datetime as dt
import uuid
from decimal import Decimal
from functools import partial

import pytest

from payments.gateways.base import GatewayError, Refunded, RefundRefused, Unfinished
from payments.gateways.unionpay import client, messages, refunds
from payments.sandbox import store
from payments.sandbox.unionpay import envelope, transactions, views
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
)
from shop import clock

real_now = clock.now


@pytest.fixture(autouse=True)
def _noon(settings):
    """The clearing day has begun twelve hours ago, whenever the tests run."""
    local = real_now().astimezone(messages.BEIJING)
    settings.UNIONPAY_DAY_ENDS = f"{local + dt.timedelta(hours=12):%H:%M}"


@pytest.fixture
def later(monkeypatch):
    """Move the one clock of shop and stand-in."""

    def move(**time):
        monkeypatch.setattr(clock, "now", lambda: real_now() + dt.timedelta(**time))

    return move


@pytest.fixture
def paid(gateway, make_purchase):
    """A purchase by card, and what the gateway says of it."""
    purchase = make_purchase()
    started = gateway.start(purchase, encrypted_card())
    purchase = dataclasses.replace(purchase, gateway_id=started.gateway_id)
    return purchase, decided(gateway, purchase)


@pytest.fixture
def give_back(gateway, paid):
    """One call for the refund of all; each repetition is the same refund."""
    purchase, captured = paid
    now = clock.now()
    return partial(
        gateway.refund,
        purchase,
        captured.reference,
        purchase.amount,
        key=uuid.uuid4().hex,
        started_at=now,
        captured_at=now,
    )


def until_known(give_back):
    return sandbox.until(lambda: (outcome := give_back(), not isinstance(outcome, Unfinished)))


def moved(paid):
    """What the stand-in has given back of this purchase, by kind: [(type, minor units), …]."""
    query_id = paid[1].reference
    done = [t for t in store.every("unionpay") if t["fields"].get("origQryId") == query_id]
    return [(t["fields"]["txnType"], int(t["fields"]["txnAmt"])) for t in done if t["code"] == "00"]


def sent(paid):
    """The transactions of either kind that arrived, whatever came of them."""
    query_id = paid[1].reference
    return [
        t["fields"]["txnType"] for t in store.every("unionpay") if t["fields"].get("origQryId") == query_id
    ]


VOID, REFUND = ("31", 1234), ("04", 1234)


def lose_answers(monkeypatch, kind):
    """The stand-in does the work, but its answers of this kind get lost."""
    original = client._post

    def post(url, body):
        answer = original(url, body)
        if f"txnType={kind}&".encode() in body:
            raise client.requests.Timeout
        return answer

    monkeypatch.setattr(client, "_post", post)


def lose_requests(monkeypatch, kind):
    """Requests of this kind never arrive."""
    original = client._post

    def post(url, body):
        if f"txnType={kind}&".encode() in body:
            raise client.requests.ConnectionError
        return original(url, body)

    monkeypatch.setattr(client, "_post", post)


def answer_without_trace(monkeypatch, kind, code):
    """The front layer refuses this kind: a query will not find it."""

    def refused(fields):
        raise envelope.Refusal(code, "系统忙[0000006]", fields)

    monkeypatch.setattr(views, {"31": "_void", "04": "_refund"}[kind], refused)


def test_all_of_a_payment_is_undone_on_its_clearing_day(give_back, paid):
    done = until_known(give_back)

    assert isinstance(done, Refunded)
    assert (done.amount, done.currency) == (Decimal("12.34"), "HKD")
    assert transactions.find_by_query_id(done.reference)["fields"]["txnType"] == "31"
    assert give_back() == done
    assert moved(paid) == [VOID]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("5.00")},
        {"amount": Decimal("5.00"), "captured_at": None},
        {"captured_at": None},
    ],
)
def test_a_part_or_a_touched_payment_is_refunded(give_back, paid, changes):
    amount = changes.pop("amount", Decimal("12.34"))
    purchase, captured = paid
    values = give_back.keywords | changes
    again = partial(give_back.func, purchase, captured.reference, amount, **values)

    assert isinstance(until_known(again), Refunded)
    assert moved(paid) == [("04", int(amount * 100))]
    assert sent(paid) == ["04"]


def test_after_the_clearing_day_the_payment_is_refunded(give_back, paid, later):
    later(hours=13)
    now = clock.now()

    assert isinstance(until_known(partial(give_back, started_at=now)), Refunded)
    assert sent(paid) == ["04"]


def test_where_the_contract_has_no_void_the_payment_is_refunded(give_back, paid, settings):
    settings.UNIONPAY_VOID = False

    assert isinstance(until_known(give_back), Refunded)
    assert sent(paid) == ["04"]


def test_a_refused_void_is_followed_by_a_refund_at_once(give_back, paid, settings, monkeypatch):
    monkeypatch.setattr(views, "_void_verdict", lambda *_: "39")

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [REFUND]
    assert sent(paid) == ["31", "04"]
    monkeypatch.undo()
    assert isinstance(give_back(), Refunded)  # the void stays refused, it is not tried again
    assert moved(paid) == [REFUND]


def test_the_answer_to_the_void_is_lost(give_back, paid, monkeypatch):
    with monkeypatch.context() as patch:
        lose_answers(patch, "31")
        with pytest.raises(GatewayError):
            give_back()

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [VOID]


def test_the_answer_to_the_void_is_lost_and_the_day_ends(give_back, paid, monkeypatch, later, settings):
    with monkeypatch.context() as patch:
        lose_answers(patch, "31")
        with pytest.raises(GatewayError):
            give_back()
    later(hours=14)

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [VOID]


def test_a_void_that_never_arrived_is_sent_again(give_back, paid, monkeypatch):
    with monkeypatch.context() as patch:
        lose_requests(patch, "31")
        with pytest.raises(GatewayError):
            give_back()

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [VOID]


def test_a_void_that_never_arrived_becomes_a_refund_only_when_it_can_no_longer_arrive(
    give_back, paid, monkeypatch, later
):
    with monkeypatch.context() as patch:
        lose_requests(patch, "31")
        with pytest.raises(GatewayError):
            give_back()
    later(minutes=4, seconds=1)
    assert give_back() == Unfinished("34")
    later(minutes=9, seconds=50)
    assert give_back() == Unfinished("34")
    assert sent(paid) == []
    later(minutes=10, seconds=1)

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [REFUND]


def test_a_void_that_arrives_late_is_found_before_a_refund_is_sent(
    give_back, paid, monkeypatch, later, gateway
):
    """The request waited in the network for five minutes; meanwhile we ask."""
    delayed = []
    with monkeypatch.context() as patch:
        original = client._post

        def hold_back(url, body):
            if b"txnType=31&" in body:
                delayed.append((url, body))
                raise client.requests.Timeout
            return original(url, body)

        patch.setattr(client, "_post", hold_back)
        with pytest.raises(GatewayError, match="timeout"):
            give_back()
    later(minutes=5)
    assert give_back() == Unfinished("34")
    client._post(*delayed[0])
    later(minutes=11)

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [VOID]


def test_the_clearing_day_ends_while_the_void_is_unknown(give_back, paid, monkeypatch, later, settings):
    """Sent a minute before the end of the day, never seen again: no second one after it, and no hurry."""
    ends = real_now().astimezone(messages.BEIJING) + dt.timedelta(minutes=2)
    settings.UNIONPAY_DAY_ENDS = f"{ends:%H:%M}"
    with monkeypatch.context() as patch:
        lose_requests(patch, "31")
        with pytest.raises(GatewayError):
            give_back()
    later(minutes=3)
    assert give_back() == Unfinished("34")
    assert sent(paid) == []
    later(minutes=10, seconds=1)

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [REFUND]


@pytest.mark.parametrize("code", ["02", "32", "99", "ZZ"])
def test_a_void_that_left_no_trace_is_not_followed_by_a_refund_in_a_hurry(
    give_back, paid, monkeypatch, later, code
):
    with monkeypatch.context() as patch:
        answer_without_trace(patch, "31", code)
        assert give_back() == Unfinished(code)
        later(minutes=5)
        assert give_back() == Unfinished("34")
        later(minutes=11)
        assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [REFUND]


@pytest.mark.parametrize("code", ["03", "04", "05"])
def test_a_void_whose_result_stays_open_is_asked_for_and_nothing_else_is_sent(
    give_back, paid, monkeypatch, later, code
):
    with monkeypatch.context() as patch:
        patch.setattr(transactions, "state", lambda transaction, real=transactions.state: (
            code if transaction["fields"]["txnType"] == "31" else real(transaction)
        ))  # fmt: skip
        assert give_back() == Unfinished(code)
        later(days=3)
        assert give_back() == Unfinished(code)

    assert isinstance(give_back(), Refunded)
    assert moved(paid) == [VOID]
    assert sent(paid) == ["31"]


def test_the_answer_to_the_refund_is_lost_after_a_refused_void(give_back, paid, monkeypatch, later):
    with monkeypatch.context() as patch:
        patch.setattr(views, "_void_verdict", lambda *_: "39")
        lose_answers(patch, "04")
        with pytest.raises(GatewayError):
            give_back()

    assert isinstance(until_known(give_back), Refunded)  # the bank would grant a void now: none is sent
    assert moved(paid) == [REFUND]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_process_that_dies_between_two_calls_leaves_one_movement(give_back, paid, monkeypatch, place):
    """Killed after the first query, after the void, after the second query: another process begins anew."""
    calls = []
    original = client._post

    def dying(url, body):
        answer = original(url, body)
        calls.append(url)
        if len(calls) == place:
            raise SystemExit
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(client, "_post", dying)
        with pytest.raises(SystemExit):
            give_back()

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [VOID]


def test_two_processes_at_once_move_money_once(give_back, paid, monkeypatch):
    """The second one asks while the void of the first is on its way: the same orderId, so a duplicate."""
    original = client._post
    with monkeypatch.context() as patch:

        def overtaken(url, body):
            if b"txnType=31&" in body:
                patch.setattr(client, "_post", original)
                give_back()
            return original(url, body)

        patch.setattr(client, "_post", overtaken)
        give_back()

    assert isinstance(until_known(give_back), Refunded)
    assert moved(paid) == [VOID]
    assert sent(paid) == ["31"]


def test_a_payment_that_somebody_refunded_in_the_portal_is_not_given_back_again(give_back, paid, gateway):
    purchase, captured = paid
    elsewhere = partial(
        gateway.refund,
        purchase,
        captured.reference,
        purchase.amount,
        key=uuid.uuid4().hex,
        started_at=clock.now(),
    )
    assert isinstance(until_known(elsewhere), Refunded)

    assert until_known(give_back) == RefundRefused("36")
    assert moved(paid) == [REFUND]


def test_the_stand_in_grants_a_void_only_once_whole_and_in_time(give_back, paid, gateway, later):
    purchase, captured = paid
    stranger = dataclasses.replace(captured, reference="1" * 21)

    def verdict(query_id, amount):
        key = refunds.void_id(uuid.uuid4().hex)
        part = dataclasses.replace(purchase, amount=Decimal(amount))
        now = clock.now()
        request = messages.void(part, query_id, biz_type="000301", key=key, started_at=now)
        return client.ask("backTransReq.do", request)["respCode"]

    assert verdict(stranger.reference, "12.34") == "35"
    assert verdict(captured.reference, "12.33") == "36"
    later(hours=13)
    assert verdict(captured.reference, "12.34") == "39"
    later(hours=0)
    assert verdict(captured.reference, "12.34") == "00"
    assert verdict(captured.reference, "12.34") == "45"
    assert isinstance(give_back(captured_at=None), RefundRefused | Unfinished)
    assert moved(paid) == [VOID]
