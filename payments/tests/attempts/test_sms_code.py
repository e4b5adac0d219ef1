"""Paying with the code of a text message, over HTTP, with the stand-in's bank behind it."""

import datetime as dt
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import limits, services, settlement
from payments.gateways.unionpay import client as wire_client
from payments.gateways.unionpay import messages
from payments.models import LedgerEntry, Payment
from payments.sandbox import mailbox, store
from payments.sandbox.unionpay import sms as bank
from payments.sandbox.unionpay import transactions
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.card_page import posted
from payments.tests.harness.unionpay_sandbox import (
    encrypted_card,
)
from shop import clock
from shop.models import Try

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sms_contract")]

real_now = clock.now

SENT = (200, {"sent": True, "resend_after": 60})


@pytest.fixture
def later(monkeypatch):
    """Move the one clock of shop and stand-in."""

    def move(**time):
        monkeypatch.setattr(clock, "now", lambda: real_now() + dt.timedelta(**time))

    return move


@pytest.fixture
def order(db):
    return place(make_cart((make_goods(on_hand=5), 2)))


@pytest.fixture
def card():
    return posted(encrypted_card(phone="85251234567"))


@pytest.fixture
def send(client, order, card):
    def send(**changes):
        answer = client.post(reverse("payments:send_code", args=[order.token]), card | changes)
        return answer.status_code, answer.json()

    return send


@pytest.fixture
def pay(client, order, card):
    def pay(code="111111", **changes):
        values = card | {"method": "unionpay", "sms_code": code, **changes}
        answer = client.post(reverse("payments:pay_with_code", args=[order.token]), values)
        return answer.status_code, answer.json()

    return pay


def address(order, name="progress"):
    return reverse(f"payments:{name}", args=[order.token])


def settled(payment):
    return sandbox.until(
        lambda: (settlement.settle(payment), settlement.settle(payment).status == "captured")
    )


def attempt():
    return Payment.objects.get()


def test_a_code_is_sent_and_the_payment_follows_with_the_same_order_and_time(send, pay, order):
    assert send() == SENT
    waiting = attempt()
    assert waiting.status == Payment.Status.AWAITING
    assert waiting.gateway_id == f"card-{waiting.reference}"

    assert pay() == (200, {"go": address(order)})

    payment = settled(attempt())
    order.refresh_from_db()
    assert order.status == Order.Status.PAID
    assert (payment.reference, payment.started_at) == (waiting.reference, waiting.started_at)
    assert payment.last4 == "0002"
    assert LedgerEntry.objects.get().amount == order.total
    assert pay() == (200, {"go": order.get_absolute_url()})
    assert send() == (200, {"go": order.get_absolute_url()})


def test_the_text_message_lies_in_the_sandboxs_mailbox(send, order):
    send()
    message = store.every(mailbox.KIND)[-1]
    assert message["to"] == "SMS ··4567"
    assert "111111" in message["text"]
    assert f"HKD {order.total}" in message["text"]
    assert "51234567" not in str(store.every(mailbox.KIND))


@pytest.mark.failure("F32")
def test_a_wrong_code_takes_no_money_and_the_same_attempt_takes_the_right_one(send, pay, order, client):
    send()
    first = attempt()
    for code in ("123456", "654321"):
        status, answer = pay(code)
        assert (status, answer["field"]) == (400, "code")
        assert "The code from the text message was wrong. No money was taken." in answer["error"]
    waiting = attempt()
    assert (waiting.status, waiting.problem) == (Payment.Status.AWAITING, "71")
    assert not LedgerEntry.objects.exists()

    assert pay() == (200, {"go": address(order)})
    assert settled(attempt())
    assert attempt().reference == first.reference
    assert LedgerEntry.objects.count() == 1


def test_should_unionpay_take_no_second_code_another_attempt_takes_another_code(
    send, pay, order, monkeypatch
):
    monkeypatch.setattr(transactions, "WRONG_CODE", "none")
    send()
    assert pay("123456")[0] == 400
    status, answer = pay()
    assert (status, answer["expired"]) == (400, True)
    assert attempt().status == Payment.Status.DECLINED
    assert send() == SENT
    assert pay() == (200, {"go": address(order)})
    assert settled(Payment.objects.first())


def test_a_new_code_may_be_asked_for_after_a_minute(send, pay, order, later):
    send()
    status, answer = send()
    assert (status, answer["field"], answer["sent"], answer["resend_after"]) == (429, "code", True, 60)
    assert "A code was sent a moment ago." in answer["error"]
    page = Client().get(address(order, "pay")).content.decode()
    assert "declined" not in page
    later(seconds=61)
    assert send() == SENT
    assert pay() == (200, {"go": address(order)})
    assert settled(attempt())


