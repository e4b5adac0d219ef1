"""The table of a payment's states: every edge that is not in it is refused and changes nothing."""

from itertools import product

import pytest
from django.db import IntegrityError, transaction

from checkout.models import Order
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import services
from payments.models import LedgerEntry, Payment
from payments.models.payment import InvalidTransition
from shop import clock

pytestmark = pytest.mark.django_db
Status = Payment.Status
ALLOWED = {(old, new) for old, news in Payment.TRANSITIONS.items() for new in news}


@pytest.fixture
def payment():
    order = place(make_cart((make_goods(on_hand=5), 1)))
    return services.get_or_create_attempt(order.pk, method=Payment.Method.PAYPAL, revision=1)


def test_the_table_is_the_one_that_was_agreed():
    """Money once captured stays captured; what was given up can only turn out to have been paid."""
    given_up = {Status.DECLINED, Status.SUPERSEDED, Status.EXPIRED}
    assert set(Payment.TRANSITIONS) == set(Status)
    assert Payment.TRANSITIONS[Status.CAPTURED] == set()
    for status in given_up:
        assert Payment.TRANSITIONS[status] == {Status.CAPTURED}
    for status in Payment.LIVE:
        assert {Status.CAPTURED, Status.DECLINED} <= Payment.TRANSITIONS[status]
        assert Status.CREATED not in Payment.TRANSITIONS[status]


def walked(payment, old, new) -> bool:
    """Whether the payment, being ``old``, can be moved to ``new``. A move that is refused changes nothing."""
    Payment.objects.update(status=old)
    try:
        with transaction.atomic():
            payment.lock().move_to(new)
    except InvalidTransition:
        payment.refresh_from_db()
        assert payment.status == old
        return False
    payment.refresh_from_db()
    assert payment.status == new
    return True


def test_only_the_edges_of_the_table_can_be_walked(payment):
    assert {edge for edge in product(Status, Status) if walked(payment, *edge)} == ALLOWED


@pytest.mark.parametrize("status", Payment.LIVE)
def test_the_database_allows_one_live_attempt_per_order(payment, status):
    second = Payment(order=payment.order, method="paypal", amount=1, currency="HKD", started_at=clock.now())
    second.reference, second.status = "SECOND0001", status
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()


def test_the_database_allows_one_payment_that_pays_an_order(payment):
    Payment.objects.update(status=Status.CAPTURED, pays_order=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(
            order=payment.order,
            method="paypal",
            amount=1,
            currency="HKD",
            reference="SECOND0001",
            status=Status.CAPTURED,
            pays_order=True,
            started_at=clock.now(),
        )


def test_the_database_books_each_capture_once(payment):
    entry = {"payment": payment, "gateway": "paypal", "reference": "CAP1", "amount": 1, "currency": "HKD"}
    LedgerEntry.objects.create(**entry, at=clock.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(**entry, at=clock.now())


@pytest.mark.parametrize("status", [Order.Status.PAID, Order.Status.CANCELLED, Order.Status.EXPIRED])
def test_an_order_that_does_not_wait_starts_no_payment(payment, status):
    Payment.objects.update(status=Status.DECLINED)
    Order.objects.update(status=status)
    with pytest.raises(services.checkout.NotPayable):
        services.pay(payment.order_id, method=Payment.Method.PAYPAL, revision=1)
    assert Payment.objects.count() == 1
