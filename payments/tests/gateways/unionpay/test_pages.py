"""UnionPay in the shop: the ways back, what a query leaves open, and certificates that nobody knows."""

import dataclasses
import re

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from checkout import order_access
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import closing, settlement
from payments.attempts import services as attempts
from payments.gateways.base import GatewayError, Misconfigured
from payments.gateways.unionpay import certificates, checked_card
from payments.gateways.unionpay.wire import form_encoded
from payments.models import GatewayEvent, LedgerEntry, Payment
from payments.models.payment import REFUSES_US, UNREACHABLE
from payments.sandbox import store
from payments.sandbox.unionpay import envelope, notifications, pki, transactions
from payments.sandbox.unionpay.cards import Card
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.card_page import posted
from payments.tests.harness.unionpay_sandbox import (
    encrypted_card,
)
from payments.webhooks import inbox
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
METHOD = Payment.Method


@pytest.fixture(autouse=True)
def _shop(settings, unionpay_sandbox, monkeypatch):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    monkeypatch.setattr(notifications, "deliver", lambda *_: None)  # each test delivers by itself, or not


@pytest.fixture
def order(db):
    return place(make_cart((make_goods(on_hand=5), 2)))


@pytest.fixture
def on_page(order, client):
    """The buyer has paid on UnionPay's page: the transaction as the stand-in knows it."""
    answer = client.post(reverse("payments:pay", args=[order.token]), {"method": "unionpay", "revision": 1})
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.content.decode()))
    assert fields["bizType"] == "000201"
    payment = Payment.objects.get()
    transaction = transactions.begin({**fields, "txnAmt": fields["txnAmt"]})
    transactions.decide(transaction, "00", last4="0002", at_once=True)
    return payment, store.get("unionpay", transaction["id"])


def front_return(transaction, **changes):
    fields = envelope.signed_fields(transactions.notice(transaction, text="success")) | changes
    return Client().post(reverse("gateways:unionpay_return"), form_encoded(fields), content_type=FORM)


def back_notification(transaction, **changes):
    fields = envelope.signed_fields(transactions.notice(transaction)) | changes
    address = reverse("gateways:notify", args=["unionpay"])
    answer = Client().post(address, form_encoded(fields), content_type=FORM)
    for event in GatewayEvent.objects.filter(processed_at=None).exclude(is_verified=False):
        inbox.process(event)
    return answer


def status_of(order):
    order.refresh_from_db()
    return order.status


@pytest.mark.failure("F46")
def test_the_front_return_alone_suffices(order, on_page):
    payment, transaction = on_page
    answer = front_return(transaction)
    assert answer.status_code == 303
    assert answer.url.endswith(f"/pay/{order.token}/")
    assert status_of(order) == Order.Status.PAID
    assert not GatewayEvent.objects.exists()
    assert LedgerEntry.objects.get().payment == payment


@pytest.mark.failure("F46")
def test_the_back_notification_alone_suffices(order, on_page):
    _, transaction = on_page
    assert back_notification(transaction).status_code == 200
    assert status_of(order) == Order.Status.PAID
    assert LedgerEntry.objects.count() == 1


@pytest.mark.failure("F46")
def test_both_in_any_order_and_often_pay_once(order, on_page):
    _, transaction = on_page
    for tell in (front_return, back_notification, back_notification, front_return):
        tell(transaction)
    assert status_of(order) == Order.Status.PAID
    assert LedgerEntry.objects.count() == 1
    assert OutboxMessage.objects.filter(topic="mail.order_confirmation").count() == 1


@pytest.mark.failure("F46")
@pytest.mark.parametrize("tell", [front_return, back_notification])
@pytest.mark.parametrize(
    "changes",
    [
        {"txnAmt": "1"},
        {"respCode": "A6"},
        {"queryId": "1" * 21},
        {"signature": "AAAA"},
        {"signPubKeyCert": "-----BEGIN CERTIFICATE-----"},
        {"extra": ""},
    ],
)
def test_what_was_tampered_with_is_ignored(order, on_page, monkeypatch, tell, changes):
    """Not even asked about: the query would find the money."""
    payment, transaction = on_page
    monkeypatch.setattr(attempts, "get_gateway", lambda code: pytest.fail("the gateway was asked"))
    answer = tell(transaction, **changes)
    assert answer.status_code in {302, 400}
    payment.refresh_from_db()
    assert (status_of(order), payment.status) == (Order.Status.PENDING, Payment.Status.AWAITING)