@pytest.mark.failure("F32")
def test_a_code_that_is_entered_too_late_leads_to_a_new_attempt(send, pay, order, later):
    send()
    later(minutes=11)
    status, answer = pay()
    assert (status, answer["field"], answer["expired"]) == (400, "code", True)
    assert "The time for the code has run out. No money was taken." in answer["error"]
    assert attempt().status == Payment.Status.DECLINED

    assert send() == SENT
    assert pay() == (200, {"go": address(order)})
    assert settled(Payment.objects.first())
    assert [payment.status for payment in Payment.objects.order_by("pk")] == ["declined", "captured"]


def test_after_the_time_to_pay_the_old_code_is_not_even_tried(send, pay, order, later):
    send()
    old = attempt()
    later(minutes=61)
    Order.objects.update(hold_until=clock.now() + dt.timedelta(minutes=5))
    status, answer = pay()
    assert (status, answer["expired"]) == (409, True)
    assert transactions.find(messages.query(old.reference, old.started_at)) is None

    assert send() == SENT
    assert Payment.objects.live().get().reference != old.reference


def test_a_code_without_a_request_for_one_is_not_tried(pay):
    status, answer = pay()
    assert (status, answer["field"], answer["expired"]) == (409, "code", True)
    assert not Payment.objects.exists()


def test_a_code_does_not_pay_after_the_buyer_chose_paypal_elsewhere(send, pay, order):
    send()
    Payment.objects.update(status=Payment.Status.SUPERSEDED)
    assert pay()[0] == 409


@pytest.mark.parametrize("code", ["", "1", "12345", "1234567", "abcdef", "<b>111"])
def test_a_code_that_is_none_is_not_tried(send, pay, code):
    send()
    status, answer = pay(code)
    assert (status, answer) == (400, {"error": "Please enter the six digits of the code.", "field": "code"})
    assert attempt().status == Payment.Status.AWAITING


def test_full_width_digits_and_spaces_are_a_code(send, pay, order):
    send()
    assert pay("１１１ １１１") == (200, {"go": address(order)})


@pytest.mark.parametrize(
    ("card_changes", "field", "says"),
    [
        ({"number": "6250930000009999"}, "number", "could not match"),
        ({"number": "6221558812340000", "phone": "13900000000"}, "phone", "does not know this mobile number"),
    ],
)
def test_what_the_bank_refuses_before_the_code_is_told_at_its_field(send, order, card_changes, field, says):
    status, answer = send(**posted(encrypted_card(**{"phone": "85251234567"} | card_changes)))
    assert (status, answer["field"]) == (400, field)
    assert says in answer["error"]
    assert "No money was taken." in answer["error"]
    assert attempt().status == Payment.Status.DECLINED
    assert send() == SENT
    assert Payment.objects.count() == 2


@pytest.mark.failure("F32")
def test_a_card_that_is_declined_with_the_right_code_is_entered_anew(send, pay, order, client):
    wrong = posted(encrypted_card(phone="85251234567", cvc="999"))
    assert send(**wrong) == SENT
    assert pay(**wrong) == (200, {"go": address(order, "pay")})
    page = client.get(address(order, "pay")).content.decode()
    assert "could not match" in page
    assert "No money was taken." in page


def test_a_silent_gateway_sends_no_code_and_takes_no_money(send, pay, order, settings):
    there = settings.UNIONPAY_GATEWAY
    settings.UNIONPAY_GATEWAY = "http://127.0.0.1:9/gateway/api"
    status, answer = send()
    assert (status, answer["field"]) == (503, "")
    assert "No money was taken." in answer["error"]
    settings.UNIONPAY_GATEWAY = there
    assert send() == SENT
    settings.UNIONPAY_GATEWAY = "http://127.0.0.1:9/gateway/api"
    status, answer = send()
    assert status == 503
    assert "Please enter the code that you have" in answer["error"]
    settings.UNIONPAY_GATEWAY = there
    assert pay() == (200, {"go": address(order)})


@pytest.mark.failure("F31")
def test_the_answer_to_the_payment_is_lost(send, pay, order, monkeypatch):
    send()
    original = wire_client._post

    def lost(url, body):
        original(url, body)
        raise wire_client.requests.Timeout

    with monkeypatch.context() as patch:
        patch.setattr(wire_client, "_post", lost)
        assert pay() == (200, {"go": address(order)})
    assert attempt().status == Payment.Status.CAPTURING
    assert pay() == (200, {"go": address(order)})
    assert send() == (200, {"go": address(order)})
    assert settled(attempt())
    assert LedgerEntry.objects.count() == 1


def test_a_changed_order_is_looked_at_first(send, order):
    Order.objects.update(revision=2)
    assert send() == (200, {"go": address(order, "pay")})
    assert not Payment.objects.exists()


