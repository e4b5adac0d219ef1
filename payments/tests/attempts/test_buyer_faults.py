"""What buyers and browsers do: two tabs, the back button, a closed tab, a change of mind.

Over the real views, with the stand-in behind them: one order, paid once, or nothing at all.
"""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import TYPED, URL, add, make_goods, quote_of
from payments import tasks
from payments.attempts import services as attempts
from payments.attempts import settlement, views
from payments.gateways import override
from payments.models import GatewayEvent, LedgerEntry, Payment, Refund
from payments.refunds import services as refunds
from payments.tests.harness import rehearsal
from payments.webhooks import inbox as shop_inbox
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db

PAYPAL, _CARD, PAGE = Payment.Method


@pytest.fixture(autouse=True)
def gateway(paypal, monkeypatch, sandbox, settings):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    monkeypatch.setattr(views, "GATEWAY_ORIGINS", [sandbox])
    with override("paypal", paypal):
        yield paypal


@pytest.fixture
def captures_asked(sandbox):
    """How often the shop has asked PayPal to take the money of an order."""

    def count(order):
        references = order.payments.values_list("reference", flat=True)
        return sum(len(rehearsal.log(sandbox, "capture", reference)) for reference in references)

    return count


def check_out(client, **changes) -> Order:
    page = client.get(URL)
    response = client.post(URL, {**TYPED, "quote": quote_of(page), **changes})
    assert response.status_code == 302, response.content
    return Order.objects.get(token=response.url.rstrip("/").rsplit("/", 1)[1])


def page_of(order, name="pay"):
    return reverse(f"payments:{name}", args=[order.token])


def start_paypal(client, order) -> str:
    """Press Pay; PayPal's page."""
    response = client.post(page_of(order), {"method": "paypal", "revision": order.revision})
    assert response.status_code == 303, response.content
    return response.url


def come_back(client, order, approved: str):
    return client.get(f"{page_of(order, 'return')}?{approved.split('?', 1)[1]}")


def pay_by_paypal(client, order, approve) -> None:
    come_back(client, order, approve(start_paypal(client, order)))
    order.refresh_from_db()
    assert order.is_paid


@pytest.mark.failure("F51")
def test_two_tabs_with_one_cart_are_one_order(client):
    add(client, make_goods(on_hand=5), 1)
    first, second = check_out(client), check_out(client)
    assert first == second


@pytest.mark.failure("F51")
def test_a_second_tab_with_a_changed_cart_has_to_look_again(client):
    tea = make_goods(on_hand=5)
    add(client, tea, 1)
    typed = {**TYPED, "quote": quote_of(client.get(URL))}
    add(client, tea, 1)
    response = client.post(URL, typed)
    assert "has changed from 1 to 2" in response.content.decode()
    assert not Order.objects.exists()


@pytest.mark.failure("F52")
def test_going_back_after_paying_and_posting_again_shows_the_order(client, approve):
    add(client, make_goods(on_hand=5), 1)
    typed = {**TYPED, "quote": quote_of(client.get(URL))}
    client.post(URL, typed)
    order = Order.objects.get()
    pay_by_paypal(client, order, approve)
    again = client.post(page_of(order), {"method": "paypal", "revision": order.revision})
    assert again.url == order.get_absolute_url()
    assert client.post(URL, typed).url == order.get_absolute_url()
    assert Order.objects.count() == Payment.objects.count() == LedgerEntry.objects.count() == 1


@pytest.mark.failure("F53")
def test_what_is_added_while_the_buyer_pays_stays_in_the_cart_and_changes_no_amount(client, approve):
    tea, cup = make_goods(on_hand=5), make_goods("CUP-900", price="88.00", on_hand=5)
    add(client, tea, 1)
    order = check_out(client)
    page = start_paypal(client, order)
    add(client, tea, 2)
    add(client, cup, 1)
    come_back(client, order, approve(page))
    order.refresh_from_db()
    assert order.is_paid
    assert [line.quantity for line in order.lines.all()] == [1]
    assert LedgerEntry.objects.get().amount == order.total
    token = client.session["cart"]["token"]
    for _ in range(2):  # the confirmation may be looked at any number of times
        client.get(order.get_absolute_url())
    assert client.session["cart"]["items"] == {str(tea.pk): 2, str(cup.pk): 1}
    assert client.session["cart"]["token"] != token  # a cart of its own
    second = check_out(client)
    assert second != order
    assert {line.sku: line.quantity for line in second.lines.all()} == {"TEA-900": 2, "CUP-900": 1}


