"""Refunds through the adapter against the sandbox, and the certificate that cards are encrypted for."""

import base64
import uuid
from decimal import Decimal

import pytest

from payments.gateways.base import (
    Captured,
    GatewayError,
    Refunded,
    RefundRefused,
    Unfinished,
)
from payments.gateways.unionpay import messages, renew_encryption_certificate
from payments.sandbox.unionpay import envelope, pki, transactions, views
from payments.sandbox.unionpay import faults as unionpay_faults
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
    fake_answers,
    refusal,
)
from shop import clock

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
