"""The adapter against the sandbox, over real HTTP."""

import base64
import dataclasses
import datetime as dt
import logging
import socket
import uuid
from decimal import Decimal

import pytest

from payments.gateways import base
from payments.gateways.base import (
    Captured,
    Declined,
    GatewayError,
    Misconfigured,
    Refunded,
    RefundRefused,
    Started,
    Unfinished,
)
from payments.gateways.unionpay import UnionPay, client, messages, renew_encryption_certificate
from payments.gateways.unionpay.gateway import SETTLING
from payments.sandbox import store
from payments.sandbox.unionpay import envelope, pki, transactions, views
from payments.sandbox.unionpay import faults as unionpay_faults
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
)
from shop import clock


@pytest.fixture
def paid(gateway, make_purchase):
    """A purchase by card, and what the gateway says of it."""
    purchase = make_purchase()
    started = gateway.start(purchase, encrypted_card())
    purchase = dataclasses.replace(purchase, gateway_id=started.gateway_id)
    return purchase, decided(gateway, purchase)


def fake_answers(monkeypatch, change):
    """Let the sandbox sign other answers: ``change`` gets the fields and returns the new ones."""
    original = envelope.sealed
    monkeypatch.setattr(envelope, "sealed", lambda fields: original(change(dict(fields))))


def test_the_adapter_has_the_shape_of_a_gateway():
    gateway: base.Gateway = UnionPay()
    assert (gateway.code, gateway.captures) == ("unionpay", False)


@pytest.fixture
def slow_bank(monkeypatch):
    """A bank that decides only when the test calls."""
    monkeypatch.setattr(transactions, "PROCESSING_SECONDS", 3600)

    def decide():
        for transaction in store.every("unionpay"):
            transactions.save(transaction | {"settles_at": 0})

    return decide


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

    found = gateway.fetch(purchase)

    assert (found.amount, found.currency, found.payee_matches) == (Decimal("0.01"), "CNY", False)
    assert found.reference == captured.reference


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


def refusal(code, fields):
    return envelope.Refusal(code, "系统忙[0000006]", fields)


# --- no answer, or none that can be trusted
# ---------------------------------------------------------------------


def test_silence_is_an_unknown_outcome(gateway, make_purchase, settings, monkeypatch):
    monkeypatch.setattr(client, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.UNIONPAY_GATEWAY = f"http://127.0.0.1:{silent.getsockname()[1]}/gateway/api"
        with pytest.raises(GatewayError, match="timeout"):
            gateway.start(make_purchase(), encrypted_card())
    with pytest.raises(GatewayError, match="unreachable"):
        gateway.fetch(make_purchase())


def test_a_reply_that_is_lost_after_the_charge_is_found_by_the_query(gateway, make_purchase, monkeypatch):
    purchase = make_purchase()
    monkeypatch.setattr(client, "READ_SECONDS", 0.3)
    original = envelope.answer
    monkeypatch.setattr(
        unionpay_faults, "answer", lambda fields: (sandbox.time.sleep(0.6), original(fields))[1]
    )
    with pytest.raises(GatewayError, match="timeout"):
        gateway.start(purchase, encrypted_card())
    monkeypatch.undo()

    assert isinstance(decided(gateway, purchase), Captured)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Invalid request.",
        b"You have been added to the blacklist. TPS could not be greater than 0.5.",
        b"respCode=00",
        b"<html>respCode=00</html>",
        b"respCode=00&respCode=00",
        b"\xff\xfe",
        b"a=1&" * 30000,
    ],
)
def test_status_200_with_anything_but_a_message_is_unknown(gateway, make_purchase, monkeypatch, body):
    monkeypatch.setattr(unionpay_faults, "answer", lambda fields: envelope.HttpResponse(body))

    with pytest.raises(GatewayError, match=r"not-a-message|untrusted"):
        gateway.start(make_purchase(), encrypted_card())