@pytest.mark.failure("F54")
def test_after_switching_to_unionpay_the_first_attempt_is_never_captured(client, approve):
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    paypals_page = start_paypal(client, order)
    client.post(page_of(order), {"method": "unionpay", "revision": 1})
    first, second = order.payments.order_by("pk")
    assert (first.status, second.method) == (Payment.Status.SUPERSEDED, PAGE)
    come_back(client, order, approve(paypals_page))  # the buyer approves it all the same
    order.refresh_from_db()
    first.refresh_from_db()
    assert (order.status, first.status) == (Order.Status.PENDING, Payment.Status.SUPERSEDED)
    assert not LedgerEntry.objects.exists()


@pytest.mark.failure("F54")
def test_money_of_both_attempts_is_kept_once_and_given_back_once(client, approve, gateway, deliver_outbox):
    """The first attempt's money was on its way when the buyer switched and paid again."""
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    approve(start_paypal(client, order))
    first = order.payments.get()
    gateway.capture(attempts.purchase_of(first))
    client.post(page_of(order), {"method": "unionpay", "revision": 1})
    pay_by_paypal(client, order, approve)  # and back again: a third attempt
    settlement.settle(first)
    for refund in Refund.objects.all():
        refunds.execute_refund(refund.pk)
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == order.total
    assert Refund.objects.get().payment == first
    assert order.payments.get(pays_order=True) != first
    assert OutboxMessage.objects.filter(topic="mail.payment_refunded").count() == 1


@pytest.mark.failure("F55")
def test_a_closed_tab_after_the_approval_is_settled_by_the_sweep(client, approve, travel):
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    approve(start_paypal(client, order))  # and nobody comes back
    travel(minutes=2)
    tasks.sweep()
    order.refresh_from_db()
    assert order.is_paid


@pytest.mark.failure("F57")
def test_goods_sold_meanwhile_are_told_and_no_gateway_is_called(client):
    tea = make_goods(on_hand=2)
    add(client, tea, 2)
    page = client.get(URL)
    other = Client()
    add(other, tea, 1)
    check_out(other)
    response = client.post(URL, {**TYPED, "quote": quote_of(page)}, follow=True)
    assert "Only 1 left." in response.content.decode()
    assert Order.objects.count() == 1
    assert not Payment.objects.exists()


@pytest.mark.failure("F59")
def test_a_return_without_any_cookie_settles_and_shows_nothing_personal(client, approve):
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    approved = approve(start_paypal(client, order))
    stranger = Client()
    page = stranger.get(come_back(stranger, order, approved).url).content.decode()
    order.refresh_from_db()
    assert order.is_paid
    assert "Your payment has been received" in page
    assert "mei@example.com" not in page
    assert "Nathan Road" not in page


@pytest.mark.failure("F60")
def test_the_language_may_change_while_paying(client, approve):
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client, phone="９１２３ ４５６７")
    assert order.phone == "+85291234567"
    approved = approve(start_paypal(client, order))
    query = approved.split("?", 1)[1]
    response = client.get(f"/zh-hant/pay/{order.token}/return/?{query}", follow=True)
    assert "訂單確認" in response.content.decode()


@pytest.mark.failure("F61")
def test_after_cancelling_at_paypal_the_order_can_be_paid_in_any_way(client, approve):
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    page = start_paypal(client, order)
    told = client.get(page_of(order, "cancel"), follow=True).content.decode()
    assert "No money was taken." in told
    assert start_paypal(client, order) == page  # the same attempt goes on
    client.post(page_of(order), {"method": "unionpay", "revision": 1})
    assert order.payments.first().method == PAGE
    pay_by_paypal(client, order, approve)
    assert Order.objects.count() == 1


@pytest.mark.failure("F61")
def test_a_cancelled_payment_expires_with_the_hold(client, travel):
    tea = make_goods(on_hand=5)
    add(client, tea, 1)
    order = check_out(client)
    start_paypal(client, order)
    travel(minutes=31)
    tasks.expire_orders()
    order.refresh_from_db()
    tea.refresh_from_db()
    assert (order.status, tea.reserved) == (Order.Status.EXPIRED, 0)
    assert order.payments.get().status == Payment.Status.EXPIRED


