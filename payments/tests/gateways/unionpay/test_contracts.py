"""What differs from contract to contract, and how the stand-in says no. Over real HTTP."""

import base64
import dataclasses
from decimal import Decimal

import pytest
import requests
from django.conf import settings as shop_settings
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import settlement
from payments.gateways import get_gateway
from payments.gateways.base import Captured, Declined, Refunded, Unfinished
from payments.gateways.unionpay import certificates, messages
from payments.gateways.unionpay.crypto import signature
from payments.gateways.unionpay.wire import form_encoded, parse_answer
from payments.models import GatewayEvent, LedgerEntry, Payment
from payments.purchase import purchase_of
from payments.sandbox import store
from payments.sandbox.unionpay import envelope, notifications, transactions
from payments.tests.harness import rehearsal, unionpay_sandbox
from payments.tests.harness.card_page import posted
from payments.tests.harness.unionpay_sandbox import decided, encrypted_card, until
from payments.webhooks import inbox
from shop import clock

PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"
TABLET = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
COMPUTER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"


@pytest.fixture
def order(db, settings, unionpay_sandbox):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    return place(make_cart((make_goods(on_hand=5), 2)))


def asked(fields):
    """The stand-in's answer to these fields, empty ones too, signed by us and by it."""
    key = certificates.merchant_key()
    complete = fields | {"certId": str(key.certificate.serial_number)}
    signed = complete | {"signature": signature(complete, key.private_key)}
    with requests.Session() as session:
        session.trust_env = False
        reply = session.post(f"{shop_settings.UNIONPAY_GATEWAY}/backTransReq.do", data=signed, timeout=5)
    answer = parse_answer(reply.content)
    certificates.trust().verify(answer, clock.now())
    return answer


# --- the products, by setting


def test_both_products_and_what_follows_them_name_the_products_of_the_contract(
    gateway, make_purchase, settings
):
    settings.UNIONPAY_CARD_BIZ_TYPE, settings.UNIONPAY_PAGE_BIZ_TYPE = "000902", "000202"
    purchase = make_purchase()
    assert messages.sms_request(purchase, encrypted_card())["bizType"] == "000902"
    assert gateway.start(purchase).handoff.fields["bizType"] == "000202"
    purchase = dataclasses.replace(purchase, gateway_id=gateway.start(purchase, encrypted_card()).gateway_id)
    captured = decided(gateway, purchase)
    assert isinstance(captured, Captured)

    back = {"key": "R" * 32, "started_at": clock.now()}

    def given_back():
        outcome = gateway.refund(purchase, captured.reference, Decimal("1.00"), **back)
        return outcome, not isinstance(outcome, Unfinished)

    assert isinstance(until(given_back), Refunded)
    products = {each["fields"]["txnType"]: each["fields"]["bizType"] for each in transactions_of(purchase)}
    assert products == {"01": "000902", "04": "000902"}


def transactions_of(purchase):
    kept = store.every("unionpay")
    paid = [each for each in kept if each["fields"]["orderId"] == purchase.reference]
    ids = {each["query_id"] for each in paid}
    return [*paid, *(each for each in kept if each["fields"].get("origQryId") in ids)]


@pytest.mark.parametrize(
    ("is_on", "agent", "channel"),
    [
        (True, PHONE, "08"),
        (True, TABLET, "07"),
        (True, COMPUTER, "07"),
        (True, "", "07"),
        (False, PHONE, "07"),
    ],
)
def test_a_payment_begun_on_a_telephone_is_called_one_where_the_contract_asks_for_it(
    order, client, settings, is_on, agent, channel
):
    settings.UNIONPAY_PHONE_CHANNEL = is_on
    page = reverse("payments:pay", args=[order.token])
    for _ in range(2):  # the second time from elsewhere: the attempt is the same, and so is its form
        answer = client.post(page, {"method": "unionpay", "revision": 1}, headers={"User-Agent": agent})
        assert f'name="channelType" value="{channel}"' in answer.content.decode()
        agent = COMPUTER
    assert Payment.objects.get().on_phone == (channel == "08")


def test_a_code_for_a_card_and_its_payment_name_the_same_channel(make_purchase):
    purchase, card = make_purchase(on_phone=True), encrypted_card(sms_code="111111")
    requests_sent = [messages.sms_request(purchase, card), messages.onsite_purchase(purchase, card)]
    assert [fields["channelType"] for fields in requests_sent] == ["08", "08"]


# --- what the stand-in takes


