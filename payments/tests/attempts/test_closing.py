"""The buyer cancels an order that is not paid: the stock is free again, and no money is lost or kept."""

import pytest
from django.core import mail
from django.db import connection

from checkout import services as checkout
from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import closing, outcomes, services, settlement
from payments.gateways import override
from payments.gateways.base import Captured, EncryptedCard, GatewayError, Started
from payments.models import LedgerEntry, Payment, Refund
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked, while_held_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway")]

PAYPAL, CARD, PAGE = Payment.Method


@pytest.fixture
def tea(db):
    return make_goods(on_hand=5)


@pytest.fixture
def order(tea):
    return place(make_cart((tea, 2)))


def start(order, method=PAYPAL):
    return services.pay(order.pk, method=method, revision=order.revision)


def fresh(order):
    return Order.objects.get(pk=order.pk)


def kept(order):
    return sum(entry.amount for entry in LedgerEntry.objects.filter(payment__order=order))


def test_cancelling_frees_the_goods_and_tells_the_buyer_once(order, tea, deliver_outbox):
    start(order)
    for _ in range(2):
        closing.cancel_unpaid(order.pk)
    tea.refresh_from_db()
    assert (fresh(order).status, tea.reserved) == (Order.Status.CANCELLED, 0)
    deliver_outbox()
    assert [message.subject for message in mail.outbox] == [f"Cloud Inkstone: Order cancelled {order.number}"]


def test_an_attempt_under_way_is_given_up(order):
    payment = start(order)
    closing.cancel_unpaid(order.pk)
    payment.refresh_from_db()
    assert payment.status == Payment.Status.SUPERSEDED


def test_approved_money_is_not_taken_from_somebody_who_cancels(order, approve):
    payment = start(order)
    approve(payment.approve_url)
    closing.cancel_unpaid(order.pk)
    assert settlement.settle(payment).status == Payment.Status.SUPERSEDED  # back from PayPal all the same
    assert (fresh(order).status, kept(order)) == (Order.Status.CANCELLED, 0)


def test_a_card_that_may_have_been_charged_keeps_the_order(order):
    payment = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    services.begin_card_charge(payment, EncryptedCard("a", "b", "1", "0048"))

    class Silent:
        captures = False

        def fetch(self, purchase):
            raise GatewayError("timeout")

    with override("unionpay", Silent()), pytest.raises(closing.MayBePaid):
        closing.cancel_unpaid(order.pk)
    assert fresh(order).status == Order.Status.PENDING


def paid_on_the_page(order, gateway_id="page-1"):
    """The buyer has paid on UnionPay's page, and we have not heard of it."""
    payment = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    outcomes.record_start(payment, Started(gateway_id))
    return payment


def captured(payment):
    return Captured(
        reference=f"cap-{payment.pk}",
        amount=payment.amount,
        currency=payment.currency,
        our_reference=payment.reference,
        payee_matches=True,
    )


def test_money_that_the_gateway_tells_of_keeps_the_order(order):
    payment = paid_on_the_page(order)

    class Knows:
        captures = False

        def fetch(self, purchase):
            return captured(payment)

        def movements(self, purchase, reference):
            return ()

    with override("unionpay", Knows()), pytest.raises(closing.MayBePaid):
        closing.cancel_unpaid(order.pk)
    assert fresh(order).status == Order.Status.PAID


def test_late_money_of_a_cancelled_order_goes_back_though_its_goods_are_there(order, tea):
    payment = paid_on_the_page(order)
    Payment.objects.filter(pk=payment.pk).update(status=Payment.Status.SUPERSEDED)
    closing.cancel_unpaid(order.pk)
    outcomes.record(payment, captured(payment))
    assert fresh(order).status == Order.Status.CANCELLED
    assert Refund.objects.get().amount == order.total
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (5, 0)


def test_an_order_that_staff_cancelled_is_still_revived_by_late_money(order):
    payment = paid_on_the_page(order)
    checkout.cancel(order.pk, actor="boss")
    outcomes.record(payment, captured(payment))
    assert fresh(order).status == Order.Status.PAID


def test_while_somebody_speaks_with_the_gateway_nothing_is_cancelled(order):
    payment = start(order)
    with payment.claim(), pytest.raises(closing.MayBePaid):
        closing.cancel_unpaid(order.pk)
    assert fresh(order).status == Order.Status.PENDING


@pytest.mark.parametrize("end", ["paid", "expired", "under_review"])
def test_only_an_order_that_waits_for_its_money_is_cancelled(order, end):
    Order.objects.filter(pk=order.pk).update(status=end)
    with pytest.raises(closing.MayBePaid):
        closing.cancel_unpaid(order.pk)
    assert fresh(order).status == end


def test_the_page_says_when_it_could_not_be_cancelled(order, client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    client.post(order.get_absolute_url(), {"email": "mei@example.com"})
    url = f"/en/order/{order.token}/cancel/"
    with start(order).claim():
        page = client.post(url, follow=True).content.decode()
    assert "Not cancelled: a payment of this order may be on its way." in page
    assert fresh(order).status == Order.Status.PENDING
    page = client.post(url, follow=True).content.decode()
    assert "The order is cancelled. Nothing is charged." in page
    assert "You cancelled the order." in page


def test_a_payment_on_its_way_shows_on_the_order_page(order, client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    payment = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    services.begin_card_charge(payment, EncryptedCard("a", "b", "1", "0048"))
    page = client.get(order.get_absolute_url()).content.decode()
    assert "Payment in progress" in page
    assert "please do not pay again" in page
    assert "Go to payment" not in page


# --- races ---


def approved(order, approve):
    payment = start(order)
    approve(payment.approve_url)
    return payment


@pytest.mark.django_db(transaction=True)
def test_without_the_orders_lock_money_is_taken_for_a_cancelled_order(order, approve, monkeypatch):
    payment = approved(order, approve)
    with nothing_is_locked(monkeypatch):
        while_held_in(
            monkeypatch,
            Payment,
            "move_to",
            lambda: closing.cancel_unpaid(order.pk),
            lambda: settlement.settle(payment),
            before=True,
        )
    assert (fresh(order).status, kept(order)) == (Order.Status.CANCELLED, order.total)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(times(1, 5)))
def test_cancelling_and_coming_back_from_paypal_at_once_end_paid_or_without_money(order, approve, _):
    assert connection.vendor == "postgresql"
    payment = approved(order, approve)
    at_once(lambda: closing.cancel_unpaid(order.pk), lambda: settlement.settle(payment))
    settlement.settle(payment)
    assert (fresh(order).status, kept(order)) in {
        (Order.Status.PAID, order.total),
        (Order.Status.CANCELLED, 0),
    }