# --- what is refused
# ---------------------------------------------------------------------------------------------------


def test_a_readable_card_is_refused_and_not_logged(send, caplog):
    for name in ("acc_no", "sms_code", "last4", "phone", "6250930000000002"):
        status, answer = send(**{name: "6250 9300 0000 0002"})
        assert (status, answer["field"]) == (400, "number")
        assert "6250" not in answer["error"]
    assert "6250" not in caplog.text
    assert not Payment.objects.exists()
    assert not Try.objects.exists()


@pytest.mark.parametrize("name", ["acc_no", "encrypted_info", "encrypt_cert_id", "last4", "revision"])
def test_a_card_that_is_not_encrypted_as_agreed_is_refused(send, name):
    status, answer = send(**{name: "x"})
    assert (status, answer["field"]) == (400, "number")
    assert not Payment.objects.exists()


def test_both_addresses_need_a_csrf_token_and_a_post(order, card):
    strict = Client(enforce_csrf_checks=True)
    for name in ("send_code", "pay_with_code"):
        assert strict.post(address(order, name), card).status_code == 403
        assert strict.get(address(order, name)).status_code == 405


def test_without_the_contract_there_is_neither_field_nor_address(send, order, client, settings):
    assert "card-phone" in client.get(address(order, "pay")).content.decode()
    settings.UNIONPAY_SMS = False
    page = client.get(address(order, "pay")).content.decode()
    assert "card-number" in page
    assert "card-phone" not in page
    for name in ("send_code", "pay_with_code"):
        assert client.post(address(order, name)).status_code == 404


def test_the_telephone_and_the_code_have_no_names_on_the_page(order, client):
    page = client.get(address(order, "pay")).content.decode()
    for field in ("card-phone", "card-code"):
        assert f'<input id="{field}"' in page
    assert 'name="phone' not in page


def test_the_ordinary_form_does_not_charge_a_card_without_a_code(order, client, card):
    answer = client.post(address(order, "pay"), card | {"method": "unionpay"})
    assert "Please enter the six digits of the code." in answer.content.decode()
    assert not Payment.objects.exists()


# --- limits
# ------------------------------------------------------------------------------------------------------------


def test_one_order_gets_so_many_codes_whoever_asks(order, card, later, monkeypatch):
    monkeypatch.setattr(limits, "SENT_PER_ORDER", replace(limits.SENT_PER_ORDER, limit=3))
    for number in range(3):
        browser = Client(REMOTE_ADDR=f"192.0.2.{number}")
        assert browser.post(address(order, "send_code"), card).status_code in {200, 429}
    asked = len(store.every(bank.KIND))
    answer = Client(REMOTE_ADDR="198.51.100.9").post(address(order, "send_code"), card)
    assert answer.status_code == 429
    assert "No money was taken." in answer.json()["error"]
    assert len(store.every(bank.KIND)) == asked
    later(minutes=31)
    assert Client().post(address(order, "send_code"), card).status_code == 200


def test_one_network_gets_so_many_codes(order, card, monkeypatch):
    monkeypatch.setattr(limits, "SENT_PER_NETWORK", replace(limits.SENT_PER_NETWORK, limit=1))
    other = place(make_cart((make_goods("TEA-902"), 1)))
    assert Client().post(address(order, "send_code"), card).status_code == 200
    assert Client().post(address(other, "send_code"), card).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").post(address(other, "send_code"), card).status_code == 200


def test_an_attempt_too_many_is_told_beside_the_code(send, order, monkeypatch):
    monkeypatch.setattr(limits, "PER_ORDER", replace(limits.PER_ORDER, limit=1))
    services.get_or_create_attempt(order.pk, method=Payment.Method.PAYPAL, revision=1)
    status, told = send()
    assert (status, told["field"], Payment.objects.count()) == (429, "code", 1)
    assert "Your order stays as it is" in told["error"]


def test_codes_cannot_be_guessed_for_long(send, pay, monkeypatch):
    monkeypatch.setattr(limits, "CODE_GUESSES", replace(limits.CODE_GUESSES, limit=3))
    send()
    for _ in range(3):
        assert pay("123456")[0] == 400
    assert pay()[0] == 429
    assert attempt().status == Payment.Status.AWAITING


def test_neither_telephone_nor_code_is_stored_or_logged(send, pay, caplog, client):
    caplog.set_level("DEBUG")
    send()
    pay("123456")
    pay("111222")
    rows = [list(model.objects.values()) for model in (Payment, Try)]
    kept = caplog.text + str(rows) + str(dict(client.session)) + str(store.every("unionpay"))
    kept += (store.folder() / "log.jsonl").read_text()
    for secret in ("51234567", "111222", "phoneNo", "smsCode"):
        assert secret not in kept
