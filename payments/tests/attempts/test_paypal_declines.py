"""PayPal says no to a capture: nobody's money is taken, and the buyer can go on at once. Over real HTTP.

Each exchange is judged by PayPal's own description.
"""

from dataclasses import replace
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order
from payments import tasks
from payments.attempts import outcomes, settlement
from payments.attempts import services as attempts
from payments.gateways import override as overridden
from payments.gateways.base import Unfinished
from payments.health import report
from payments.models import GatewayEvent, Payment
from payments.sandbox import store
from payments.tests.harness import rehearsal
from payments.tests.harness.paypal_scenes import awaiting, books, deliver, history, order_of, sent, take
from shop import clock
from shop.devstack import failpoints

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


STATES = {
    "declined": {"en": "declined", "zh-hant": "未獲批准"},
    "awaiting": {"en": "awaiting the buyer or the bank", "zh-hant": "等待買家或銀行"},
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


def told_staff(merchant, payment, language):
    """What the payment's page in the administration says about it: the same, and its state."""
    with override(language):
        url = reverse("admin:payments_payment_change", args=[payment.pk])
        return merchant.get(url).content.decode().replace("&#x27;", "'")


@pytest.fixture
def merchant(db):
    browser = Client()
    browser.force_login(User.objects.create_superuser("boss", password="x"))
    return browser


@pytest.mark.failure("F32")
def test_a_refused_capture_lets_the_buyer_choose_another_way_at_once(arm, approve, client, merchant):
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
            page = told_staff(merchant, payment, language)
            assert all(shown in page for shown in (text, issue, STATES["declined"][language]))
        revision = order_of(payment).revision
        other = attempts.get_or_create_attempt(payment.order_id, method="unionpay-page", revision=revision)
        assert other.pk != payment.pk
        assert settlement.settle(payment).status == "declined"
    assert sent("mail.payment_alarm") == 2  # the last two


@pytest.mark.failure("F32")
@pytest.mark.parametrize(
    ("issue", "note", "chinese", "finding"),
    [
        (
            "PAYEE_FX_RATE_ID_EXPIRED",
            "PayPal declined with a code that is not known here: ",
            "PayPal以商店不認識的代碼拒絕付款",
            {
                "en": "PayPal declined with {}, which the shop does not know. Payments: 1. "
                "No money was taken.",
                "zh-hant": "PayPal以商店不認識的代碼{}拒絕付款。涉及付款:1筆。未扣款。",
            },
        ),
        (
            "AUTH_CAPTURE_NOT_ENABLED",
            "PayPal refuses us: ",
            "PayPal拒絕了商店",
            {
                "en": "PayPal refused the shop with {}. Payments: 1. No money was taken.",
                "zh-hant": "PayPal以代碼{}拒絕了商店。涉及付款:1筆。未扣款。",
            },
        ),
    ],
)
def test_staff_hear_of_a_refusal_that_is_not_the_buyers(
    arm, approve, mailoutbox, issue, note, chinese, finding
):
    payment = awaiting()
    approve(payment.approve_url)
    arm("capture", "decline", issue=issue)
    for _ in range(2):
        payment = settlement.settle(payment)

    assert history(payment).count(f"{payment.reference}: {note}{issue}; no money was taken") == 1
    assert sent("mail.payment_alarm") == 1
    deliver("mail.payment_alarm")
    assert f"{chinese}：{issue}（{payment.reference}）；未扣款" in mailoutbox[0].body
    for language, text in finding.items():
        with override(language):
            (check,) = report.checks("refusals")
        assert (check.state, [each.text for each in check.findings]) == ("note", [text.format(issue)])


@pytest.mark.failure("F42")
def test_a_token_that_paypal_goes_on_refusing_is_told_to_buyer_and_staff(arm, client, merchant):
    arm("create", "unauthorized", times=0)
    payment = awaiting()
    for language, text in OUT_OF_ORDER.items():
        assert text in told(client, payment, language)
        assert text in told_staff(merchant, payment, language)
    assert sent("mail.payment_alarm") == 1


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


# --- after INSTRUMENT_DECLINED nothing is captured again by itself

KEPT = pytest.mark.parametrize("leaves", ["PAYER_ACTION_REQUIRED", "APPROVED"])
DECLINE = {  # as staff read it in the order's history
    "en": ": PayPal declined: INSTRUMENT_DECLINED; no money was taken",
    "zh-hant": "：PayPal拒絕付款：INSTRUMENT_DECLINED；未扣款",
}
OTHER_FUNDING = {
    "en": "PayPal could not take this payment. No money was taken. "
    "Please choose another way to pay at PayPal, or a UnionPay credit card.",
    "zh-hant": "PayPal未能處理這筆付款。未扣款。請在PayPal選擇其他支付方式,或改用銀聯信用卡。",
}


@pytest.fixture
def declined(arm, approve):
    """An attempt whose buyer has agreed, and whose card PayPal has declined."""

    def decline(leaves, number=900):
        payment = awaiting(number)
        approve(payment.approve_url)
        arm("capture", "decline", leaves=leaves)
        return settlement.settle(payment)

    return decline


def captures_asked(sandbox, order):
    """How often the shop has asked PayPal to take the money of this order."""
    references = [payment.reference for payment in order.payments.all()]
    return sum(len(rehearsal.log(sandbox, "capture", reference)) for reference in references)


def pay_again(payment):
    return attempts.pay(payment.order_id, method="paypal", revision=order_of(payment).revision)


@KEPT
@pytest.mark.failure("F32", "F34")
def test_nothing_captures_again_the_money_of_a_buyer_who_was_told_that_none_was_taken(
    sandbox, declined, inbox, client, merchant, travel, leaves
):
    payment = declined(leaves)
    approval = inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id)
    for wait in (0, 1, 64, 134, 3600):
        travel(seconds=wait)
        take(*approval)
        GatewayEvent.objects.update(processed_at=None)  # PayPal tells twice of some approvals
        tasks.sweep()
        client.get(reverse("payments:return", args=[payment.order.token]), {"token": payment.gateway_id})
        for language, text in OTHER_FUNDING.items():
            assert text in told(client, payment, language)
            page = told_staff(merchant, payment, language)
            assert all(shown in page for shown in (text, STATES["awaiting"][language]))
            with override(language):
                url = reverse("admin:checkout_order_change", args=[payment.order_id])
            assert DECLINE[language] in merchant.get(url).content.decode()

    assert captures_asked(sandbox, payment.order) == 1
    assert (order_of(payment).status, books(payment)) == (Order.Status.PENDING, [])