@pytest.mark.parametrize("status", [204, 302, 403, 500, 503])
def test_another_status_is_unknown_and_redirects_are_not_followed(
    gateway, make_purchase, monkeypatch, status
):
    def answered(fields):
        response = envelope.answer(fields)
        response.status_code, response["Location"] = status, "/elsewhere"
        return response

    monkeypatch.setattr(unionpay_faults, "answer", answered)

    with pytest.raises(GatewayError, match="not-a-message"):
        gateway.start(make_purchase(), encrypted_card())


def test_a_redirect_is_not_followed_even_to_a_genuine_answer(gateway, make_purchase, monkeypatch):
    answers = iter([307, 200])

    def answered(fields):
        response = envelope.answer(fields)
        response.status_code = next(answers)
        response["Location"] = "backTransReq.do"
        return response

    monkeypatch.setattr(unionpay_faults, "answer", answered)

    with pytest.raises(GatewayError, match="not-a-message"):
        gateway.start(make_purchase(), encrypted_card())


@pytest.mark.parametrize("change", [{"version": "5.0.0"}, {"signMethod": "11"}, {"signMethod": ""}])
def test_an_answer_in_another_version_or_by_another_method_is_unknown(gateway, paid, monkeypatch, change):
    purchase, _ = paid
    fake_answers(monkeypatch, lambda fields: fields | change)

    with pytest.raises(GatewayError, match="untrusted"):
        gateway.fetch(purchase)


def test_a_tampered_answer_is_unknown(gateway, paid, monkeypatch, caplog):
    purchase, _ = paid
    original = envelope.sealed
    monkeypatch.setattr(envelope, "sealed", lambda fields: original(fields) | {"txnAmt": "1"})

    with pytest.raises(GatewayError, match="untrusted"):
        gateway.fetch(purchase)
    assert "cannot be trusted (signature)" in caplog.text


@pytest.mark.failure("F48")
def test_a_certificate_of_another_customer_of_the_same_ca_is_not_believed(gateway, paid, monkeypatch, caplog):
    purchase, _ = paid
    merchant = pki.issue("041@Z2026@700000000000001:SIGN@00000006", pki.key_pair("middle"))
    monkeypatch.setattr(
        pki, "key_pair", lambda name, real=pki.key_pair: merchant if name == "signing" else real(name)
    )

    with pytest.raises(GatewayError, match="untrusted"):
        gateway.fetch(purchase)
    assert "cannot be trusted (name)" in caplog.text


@pytest.mark.failure("F48")
def test_a_new_signing_certificate_of_the_gateway_is_believed_at_once(gateway, paid, monkeypatch):
    purchase, captured = paid
    renewed = pki.issue(f"041@8310000000083040@{pki.GATEWAY_NAME}@00099998", pki.key_pair("middle"))
    monkeypatch.setattr(
        pki, "key_pair", lambda name, real=pki.key_pair: renewed if name == "signing" else real(name)
    )

    assert gateway.fetch(purchase) == captured


def test_nothing_is_called_while_a_transaction_is_open(gateway, make_purchase, db):
    from django.db import transaction

    from shop.database import OpenTransaction

    with transaction.atomic(), pytest.raises(OpenTransaction):
        gateway.fetch(make_purchase())


def test_logs_name_codes_and_references_but_no_card(gateway, make_purchase, caplog):
    caplog.set_level(logging.DEBUG)
    card = encrypted_card()
    purchase = make_purchase()

    gateway.start(purchase, card)
    decided(gateway, purchase)

    assert purchase.reference in caplog.text
    sandbox_log = (store.folder() / "log.jsonl").read_text()
    everything = caplog.text + sandbox_log + str(store.every("unionpay"))
    for secret in (sandbox.CARD, card.acc_no, card.encrypted_info, "cvn2", "PRIVATE", "signPubKeyCert"):
        assert secret not in everything


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


# --- refunds
# ---------------------------------------------------------------------------------------------------


def refund(gateway, paid, amount="12.34", key=None, **changes):
    purchase, captured = paid
    return gateway.refund(
        purchase,
        changes.get("reference", captured.reference),
        Decimal(amount),
        key=key or uuid.uuid4().hex,
        started_at=changes.get("started_at", clock.now()),
    )