def test_the_stand_in_takes_a_code_alone(gateway, make_purchase):
    """Some contracts ask for the number and the code of the text message, and for nothing else."""
    purchase = make_purchase()
    card = encrypted_card(phone="13552535506")
    gateway.send_code(purchase, card)

    def pay(info):
        fields = messages.onsite_purchase(purchase, card)
        return asked(fields | {"customerInfo": base64.b64encode(info).decode()})["respCode"]

    assert pay(b"{smsCode=123456}") == "71"
    assert pay(b"{}") == "10"
    assert pay(b"{smsCode=111111}") == "00"
    assert isinstance(decided(gateway, purchase), Captured)


# --- how it says no


@pytest.fixture
def arm(unionpay_sandbox):
    def order(**fault):
        return rehearsal.arm(unionpay_sandbox, gateway="unionpay", **fault)

    yield order
    rehearsal.disarm(unionpay_sandbox)


@pytest.mark.failure("F32", "F47")
def test_a_card_that_was_accepted_and_is_refused_moments_later_is_declined(order, arm, client, monkeypatch):
    """00 only says that the request has arrived; the no comes by notification."""
    monkeypatch.setattr(notifications, "deliver", lambda *_: None)  # the test delivers it
    arm(on="purchase", fault="late_code")
    page = reverse("payments:pay", args=[order.token])
    client.post(page, posted(encrypted_card(), method="unionpay"))
    payment = Payment.objects.get()
    assert payment.status == "capturing"

    transaction = next(
        each for each in store.every("unionpay") if each["fields"]["orderId"] == payment.reference
    )
    until(lambda: (None, isinstance(gateway_says(payment), Declined)))
    told = notification_of(transaction)
    client.post(
        reverse("gateways:notify", args=["unionpay"]), told, content_type="application/x-www-form-urlencoded"
    )
    for event in GatewayEvent.objects.all():
        inbox.process(event)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, payment.problem, order.status) == ("declined", "73", Order.Status.PENDING)
    assert not LedgerEntry.objects.exists()
    for language, text in [
        ("en", "The bank could not match the card number, expiration date or CVC. No money was taken."),
        ("zh-hant", "未扣款。"),
    ]:
        with override(language):
            assert text in client.get(reverse("payments:pay", args=[order.token])).content.decode()
    assert settlement.settle(payment).status == "declined"


def gateway_says(payment):
    return get_gateway("unionpay").fetch(purchase_of(payment))


def notification_of(transaction):
    fields = transactions.notice(store.get("unionpay", transaction["id"]))
    assert (fields["respCode"], fields["respMsg"]) == ("73", "支付卡已超过有效期[1000073]")
    return form_encoded(envelope.signed_fields(fields))


def test_the_stand_in_notifies_of_what_it_refuses_later(arm, gateway, make_purchase):
    arm(on="purchase", fault="late_code", code="60")
    purchase = make_purchase()
    started = gateway.start(purchase, encrypted_card())
    assert started.gateway_id
    assert decided(gateway, purchase) == Declined("60")
    until(lambda: (None, bool(unionpay_sandbox.notifications_about(purchase))))
    (_, _, body), *_ = unionpay_sandbox.notifications_about(purchase)
    assert b"respCode=60" in body


IDENTITY = {
    "version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType", "merId", "orderId",
    "txnTime", "respCode", "respMsg", "signPubKeyCert", "signature",
}  # fmt: skip


def test_refusals_have_the_shapes_that_were_recorded(gateway, make_purchase, settings):
    """The front layer echoes all it was sent, also what is empty, under its own certificate; the layer behind
    it echoes what identifies the transaction.
    """
    sent = messages.onsite_purchase(make_purchase(), encrypted_card()) | {"accNo": "", "encryptCertId": ""}
    own = str(certificates.merchant_key().certificate.serial_number)

    front = asked(sent)
    assert set(front) == set(sent) | IDENTITY | {"certId"}
    assert (front["respCode"], front["respMsg"]) == ("10", "[9100003]Invalid field[accNo]")
    assert (front["accNo"], front["encryptCertId"]) == ("", "")
    assert front["certId"] != own

    purchase = make_purchase()
    gateway.start(purchase, encrypted_card())
    sent = messages.onsite_purchase(purchase, encrypted_card())
    duplicate = asked(sent)
    assert set(duplicate) == IDENTITY | {"accNo", "txnAmt", "currencyCode"}
    assert (duplicate["respCode"], duplicate["respMsg"]) == ("12", "重复交易[2010002]")

    settings.UNIONPAY_CARD_BIZ_TYPE = "000902"
    unpermitted = asked(messages.onsite_purchase(make_purchase(), encrypted_card()) | {"bizType": "000301"})
    assert set(unpermitted) == IDENTITY | {"accNo", "txnAmt", "currencyCode"}
    assert (unpermitted["respCode"], unpermitted["respMsg"]) == ("32", "无此交易权限[6131010]")
