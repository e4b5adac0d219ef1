"""No answer, or none that can be trusted: the outcome stays unknown."""

import logging
import socket

import pytest

from payments.gateways.base import (
    Captured,
    GatewayError,
)
from payments.gateways.unionpay import client
from payments.sandbox import store
from payments.sandbox.unionpay import envelope, pki
from payments.sandbox.unionpay import faults as unionpay_faults
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
    fake_answers,
)

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
    original = envelope.signed_fields
    monkeypatch.setattr(envelope, "signed_fields", lambda fields: original(fields) | {"txnAmt": "1"})

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