def finished(gateway, paid, key, amount="12.34", started_at=None):
    at = started_at or clock.now()
    return sandbox.until(
        lambda: (
            outcome := refund(gateway, paid, amount, key, started_at=at),
            not isinstance(outcome, Unfinished),
        )
    )


def test_a_refund_repeated_with_its_key_moves_money_once(gateway, paid, slow_bank):
    key, at = uuid.uuid4().hex, clock.now()

    first = refund(gateway, paid, "5.00", key, started_at=at)
    slow_bank()
    done = refund(gateway, paid, "5.00", key, started_at=at)

    assert first == Unfinished("05")
    assert isinstance(done, Refunded)
    assert (done.amount, done.currency) == (Decimal("5.00"), "HKD")
    assert refund(gateway, paid, "5.00", key, started_at=at) == done
    assert transactions.find_by_query_id(paid[1].reference)["refunded"] == 500


def test_a_purchase_can_be_refunded_in_parts_but_not_beyond_its_amount(gateway, paid):
    assert isinstance(finished(gateway, paid, uuid.uuid4().hex, "12.00"), Refunded)
    assert refund(gateway, paid, "0.35") == RefundRefused("36")
    assert isinstance(finished(gateway, paid, uuid.uuid4().hex, "0.34"), Refunded)


def test_a_refund_of_an_unknown_purchase_is_refused(gateway, paid):
    assert refund(gateway, paid, reference="1" * 21) == RefundRefused("35")


def test_a_refund_whose_answer_was_lost_is_found_by_repeating_it(gateway, paid, monkeypatch):
    key, at = uuid.uuid4().hex, clock.now()
    original = unionpay_faults.answer
    monkeypatch.setattr(unionpay_faults, "answer", lambda fields: envelope.HttpResponse(b""))
    with pytest.raises(GatewayError):
        refund(gateway, paid, key=key, started_at=at)
    monkeypatch.setattr(unionpay_faults, "answer", original)

    assert isinstance(finished(gateway, paid, key, started_at=at), Refunded)
    assert transactions.find_by_query_id(paid[1].reference)["refunded"] == 1234


def test_a_repetition_that_is_refused_for_its_age_still_finds_the_refund(gateway, paid, monkeypatch):
    key, at = uuid.uuid4().hex, clock.now()
    done = finished(gateway, paid, key, started_at=at)
    monkeypatch.setattr(views, "_refund", lambda fields: (_ for _ in ()).throw(refusal("10", fields)))

    assert refund(gateway, paid, key=key, started_at=at) == done


# --- the encryption certificate
# --------------------------------------------------------------------------------


def test_a_new_encryption_certificate_is_taken_over_and_the_former_stays_good(
    gateway, make_purchase, settings
):
    old = encrypted_card()
    assert renew_encryption_certificate() is False

    pki.renew_encryption()

    assert renew_encryption_certificate() is True
    new = encrypted_card()
    assert new.encrypt_cert_id != old.encrypt_cert_id
    for card in (old, new):
        purchase = make_purchase()
        gateway.start(purchase, card)
        assert isinstance(decided(gateway, purchase), Captured)
    assert (settings.UNIONPAY_CERT_DIR / "encryption-previous.pem").is_file()


@pytest.mark.failure("F48")
def test_a_foreign_encryption_certificate_is_not_taken_over(gateway, monkeypatch):
    root = pki.issue("ELSEWHERE", ca=True)
    foreign = pki.issue("041@Z2026@00040000:SIGN@00000099", root).pem.decode()
    fake_answers(monkeypatch, lambda fields: fields | {"encryptPubKeyCert": foreign})

    with pytest.raises(GatewayError, match="untrusted"):
        renew_encryption_certificate()


def test_customer_info_carries_the_encrypted_block_and_nothing_else(make_purchase):
    card = encrypted_card()

    fields = messages.onsite_purchase(make_purchase(), card)

    assert base64.b64decode(fields["customerInfo"]).decode() == f"{{encryptedInfo={card.encrypted_info}}}"
    assert (fields["accNo"], fields["encryptCertId"]) == (card.acc_no, card.encrypt_cert_id)
