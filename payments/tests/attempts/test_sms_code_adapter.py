"""The code of a text message, as UnionPay's adapter asks for it and uses it."""

import base64
import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from payments.gateways.base import CodeSent, Declined, GatewayError, Misconfigured
from payments.gateways.unionpay import messages
from payments.sandbox.unionpay import sms as bank
from payments.tests.harness.unionpay_sandbox import (
    encrypted_card,
)
from shop import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sms_contract")]


# --- the adapter
# -------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(unionpay, make_unionpay_purchase):
    """A purchase for which a code was sent."""
    purchase = make_unionpay_purchase()
    assert unionpay.send_code(purchase, encrypted_card(phone="13552535506")) == CodeSent(
        f"card-{purchase.reference}"
    )
    return purchase


def with_code(code, **changes):
    return encrypted_card(phone="13552535506", sms_code=code, **changes)


def test_a_code_is_good_for_its_order_time_and_amount_alone(unionpay, asked, make_unionpay_purchase):
    others = [
        dataclasses.replace(asked, reference=make_unionpay_purchase().reference),
        dataclasses.replace(asked, started_at=asked.started_at - dt.timedelta(seconds=5)),
        dataclasses.replace(asked, amount=Decimal("12.35")),
        dataclasses.replace(asked, currency="CNY"),
    ]
    for other in others:
        assert unionpay.start(other, with_code("111111")) == Declined("71", "sms-code")
    assert unionpay.start(asked, with_code("222222")).gateway_id == f"card-{asked.reference}"


@pytest.mark.parametrize("code", ["123456", "654321", ""])
def test_a_wrong_or_missing_code_is_a_definite_no(unionpay, asked, code):
    assert unionpay.start(asked, with_code(code)) == Declined("71", "sms-code")
    assert unionpay.fetch(asked) == Declined("71", "sms-code")


def test_the_next_code_has_to_wait(unionpay, asked):
    assert unionpay.send_code(asked, with_code("")) == Declined("37", "same-gateway-page")


def test_asking_for_a_code_is_no_purchase(unionpay, asked):
    assert unionpay.fetch(asked).code == "34"


@pytest.mark.parametrize("code", ["02", "03", "05", "12", "34", "99", "ZZ"])
def test_an_unclear_answer_to_the_request_for_a_code_is_asked_for_again(
    unionpay, make_unionpay_purchase, monkeypatch, code
):
    monkeypatch.setattr(bank, "_sent", lambda *_: code)
    with pytest.raises(GatewayError, match=code):
        unionpay.send_code(make_unionpay_purchase(), with_code(""))


@pytest.mark.parametrize(
    ("code", "retry"),
    [("66", "card-fields"), ("61", "card-fields"), ("79", "other-method"), ("60", "other-method")],
)
def test_a_definite_no_to_the_request_for_a_code_says_what_can_help(
    unionpay, make_unionpay_purchase, monkeypatch, code, retry
):
    monkeypatch.setattr(bank, "_sent", lambda *_: code)
    assert unionpay.send_code(make_unionpay_purchase(), with_code("")) == Declined(code, retry)


def test_the_request_for_a_code_names_what_it_must_and_nothing_in_clear(make_unionpay_purchase):
    purchase, card = make_unionpay_purchase(), with_code("")
    fields = messages.sms_request(purchase, card)

    assert (fields["txnType"], fields["txnSubType"], fields["bizType"]) == ("77", "02", "000301")
    assert (fields["orderId"], fields["txnTime"]) == (
        purchase.reference,
        messages.beijing(purchase.started_at),
    )
    assert (fields["txnAmt"], fields["currencyCode"]) == ("1234", "344")
    assert base64.b64decode(fields["customerInfo"]).decode() == f"{{encryptedInfo={card.encrypted_info}}}"
    paid = messages.onsite_purchase(purchase, with_code("111111"))
    assert base64.b64decode(paid["customerInfo"]).startswith(b"{smsCode=111111&encryptedInfo=")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"acc_no": "é"}, "accNo"),
        ({"encrypted_info": "é" * 2000}, "customerInfo"),
        ({"encrypt_cert_id": "é"}, "encryptCertId"),
    ],
)
def test_a_request_for_a_code_that_unionpay_would_refuse_is_not_sent(make_unionpay_purchase, change, field):
    damaged = dataclasses.replace(with_code(""), **change)
    with pytest.raises(Misconfigured, match=f"format of {field}"):
        messages.sms_request(make_unionpay_purchase(), damaged)


def test_a_void_that_unionpay_would_refuse_is_not_sent(make_unionpay_purchase):
    with pytest.raises(Misconfigured, match="format of origQryId"):
        messages.void(
            make_unionpay_purchase(), "no-id", biz_type="000301", key="V" * 32, started_at=clock.now()
        )