@pytest.mark.failure("F46")
def test_an_unsigned_return_by_a_bare_get_only_makes_us_ask(order, on_page):
    payment, _ = on_page
    answer = Client().get(reverse("gateways:unionpay_return"), {"orderId": payment.reference})
    assert status_of(order) == Order.Status.PAID
    assert answer.url == reverse("catalog:home")  # a reference can be guessed, an order's link cannot


def test_a_bare_get_leads_the_buyers_own_browser_to_the_order(order, on_page):
    payment, _ = on_page
    buyer, answer = Client(), HttpResponse()
    order_access.grant(RequestFactory().get("/"), answer, order)
    buyer.cookies = answer.cookies
    back = buyer.get(reverse("gateways:unionpay_return"), {"orderId": payment.reference})
    assert order.token in back.url


@pytest.mark.parametrize("kind", [FORM, f"{FORM} ", "application/x-www-form- urlencoded"])
def test_a_signed_return_leads_to_the_order_that_it_names_whatever_its_address_says(order, on_page, kind):
    _, transaction = on_page
    other = place(make_cart((make_goods("TEA-901", on_hand=5), 1)))
    strange = attempts.get_or_create_attempt(other.pk, method=METHOD.UNIONPAY_PAGE, revision=1)
    body = form_encoded(envelope.signed_fields(transactions.notice(transaction, text="success")))
    address = reverse("gateways:unionpay_return") + f"?orderId={strange.reference}"
    answer = Client().post(address, body, content_type=kind)
    assert (order.token in answer.url) is ("- " not in kind)
    assert other.token not in answer.url


def test_a_return_in_another_form_than_unionpays_is_none(order, on_page):
    payment, _ = on_page
    answer = Client().post(reverse("gateways:unionpay_return"), {"orderId": payment.reference})  # multipart
    assert (answer.status_code, answer.url) == (302, reverse("catalog:home"))
    assert status_of(order) == Order.Status.PENDING


# --- what a query leaves open
# ------------------------------------------------------------------------------------------


@pytest.fixture
def charged(order):
    """A card was sent; the bank has not decided."""

    def charge(**changes):
        card = encrypted_card(**changes)
        return attempts.pay(order.pk, method=METHOD.UNIONPAY_CARD, revision=1, card=card)

    return charge


@pytest.mark.failure("F47")
@pytest.mark.parametrize("code", ["03", "04", "05", "83", "99", "ZZ"])
def test_an_open_result_stays_unknown_and_is_asked_for_again(order, charged, monkeypatch, code):
    payment = charged()
    with monkeypatch.context() as patch:
        patch.setattr(transactions, "state", lambda _: code)
        for _ in range(3):
            before = payment.checks
            payment = settlement.settle(payment)
            assert payment.status == Payment.Status.CAPTURING
            assert payment.checks > before
            assert payment.next_check_at is not None
        with pytest.raises(attempts.InProgress):
            attempts.pay(order.pk, method=METHOD.PAYPAL, revision=1)
        closing.expire_order(order.pk)
        assert status_of(order) == Order.Status.PENDING

    paid = sandbox.until(
        lambda: (settlement.settle(payment), settlement.settle(payment).status == "captured")
    )
    assert paid.pays_order
    assert LedgerEntry.objects.count() == 1


@pytest.mark.failure("F32")
@pytest.mark.parametrize(
    ("card", "code", "says"),
    [
        ({"cvc": "999"}, "65", "could not match the card number"),
        ({"expiry": "2001"}, "73", "could not match the card number"),
        ({"number": "6250930000009999"}, "61", "could not match the card number"),
    ],
)
def test_a_declined_card_keeps_the_order_and_its_stock_and_another_way_is_open(
    order, charged, client, card, code, says
):
    held = order.lines.get().variant
    payment = charged(**card)
    held.refresh_from_db()
    assert (payment.status, payment.problem) == (Payment.Status.DECLINED, code)
    assert (status_of(order), held.reserved) == (Order.Status.PENDING, 2)
    page = client.get(reverse("payments:pay", args=[order.token])).content.decode()
    assert says in page
    assert "No money was taken." in page

    again = charged()
    assert again.reference != payment.reference
    assert again.status == Payment.Status.CAPTURING


