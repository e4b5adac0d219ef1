"""PayPal says no to a capture: nobody's money is taken, and the buyer can go on at once. Over real HTTP.

Each exchange is judged by PayPal's own description.
"""

from dataclasses import replace

import pytest
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order
from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.gateways import override as overridden
from payments.health import report
from payments.sandbox import store
from payments.tests.harness import rehearsal
from payments.tests.harness.paypal_scenes import awaiting, books, history, order_of, sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop", "hosts")]

DECLINED = {
    "en": "PayPal declined this payment. No money was taken. Please pay with a UnionPay credit card, "
    "or with another PayPal account.",
    "zh-hant": "PayPal拒絕了這筆付款。未扣款。請使用銀聯信用卡或另一個PayPal賬戶付款。",
}
TOO_LATE = {
    "en": "PayPal's page had been open for too long. No money was taken. Please start the payment again.",
    "zh-hant": "PayPal頁面開啟過久。未扣款。請重新開始付款。",
}
OUT_OF_ORDER = {
    "en": "This way to pay is out of order at the moment. No money was taken. "
    "Please choose the other way to pay; we have been told.",
    "zh-hant": "此支付方式暫時無法使用。未扣款。請選擇另一種支付方式;我們已收到通知並會處理。",
}


@pytest.fixture
def arm(sandbox):
    def order(on, fault, **parameters):
        return rehearsal.arm(sandbox, gateway="paypal", on=on, fault=fault, **parameters)

    yield order
    rehearsal.disarm(sandbox)


def captures_at_paypal(payment):
    orders = [one for one in store.every("paypal-order") if one["unit"]["custom_id"] == payment.reference]
    return [capture for order in orders for capture in order["captures"]]


def told(client, payment, language):
    """What the payment page says to the buyer."""
    with override(language):
        response = client.get(reverse("payments:pay", args=[payment.order.token]), follow=True)
    return response.content.decode().replace("&#x27;", "'")


@pytest.mark.failure("F32")
def test_a_refused_capture_lets_the_buyer_choose_another_way_at_once(arm, approve, client):
    sentences = {
        "PAYMENT_DENIED": DECLINED,
        "PAYER_COUNTRY_NOT_SUPPORTED": DECLINED,
        "TRANSACTION_AMOUNT_EXCEEDS_MONTHLY_MAX_LIMIT": DECLINED,
        "CARD_CLOSED": DECLINED,
        "ORDER_EXPIRED": TOO_LATE,
        "ORDER_COMPLETED_OR_VOIDED": TOO_LATE,
        "PAYEE_FX_RATE_ID_EXPIRED": DECLINED,
        "AUTH_CAPTURE_NOT_ENABLED": OUT_OF_ORDER,
    }
    for number, (issue, sentence) in enumerate(sentences.items(), 900):
        payment = awaiting(number)
        approve(payment.approve_url)
        arm("capture", "decline", issue=issue)
        payment = settlement.settle(payment)

        assert (issue, payment.status, payment.problem) == (issue, "declined", issue)
        assert (order_of(payment).status, books(payment)) == (Order.Status.PENDING, [])
        assert captures_at_paypal(payment) == []
        for language, text in sentence.items():
            assert text in told(client, payment, language), issue
        revision = order_of(payment).revision
        other = attempts.get_or_create_attempt(payment.order_id, method="unionpay-page", revision=revision)
        assert other.pk != payment.pk
        assert settlement.settle(payment).status == "declined"
    assert sent("mail.payment_alarm") == 2  # the last two


@pytest.mark.failure("F32")
@pytest.mark.parametrize(
    ("issue", "note", "finding"),
    [
        (
            "PAYEE_FX_RATE_ID_EXPIRED",
            "PayPal declined with a code that is not known here: ",
            {
                "en": "PayPal declined with {}, which the shop does not know. Payments: 1. "
                "No money was taken.",
                "zh-hant": "PayPal以商店不認識的代碼{}拒絕付款。涉及付款:1筆。未扣款。",
            },
        ),
        (
            "AUTH_CAPTURE_NOT_ENABLED",
            "PayPal refuses us: ",
            {
                "en": "PayPal refused the shop with {}. Payments: 1. No money was taken.",
                "zh-hant": "PayPal以代碼{}拒絕了商店。涉及付款:1筆。未扣款。",
            },
        ),
    ],
)
def test_staff_hear_of_a_refusal_that_is_not_the_buyers(arm, approve, issue, note, finding):
    payment = awaiting()
    approve(payment.approve_url)
    arm("capture", "decline", issue=issue)
    for _ in range(2):
        payment = settlement.settle(payment)

    assert history(payment).count(f"{payment.reference}: {note}{issue}; no money was taken") == 1
    assert sent("mail.payment_alarm") == 1
    for language, text in finding.items():
        with override(language):
            (check,) = report.checks("refusals")
        assert (check.state, [each.text for each in check.findings]) == ("note", [text.format(issue)])


@pytest.mark.failure("F32", "F31")
def test_money_that_was_taken_is_found_whatever_the_refusal_says(arm, approve, shop):
    """Another request of ours had taken it; PayPal words its refusal of this one in a new way."""
    payment = awaiting()
    approve(payment.approve_url)
    fetched = shop.fetch(attempts.purchase_of(payment))
    taken = shop.capture(attempts.purchase_of(payment))
    with overridden("paypal", _Late(shop, fetched)):
        payment = settlement.settle(payment)

    assert (payment.status, payment.capture_reference) == ("captured", taken.reference)
    assert books(payment) == [("capture", str(payment.amount))]


class _Late:
    """A gateway that was asked before the money was taken, and captures only then."""

    captures = True

    def __init__(self, gateway, fetched):
        self._gateway, self._fetched = gateway, fetched

    def fetch(self, purchase):
        return self._fetched

    def capture(self, purchase):
        return self._gateway.capture(replace(purchase, capture_key="another"))
