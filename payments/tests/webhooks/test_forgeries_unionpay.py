"""Notifications and ways back that UnionPay never sent, or not like this: nothing changes but inbox rows.

Each is built from a true message about an order that nobody has paid: whatever believed it would show.
"""

from urllib.parse import urlencode

import pytest
from django.test import Client

from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import services as attempts
from payments.gateways.unionpay.crypto import signature
from payments.gateways.unionpay.wire import form_encoded, unencoded
from payments.models import GatewayEvent, LedgerEntry, Payment
from payments.sandbox.unionpay import forgeries, pki, transactions
from payments.sandbox.unionpay.envelope import signed_fields
from payments.tests.harness.untouched import everything
from payments.webhooks import inbox

pytestmark = [pytest.mark.django_db, pytest.mark.failure("F37", "F46")]

FORM = "application/x-www-form-urlencoded;charset=UTF-8"


@pytest.fixture
def payment(unionpay, settings):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    order = place(make_cart((make_goods(on_hand=5), 1)))
    return attempts.pay(order.pk, method=Payment.Method.UNIONPAY_PAGE, revision=1)


@pytest.fixture
def fields(payment):
    """What UnionPay would say once it is paid."""
    purchase = attempts.purchase_of(payment)
    started = attempts.handoff(payment).fields
    transaction = transactions.begin(started, page="", front_url="", fail_url="", pay_until="")
    transactions.decide(transaction, "00", at_once=True)
    told = transactions.notice(transaction)
    transaction["code"] = ""  # but nobody has paid
    transactions.save(transaction)
    assert told["orderId"] == purchase.reference
    return told


def resigned(fields):
    """Truly signed by the gateway's key, whatever it says."""
    return fields | {"signature": signature(fields, pki.signing_key().private_key)}


def signed_by_us(fields):
    """The merchant's own certificate chains to the same root."""
    key = pki.merchant_key() if hasattr(pki, "merchant_key") else None
    from payments.gateways.unionpay import certificates

    key = key or certificates.merchant_key()
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = key.certificate.public_bytes(Encoding.PEM).decode().replace("\n", "\r\n")
    complete = fields | {"signPubKeyCert": pem}
    return complete | {"signature": signature(complete, key.private_key)}


def changed(**changes):
    return lambda fields: form_encoded(signed_fields(fields) | changes)


def of(variant):
    return lambda fields: form_encoded(forgeries.forged(fields, variant))


VARIANTS = {
    "unsigned": of("unsigned"),
    "broken signature": of("signature"),
    "uncertified key": of("certificate"),
    "another merchant": of("merchant"),
    "another amount": of("amount"),
    "empty signature": changed(signature=""),
    "signature of another message": lambda fields: form_encoded(
        signed_fields(fields) | {"signature": signed_fields(fields | {"txnAmt": "1"})["signature"]}
    ),
    "signed by the merchant itself": lambda fields: form_encoded(signed_by_us(fields)),
    "shared key": lambda fields: form_encoded(resigned(signed_fields(fields) | {"signMethod": "11"})),
    "SM3": lambda fields: form_encoded(resigned(signed_fields(fields) | {"signMethod": "12"})),
    "version 5.0.0": lambda fields: form_encoded(resigned(signed_fields(fields) | {"version": "5.0.0"})),
    "no version": lambda fields: form_encoded(
        {k: v for k, v in signed_fields(fields).items() if k != "version"}
    ),
    "a certificate that is none": changed(signPubKeyCert="-----BEGIN CERTIFICATE-----\r\nAAAA\r\n"),
    "a field twice": lambda fields: form_encoded(signed_fields(fields)) + b"&respCode=00",
    "a field more": lambda fields: form_encoded(signed_fields(fields)) + b"&reserved=x",
    "GBK": lambda fields: urlencode(signed_fields(fields), encoding="gbk").encode(),
    "not encoded": lambda fields: unencoded(signed_fields(fields)),
    "line ends changed": lambda fields: form_encoded(
        signed_fields(fields)
        | {"signPubKeyCert": signed_fields(fields)["signPubKeyCert"].replace("\r\n", "\n")}
    ),
    "another order": changed(orderId="A" * 20),
    "another time": changed(txnTime="20200101000000"),
    "another query": changed(queryId="9" * 21),
    "a refund": changed(txnType="04"),
    "nothing": lambda fields: b"",
    "no form": lambda fields: b"\xff\xfe\x00",
    "a hundred kilobytes": lambda fields: form_encoded(signed_fields(fields)) + b"&x=" + b"x" * 100_000,
    "ten thousand fields": lambda fields: b"&".join(b"f%d=1" % number for number in range(10_000)),
}


def post(url, body):
    answer = Client().post(url, body, content_type=FORM)
    for event in GatewayEvent.objects.filter(processed_at=None).exclude(is_verified=False):
        inbox.process(event)
    return answer.status_code


def test_a_forged_notification_changes_nothing_but_the_inbox(fields):
    before, offenders = everything(), []
    for name, forge in VARIANTS.items():
        GatewayEvent.objects.all().delete()
        status = post("/pay/notify/unionpay/", forge(fields))
        is_believed = GatewayEvent.objects.filter(is_verified=True).exists()
        if status not in {200, 400} or is_believed or everything() != before:
            offenders.append(name)
    assert offenders == []


def everything_but_payments():
    rows = everything()
    rows.pop("payments.payment")
    return rows


def test_a_forged_way_back_changes_no_order_and_no_money(fields, payment):
    """A body that arrives empty is a bare return: it makes the shop ask, and nothing else."""
    before, offenders = everything_but_payments(), []
    for name, forge in VARIANTS.items():
        status = post("/pay/unionpay/return/", forge(fields))
        payment.refresh_from_db()
        is_waiting = payment.status == Payment.Status.AWAITING
        if status not in {302, 303, 400} or not is_waiting or everything_but_payments() != before:
            offenders.append(name)
    assert offenders == []
    assert not LedgerEntry.objects.exists()


def test_the_true_notification_is_believed_and_only_makes_the_shop_ask(fields, payment):
    """Shows that the tests above can fail: the same way in, and this one gets through."""
    assert post("/pay/notify/unionpay/", form_encoded(signed_fields(fields))) == 200
    assert GatewayEvent.objects.get().is_verified
    assert not LedgerEntry.objects.exists()
    payment.refresh_from_db()
    assert payment.status == Payment.Status.AWAITING


def test_a_forgery_that_comes_first_does_not_keep_the_true_one_out(fields):
    post("/pay/notify/unionpay/", VARIANTS["broken signature"](fields))
    assert post("/pay/notify/unionpay/", form_encoded(signed_fields(fields))) == 200
    assert GatewayEvent.objects.get().is_verified
