"""A card is sent once, and keeps nobody from paying who has not paid."""

import pytest

from checkout import services as checkout
from checkout.models import Order
from payments.attempts import outcomes, services, settlement
from payments.gateways.base import (
    Captured,
    Declined,
    EncryptedCard,
    GatewayError,
    Started,
    Unfinished,
)
from payments.models import Payment
from payments.tests.attempts.scenes import start

pytestmark = pytest.mark.django_db

PAYPAL, CARD, PAGE = Payment.Method


def test_a_card_whose_outcome_is_unknown_blocks_a_second_payment(order, unionpay_is):
    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            raise GatewayError("timeout")

        def fetch(self, purchase):
            return Unfinished("05")

    unionpay_is(Bank())

    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    assert payment.status == Payment.Status.CAPTURING
    assert settlement.settle(payment).status == Payment.Status.CAPTURING
    with pytest.raises(services.InProgress):
        start(order, PAYPAL)
    again = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    assert again.pk == payment.pk


def test_a_card_is_sent_once_though_the_first_process_died_before_hearing_the_answer(order, unionpay_is):
    sent = []

    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            sent.append(purchase.reference)
            return Started(f"card-{purchase.reference}")

        def fetch(self, purchase):
            return Captured("Q1", purchase.reference, purchase.amount, purchase.currency, payee_matches=True)

        def movements(self, purchase, reference):
            return ()

    unionpay_is(Bank())

    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    settlement.settle(payment)
    order.refresh_from_db()
    assert len(sent) == 1
    assert (order.status, order.paid_card_last4) == (Order.Status.PAID, "0048")


def test_a_card_is_not_charged_for_an_order_that_was_closed_meanwhile(order, unionpay_is):

    charged = []

    class Bank:
        code, captures = "unionpay", False

        def start(self, purchase, card=None):
            charged.append(purchase)
            return Started(f"card-{purchase.reference}")

    unionpay_is(Bank())
    card = EncryptedCard("a", "b", "1", "0048")
    payment = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    checkout.cancel(order.pk, actor="staff")
    with pytest.raises(checkout.NotPayable):
        services.pay(order.pk, method=CARD, revision=order.revision, card=card)
    services._start(payment, card)  # the click that had come just before
    assert charged == []


def test_a_card_that_never_left_us_does_not_keep_the_buyer_from_paypal(gateway, order):
    """The process died between storing the attempt and sending the card."""
    first = services.get_or_create_attempt(order.pk, method=CARD, revision=order.revision)
    second = start(order, PAYPAL)
    first.refresh_from_db()
    assert (first.status, second.status) == (Payment.Status.SUPERSEDED, Payment.Status.AWAITING)


def test_a_declined_card_on_unionpays_page_is_asked_about_again_while_another_may_pay_there(order):
    payment = services.get_or_create_attempt(order.pk, method=PAGE, revision=order.revision)
    outcomes.record_start(payment, Started(f"page-{payment.reference}"))
    outcomes.record(payment, Declined("60"))
    payment.refresh_from_db()
    assert (payment.status, payment.problem) == (Payment.Status.AWAITING, "60")
    assert payment.next_check_at is not None