@KEPT
@pytest.mark.failure("F32")
def test_a_newer_approval_is_captured_once(sandbox, declined, approve, inbox, leaves):
    """Where PayPal keeps the declined approval, a newer one cannot be told from it: it gets a new order."""
    payment = declined(leaves)
    again = pay_again(payment)
    assert (again.pk == payment.pk, again.gateway_id == payment.gateway_id) == (leaves != "APPROVED",) * 2
    assert attempts.handoff(again).url == again.approve_url
    assert pay_again(payment) == again  # any number of clicks

    approve(again.approve_url)
    take(*inbox("CHECKOUT.ORDER.APPROVED", again.gateway_id))
    for one in (payment, again):
        settlement.settle(one)

    assert order_of(payment).is_paid
    assert captures_asked(sandbox, payment.order) == 2  # the declined one, and this
    assert books(again) == [("capture", str(again.amount))]
    assert len(captures_at_paypal(payment)) + (again != payment) * len(captures_at_paypal(again)) == 1


@pytest.mark.failure("F32")
def test_an_approval_that_paypal_has_kept_is_not_captured_when_the_buyer_agrees_once_more_there(
    declined, approve, client
):
    """By the browser's back button. PayPal's order shows no difference; the next click begins a new one."""
    payment = declined("APPROVED")
    approve(payment.approve_url)
    client.get(reverse("payments:return", args=[payment.order.token]), {"token": payment.gateway_id})

    assert (captures_at_paypal(payment), books(payment)) == ([], [])
    assert OTHER_FUNDING["en"] in told(client, payment, "en")
    again = pay_again(payment)
    approve(again.approve_url)
    assert settlement.settle(again).status == "captured"


@KEPT
@pytest.mark.failure("F32", "F10")
def test_a_process_that_dies_after_the_decline_leaves_an_approval_that_nobody_captures(
    sandbox, arm, approve, monkeypatch, leaves
):
    def die(place):
        if place == "after_outcome_recorded":
            raise SystemExit

    payment = awaiting()
    approve(payment.approve_url)
    arm("capture", "decline", leaves=leaves)
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reached", die)
        with pytest.raises(SystemExit):
            settlement.settle(payment)
    payment.refresh_from_db()
    assert payment.approval_declined_at
    assert attempts.handoff(payment) is None  # whatever PayPal's page would make of it

    payment = settlement.settle(payment)
    assert bool(payment.approval_declined_at) == (leaves == "APPROVED")
    assert captures_asked(sandbox, payment.order) == 1


@pytest.mark.failure("F32", "F36")
def test_an_answer_from_before_the_decline_says_nothing_of_the_approval_after_it(declined, sandbox):
    before = Payment.objects.get(pk=awaiting().pk)  # as a process knew it that has been slow
    Payment.objects.filter(pk=before.pk).update(capture_key="another", approval_declined_at=clock.now())
    outcomes.record(before, Unfinished("PAYER_ACTION_REQUIRED"))
    before.refresh_from_db()
    assert before.approval_declined_at

    outcomes.record(before, Unfinished("PAYER_ACTION_REQUIRED"))
    before.refresh_from_db()
    assert before.approval_declined_at is None


@pytest.mark.failure("F32", "F41")
def test_while_paypal_is_silent_after_a_decline_the_buyer_still_reads_that_no_money_was_taken(
    declined, arm, client, travel
):
    payment = declined("APPROVED")
    arm("show", "error", status=503, times=0)
    travel(seconds=64)
    tasks.sweep()
    for language, text in OTHER_FUNDING.items():
        assert text in told(client, payment, language)


@pytest.mark.failure("F32", "F36")
def test_an_attempt_that_was_declined_before_the_update_is_not_captured_after_it(declined, approve):
    """The old code kept no word of the approval. Where none was declined, it is captured as ever."""
    old = declined("APPROVED")
    Payment.objects.filter(pk=old.pk).update(approval_declined_at=None)
    open_one = awaiting(number=901)
    import_module("payments.migrations.0004_approval_declined").mark_declined(apps, None)

    assert settlement.settle(old).status == "awaiting"
    assert (captures_at_paypal(old), books(old)) == ([], [])
    approve(open_one.approve_url)
    assert settlement.settle(open_one).status == "captured"