# --- certificates that nobody knows
# ------------------------------------------------------------------------------------


@pytest.fixture
def foreign_signer(monkeypatch):
    """The stand-in signs with a certificate of a CA that the shop has never heard of."""
    stranger = pki.issue(f"041@8310000000083040@{pki.GATEWAY_NAME}@1", pki.issue("ELSEWHERE", ca=True))
    real = pki.key_pair
    monkeypatch.setattr(pki, "key_pair", lambda name: stranger if name == "signing" else real(name))


@pytest.mark.failure("F48")
def test_a_new_ca_at_the_gateway_calls_staff_and_loses_no_payment(
    order, charged, foreign_signer, monkeypatch
):
    payment = charged()
    payment = settlement.settle(payment)
    assert (payment.status, payment.problem) == (Payment.Status.CAPTURING, REFUSES_US)
    alarm = OutboxMessage.objects.get(topic="mail.payment_alarm")
    assert "untrusted" in alarm.payload["note"]

    monkeypatch.undo()
    paid = sandbox.until(
        lambda: (settlement.settle(payment), settlement.settle(payment).status == "captured")
    )
    assert paid.pays_order


@pytest.mark.failure("F48")
def test_a_forged_answer_under_a_known_certificate_is_asked_for_again(order, charged, monkeypatch):
    with monkeypatch.context() as patch:
        sealed = envelope.signed_fields
        patch.setattr(envelope, "signed_fields", lambda fields: sealed(fields) | {"txnAmt": "1"})
        payment = charged()
    assert (payment.status, payment.problem) == (Payment.Status.CAPTURING, UNREACHABLE)
    assert sandbox.until(lambda: (settlement.settle(payment), settlement.settle(payment).pays_order))


@pytest.mark.failure("F48")
def test_several_signing_certificates_are_good_at_once(gateway, make_purchase, monkeypatch):
    real = pki.key_pair
    for serial in ("00016495", "00099998"):
        renewed = pki.issue(f"041@8310000000083040@{pki.GATEWAY_NAME}@{serial}", real("middle"))
        with monkeypatch.context() as patch:
            patch.setattr(pki, "key_pair", lambda name, new=renewed: new if name == "signing" else real(name))
            assert gateway.fetch(make_purchase()).code == "34"


@pytest.mark.failure("F48")
def test_a_card_for_a_certificate_that_nobody_knows_is_entered_anew(order, client):
    values = posted(encrypted_card()) | {"method": "unionpay", "encrypt_cert_id": "1" * 38}
    answer = client.post(reverse("payments:pay", args=[order.token]), values)
    assert answer.status_code == 200
    assert "Please enter it once more." in answer.content.decode()
    assert not Payment.objects.exists()


@pytest.mark.failure("F48")
def test_pages_open_while_the_encryption_certificate_changed_can_still_pay(
    gateway, make_purchase, settings, tmp_path
):
    for path in settings.UNIONPAY_CERT_DIR.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings.UNIONPAY_CERT_DIR = tmp_path
    old = encrypted_card()
    new = pki.issue("041@Z2026@00040000:SIGN@00000099", pki.key_pair("middle"))
    assert certificates.replace_encryption_certificate(new.certificate) is True
    assert checked_card(*dataclasses.astuple(old)) == old
    assert checked_card(*dataclasses.astuple(encrypted_card())).encrypt_cert_id == str(
        new.certificate.serial_number
    )


@pytest.mark.failure("F48")
def test_a_foreign_chain_is_a_fact_for_a_person_not_a_crash(gateway, make_purchase, foreign_signer):
    with pytest.raises(Misconfigured, match="untrusted") as caught:
        gateway.fetch(make_purchase())
    assert isinstance(caught.value, GatewayError)


def test_no_card_is_in_what_the_stand_in_keeps(charged):
    charged()
    assert "6250930000000002" not in str(store.every("unionpay"))
    assert "6250930000000002" not in repr(Card("6250930000000002", "3312", "123", "85251234567", "111111"))
