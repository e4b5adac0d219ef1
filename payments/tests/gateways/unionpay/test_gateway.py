"""The adapter against the sandbox, over real HTTP."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from payments.gateways import base
from payments.gateways.base import (
    Captured,
    Declined,
    GatewayError,
    Misconfigured,
    Started,
    Unfinished,
)
from payments.gateways.unionpay import UnionPay, messages
from payments.gateways.unionpay.gateway import SETTLING
from payments.sandbox import store
from payments.sandbox.unionpay import views
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
    fake_answers,
    refusal,
)
from shop import clock


def test_the_adapter_has_the_shape_of_a_gateway():
    gateway: base.Gateway = UnionPay()
    assert (gateway.code, gateway.captures) == ("unionpay", False)


def test_a_card_is_only_accepted_at_first_and_paid_by_the_query(gateway, make_purchase, slow_bank):
    purchase = make_purchase()

    started = gateway.start(purchase, encrypted_card())

    assert started == Started(f"card-{purchase.reference}")
    assert gateway.fetch(purchase) == Unfinished("05")
    slow_bank()
    captured = gateway.fetch(purchase)
    assert isinstance(captured, Captured)
    assert captured.our_reference == purchase.reference
    assert (captured.amount, captured.currency) == (Decimal("12.34"), "HKD")
    assert captured.payee_matches
    assert len(captured.reference) == 21
    assert gateway.capture(purchase) == captured


@pytest.mark.parametrize(("amount", "currency"), [("1500", "JPY"), ("0.01", "USD"), ("9999999999.99", "HKD")])
def test_amounts_travel_in_the_minor_units_of_their_currency(gateway, make_purchase, amount, currency):
    purchase = make_purchase(amount=Decimal(amount), currency=currency)

    gateway.start(purchase, encrypted_card())

    captured = decided(gateway, purchase)
    assert (captured.amount, captured.currency) == (Decimal(amount), currency)


@pytest.mark.failure("F32")
@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"cvc": "999"}, "65"),
        ({"number": "6250930000009999"}, "61"),
        ({"expiry": "2001"}, "73"),
        ({"expiry": "3313"}, "65"),
    ],
)
def test_a_wrong_card_leads_back_to_the_card_fields(gateway, make_purchase, card, code):
    purchase = make_purchase()

    assert gateway.start(purchase, encrypted_card(**card)) == Declined(code, "card-fields")
    assert gateway.fetch(purchase) == Declined(code, "card-fields")


@pytest.mark.parametrize("number", ["6221558812340000", "6216261000000000018"])
def test_test_cards_pay_though_they_fail_the_luhn_check_or_have_19_digits(gateway, make_purchase, number):
    purchase = make_purchase()

    gateway.start(purchase, encrypted_card(number, expiry="3001"))

    assert isinstance(decided(gateway, purchase), Captured)


def test_a_purchase_sent_twice_is_charged_once(gateway, make_purchase):
    purchase = make_purchase()

    assert gateway.start(purchase, encrypted_card()) == gateway.start(purchase, encrypted_card())

    assert isinstance(decided(gateway, purchase), Captured)
    assert len([t for t in store.every("unionpay") if purchase.reference in t["id"]]) == 1


def test_a_duplicate_of_a_declined_purchase_shows_the_decline(gateway, make_purchase):
    purchase = make_purchase()
    gateway.start(purchase, encrypted_card(cvc="000"))

    assert isinstance(gateway.start(purchase, encrypted_card()), Started)

    assert gateway.fetch(purchase) == Declined("65", "card-fields")


@pytest.mark.parametrize("code", ["03", "04", "05", "12", "70", "83", "99", "ZZ", "A6"])
def test_an_unclear_answer_to_a_purchase_is_no_failure(gateway, make_purchase, monkeypatch, code):
    fake_answers(monkeypatch, lambda fields: fields | {"respCode": code})

    assert isinstance(gateway.start(make_purchase(), encrypted_card()), Started)


@pytest.mark.parametrize(
    ("code", "retry"),
    [
        ("30", "other-method"),
        ("64", "other-method"),
        ("66", "card-fields"),
        ("77", "same-gateway-page"),
        ("32", "same-gateway-page"),
        ("11", "other-method"),
    ],
)
def test_a_definite_no_says_what_can_help(gateway, make_purchase, monkeypatch, code, retry):
    fake_answers(monkeypatch, lambda fields: fields | {"respCode": code})

    assert gateway.start(make_purchase(), encrypted_card()) == Declined(code, retry)


@pytest.mark.failure("F47")
@pytest.mark.parametrize("code", ["03", "04", "05", "83", "ZZ"])
def test_an_unclear_state_stays_unfinished_however_late(gateway, paid, monkeypatch, code):
    purchase, _ = paid
    late = dataclasses.replace(purchase, pay_until=clock.now() - dt.timedelta(days=1))
    fake_answers(monkeypatch, lambda fields: fields | {"origRespCode": code})

    assert gateway.fetch(late) == Unfinished(code)


def test_the_code_of_the_query_itself_is_never_the_result(gateway, paid, monkeypatch):
    purchase, _ = paid

    def without_result(fields):
        fields.pop("origRespCode")
        return fields

    fake_answers(monkeypatch, without_result)

    with pytest.raises(GatewayError, match="incomplete"):
        gateway.fetch(purchase)


@pytest.mark.parametrize(
    ("code", "error"), [("03", GatewayError), ("37", GatewayError), ("31", Misconfigured)]
)
def test_a_query_that_was_refused_teaches_nothing(gateway, paid, monkeypatch, code, error):
    purchase, _ = paid
    fake_answers(monkeypatch, lambda fields: fields | {"respCode": code})

    with pytest.raises(error, match=code):
        gateway.fetch(purchase)


def test_success_with_a_defect_counts_as_paid_and_staff_hear_of_it(gateway, paid, monkeypatch, caplog):
    purchase, captured = paid
    fake_answers(monkeypatch, lambda fields: fields | {"origRespCode": "A6"})

    assert gateway.fetch(purchase) == captured
    assert [record.levelname for record in caplog.records if "A6" in record.getMessage()] == ["ERROR"]


def test_money_of_another_amount_currency_or_merchant_is_reported_as_it_is(gateway, paid, monkeypatch):
    purchase, captured = paid
    other = {"txnAmt": "1", "currencyCode": "156", "merId": "888888888888888"}
    fake_answers(monkeypatch, lambda fields: fields | other)

    outcome = gateway.fetch(purchase)

    assert (outcome.amount, outcome.currency, outcome.payee_matches) == (Decimal("0.01"), "CNY", False)
    assert outcome.reference == captured.reference


def test_a_refusal_meant_for_another_merchant_declines_nothing(gateway, paid, monkeypatch):
    purchase, _ = paid
    fake_answers(monkeypatch, lambda fields: fields | {"origRespCode": "64", "merId": "888888888888888"})

    with pytest.raises(GatewayError, match="foreign-answer"):
        gateway.fetch(purchase)


@pytest.mark.parametrize("field", ["orderId", "txnTime"])
def test_a_genuine_answer_to_another_request_is_not_believed(gateway, paid, monkeypatch, field):
    purchase, _ = paid
    fake_answers(monkeypatch, lambda fields: fields | {field: "20200101000000"})

    with pytest.raises(GatewayError, match="untrusted"):
        gateway.fetch(purchase)


def test_an_answer_of_another_kind_of_transaction_is_not_believed(gateway, paid, monkeypatch):
    purchase, _ = paid
    fake_answers(monkeypatch, lambda fields: fields | {"txnType": "04"})

    with pytest.raises(GatewayError, match="incomplete"):
        gateway.fetch(purchase)


def test_a_purchase_that_never_arrived_is_open_until_its_time_is_over(gateway, make_purchase):
    now = clock.now()
    purchase = make_purchase()
    over = make_purchase(started_at=now - dt.timedelta(hours=2), pay_until=now - SETTLING)
    late = dataclasses.replace(purchase, pay_until=now - SETTLING - dt.timedelta(seconds=1))

    assert gateway.fetch(purchase) == Unfinished("34")
    assert gateway.fetch(dataclasses.replace(over, pay_until=now - SETTLING + dt.timedelta(seconds=9))) == (
        Unfinished("34")
    )
    assert gateway.fetch(late) == Declined("34")


def test_busy_means_declined_only_when_nothing_is_known_there(gateway, make_purchase, monkeypatch):
    purchase = make_purchase()
    monkeypatch.setattr(views, "_purchase", lambda fields: (_ for _ in ()).throw(refusal("06", fields)))
    assert gateway.start(purchase, encrypted_card()) == Declined("06", "card-fields")
    monkeypatch.undo()

    gateway.start(purchase, encrypted_card())
    monkeypatch.setattr(views, "_purchase", lambda fields: (_ for _ in ()).throw(refusal("06", fields)))
    assert isinstance(gateway.start(purchase, encrypted_card()), Started)


# --- UnionPay's own page
# ---------------------------------------------------------------------------------------


def test_the_own_page_is_prepared_without_any_call(gateway, make_purchase, settings):
    settings.UNIONPAY_GATEWAY = "http://127.0.0.1:9/unionpay/gateway/api"
    purchase = make_purchase()

    started = gateway.start(purchase)

    assert started.gateway_id == f"page-{purchase.reference}"
    assert started.handoff.url == "http://127.0.0.1:9/unionpay/gateway/api/frontTransReq.do"
    fields = started.handoff.fields
    assert fields["bizType"] == "000201"
    assert fields["payTimeout"] == messages.beijing(purchase.pay_until)
    assert (fields["txnAmt"], fields["currencyCode"]) == ("1234", "344")
    assert all(fields.values())


def test_an_order_nobody_paid_on_the_page_ends_with_its_time(gateway, make_purchase, unionpay_sandbox):
    purchase = make_purchase()
    started = gateway.start(purchase)
    post_form(started.handoff)
    purchase = dataclasses.replace(purchase, gateway_id=started.gateway_id)

    assert gateway.fetch(purchase) == Unfinished("05")
    late = dataclasses.replace(purchase, pay_until=clock.now() - SETTLING - dt.timedelta(seconds=1))
    assert gateway.fetch(late) == Declined("05")


def post_form(handoff):
    import requests

    with requests.Session() as session:
        session.trust_env = False
        return session.post(handoff.url, data=handoff.fields, timeout=5)