def deliver(client, notification, times=1):
    """Bring a notification to the shop, and have the worker act on it."""
    headers, body = notification
    kept = {name: value for name, value in headers.items() if name.lower().startswith("paypal")}
    for _ in range(times):
        answer = client.post("/pay/notify/paypal/", body, content_type="application/json", headers=kept)
        assert answer.status_code == 200
        for event in GatewayEvent.objects.all():
            shop_inbox.process(event)


@pytest.mark.failure("F34")
def test_five_copies_of_each_notification_have_one_effect(client, approve, inbox):
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    approve(start_paypal(client, order))
    payment = order.payments.get()
    deliver(client, inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id), times=5)
    order.refresh_from_db()
    assert order.is_paid
    payment.refresh_from_db()
    deliver(client, inbox("PAYMENT.CAPTURE.COMPLETED", payment.capture_reference), times=5)
    assert LedgerEntry.objects.count() == 1
    assert OutboxMessage.objects.filter(topic="mail.order_confirmation").count() == 1
    assert GatewayEvent.objects.filter(processed_at=None).count() == 0
    assert GatewayEvent.objects.count() == 2


@pytest.mark.failure("F36")
def test_notifications_in_the_wrong_order_end_as_in_the_right_one(client, approve, gateway, inbox):
    """The capture is told before the approval, and neither before anybody came back."""
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    approve(start_paypal(client, order))
    payment = order.payments.get()
    capture = gateway.capture(attempts.purchase_of(payment))  # its answer was lost
    deliver(client, inbox("PAYMENT.CAPTURE.COMPLETED", capture.reference))
    deliver(client, inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id))
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status) == (Order.Status.PAID, Payment.Status.CAPTURED)
    assert LedgerEntry.objects.count() == 1


@pytest.mark.failure("F35")
@pytest.mark.parametrize("goods_are_left", [True, False])
def test_money_told_of_after_three_days_revives_the_order_or_goes_back(
    client, approve, gateway, travel, goods_are_left
):
    tea = make_goods(on_hand=1)
    add(client, tea, 1)
    order = check_out(client)
    approve(start_paypal(client, order))
    payment = order.payments.get()
    gateway.capture(attempts.purchase_of(payment))  # PayPal has the money; nobody told us
    with transaction.atomic():
        checkout.expire(Order.objects.lock(order.pk))
    if not goods_are_left:
        other = Client(REMOTE_ADDR="198.51.100.7")  # to those around it a last piece is not sold just now
        add(other, tea, 1)
        check_out(other)
    travel(days=3)
    settlement.settle(payment)
    for refund in Refund.objects.all():
        refunds.execute_refund(refund.pk)
    order.refresh_from_db()
    balance = sum(entry.amount for entry in LedgerEntry.objects.all())
    if goods_are_left:
        assert (order.status, balance) == (Order.Status.PAID, order.total)
    else:
        assert (order.status, balance) == (Order.Status.EXPIRED, 0)
        assert OutboxMessage.objects.filter(topic="mail.payment_refunded").exists()


@pytest.mark.failure("F32")
def test_a_declined_instrument_leads_back_to_paypal_with_the_order_open(client, approve, captures_asked):
    """The same order can be approved with other funding; that is another capture under another key."""
    add(client, make_goods(on_hand=5), 1)
    order = check_out(client)
    page = start_paypal(client, order)
    key = order.payments.get().capture_key
    back = come_back(client, order, approve(page, funding="declined"))
    assert "No money was taken." in client.get(back.url).content.decode()
    payment = order.payments.get()
    assert (payment.status, payment.order.status) == (Payment.Status.AWAITING, Order.Status.PENDING)
    assert payment.capture_key != key
    assert payment.order.lines.get().variant.reserved == 1
    assert start_paypal(client, order) == page
    come_back(client, order, f"{page}&PayerID=X")  # the old address once more: nobody has agreed
    assert captures_asked(order) == 1
    come_back(client, order, approve(page))
    order.refresh_from_db()
    assert order.is_paid
