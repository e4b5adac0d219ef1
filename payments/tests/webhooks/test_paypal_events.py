"""What PayPal sends, in any order, late, replayed: each time the shop asks, and only the answer counts."""

import datetime as dt
import json

import pytest

from checkout.models import Order
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import services as attempts
from payments.gateways.base import Captured
from payments.models import GatewayEvent, Payment
from payments.sandbox.paypal import dashboard
from payments.sandbox.paypal.webhooks import signed_headers
from payments.tests.harness.paypal_scenes import awaiting, books, order_of, sent, take
from shop import clock

pytestmark = pytest.mark.django_db

PENDING, REVIEW, PAID = Order.Status.PENDING, Order.Status.UNDER_REVIEW, Order.Status.PAID


@pytest.fixture
def later(settings, tmp_path):
    def move(**time):
        settings.CLOCK_FILE = tmp_path / "clock"
        settings.CLOCK_FILE.write_text(str(dt.timedelta(**time).total_seconds()))

    return move


@pytest.fixture
def taken(shop, approve):
    """An attempt whose money PayPal has, and of which the shop has heard nothing."""

    def take_money(number=900):
        started = awaiting(number)
        approve(started.approve_url)
        assert isinstance(shop.capture(attempts.purchase_of(started)), Captured)
        return started

    return take_money


def status(payment) -> str:
    return order_of(payment).status


def forged(**event):
    """Signed by PayPal, whatever it says."""
    body = json.dumps({"id": "WH-FORGED", "event_type": "PAYMENT.CAPTURE.COMPLETED", **event}).encode()
    return signed_headers(body), body


# --- under review


@pytest.mark.failure("F33")
def test_money_under_review_is_neither_paid_nor_shipped_until_paypal_says_so(taken, inbox):
    payment = taken()
    dashboard.review(payment.reference, "PENDING_REVIEW")
    take(*inbox("PAYMENT.CAPTURE.PENDING", payment.reference))
    order = order_of(payment)
    assert (order.status, books(payment)) == (REVIEW, [])
    assert sent("mail.order_under_review") == 1
    assert sent("mail.order_confirmation") == 0
    line = order.lines.get(ships=True)
    with pytest.raises(fulfilment.NothingToShip):
        fulfilment.ship(order.pk, carrier="hand", tracking_number="", quantities={line.pk: 1}, actor="mei")

    dashboard.decide(payment.reference, "completed")
    take(*inbox("PAYMENT.CAPTURE.COMPLETED", payment.reference))
    assert status(payment) == PAID
    assert books(payment) == [("capture", str(payment.amount))]
    assert sent("mail.order_confirmation") == 1


@pytest.mark.failure("F33")
def test_money_that_paypal_denies_after_its_review_leaves_the_order_to_be_paid_anew(taken, inbox):
    payment = taken()
    dashboard.review(payment.reference)
    take(*inbox("PAYMENT.CAPTURE.PENDING", payment.reference))
    dashboard.decide(payment.reference, "denied")
    take(*inbox("PAYMENT.CAPTURE.DENIED", payment.reference))

    payment.refresh_from_db()
    assert (status(payment), payment.status, books(payment)) == (PENDING, "declined", [])
    assert sent("mail.order_confirmation") == 0
    again = attempts.pay(payment.order_id, method=Payment.Method.PAYPAL, revision=order_of(payment).revision)
    assert again.pk != payment.pk


def test_an_approval_that_paypal_undid_ends_the_attempt_without_money(shop, approve, inbox):
    payment = awaiting()
    approve(payment.approve_url)
    dashboard.reverse_approval(payment.reference)
    take(*inbox("CHECKOUT.PAYMENT-APPROVAL.REVERSED", payment.gateway_id))

    payment.refresh_from_db()
    assert (payment.status, books(payment)) == ("declined", [])


# --- late and out of order


@pytest.mark.failure("F35")
def test_money_that_is_told_three_days_late_revives_the_order_or_goes_back(taken, inbox, later):
    kept, sold_out = taken(901), taken(902)
    notifications = [inbox("PAYMENT.CAPTURE.COMPLETED", one.reference) for one in (kept, sold_out)]
    later(days=3)
    for one in (kept, sold_out):
        order = order_of(one)
        order.status = Order.Status.EXPIRED
        order.save()
        Payment.objects.filter(pk=one.pk).update(status=Payment.Status.EXPIRED)
    Order.objects.filter(pk=sold_out.order_id).update(is_superseded=True)

    for notification in notifications:
        take(*notification)

    assert status(kept) == PAID
    assert books(kept) == [("capture", str(kept.amount))]
    assert status(sold_out) == Order.Status.EXPIRED
    assert sold_out.refunds.get().origin == "automatic"


@pytest.mark.failure("F19", "F36")
@pytest.mark.parametrize("first", [0, 1, 2])
def test_whatever_comes_first_the_order_ends_as_paid_once(shop, approve, inbox, first):
    payment = awaiting()
    approve(payment.approve_url)
    shop.capture(attempts.purchase_of(payment))
    dashboard.dashboard_refund(payment.reference, 100)
    kinds = ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED"]
    for kind in [*kinds[first:], *kinds[:first]]:
        take(
            *inbox(
                kind, dashboard._capture(payment.reference)["id"] if "PAYMENT" in kind else payment.gateway_id
            )
        )

    assert status(payment) == PAID
    assert books(payment) == [("capture", str(payment.amount)), ("refund", "-100.00")]
    assert sent("mail.order_confirmation") == 1
    assert sent("mail.payment_refunded") == 1


@pytest.mark.failure("F34")
def test_a_notification_that_comes_five_times_has_one_effect(shop, approve, inbox):
    payment = awaiting()
    approve(payment.approve_url)
    notification = inbox("CHECKOUT.ORDER.APPROVED", payment.gateway_id)
    for _ in range(5):
        take(*notification)

    assert status(payment) == PAID
    assert books(payment) == [("capture", str(payment.amount))]
    assert GatewayEvent.objects.count() == 1


# --- replayed, foreign


@pytest.mark.failure("F38")
def test_a_genuine_event_that_is_replayed_changes_nothing(payment, inbox):
    notification = inbox("PAYMENT.CAPTURE.COMPLETED", payment.reference)
    take(*notification)
    before = (books(payment), order_of(payment).events.count())
    GatewayEvent.objects.all().delete()  # as if our memory of it had been lost
    take(*notification)

    assert (books(payment), order_of(payment).events.count()) == before


@pytest.mark.failure("F38", "F40")
def test_an_event_that_joins_the_capture_of_one_order_to_another_pays_nothing(payment):
    other = awaiting(902)
    capture = {"id": payment.capture_reference, "status": "COMPLETED", "custom_id": other.reference}
    related = {"related_ids": {"order_id": other.gateway_id}}
    event = take(*forged(resource={**capture, "supplementary_data": related}))

    other.refresh_from_db()
    assert event.is_verified
    assert (status(other), other.status, books(other)) == (PENDING, "awaiting", [])
    assert len(books(payment)) == 1


@pytest.mark.failure("F38")
def test_an_event_about_nothing_of_ours_makes_no_rows_but_its_own(shop, db):
    Order.objects.filter(pk=place(make_cart((make_goods(), 1))).pk).update(erased_at=clock.now())
    event = take(*forged(resource={"id": "2GG279541U471931P", "custom_id": "SOMEBODYELSE"}))

    assert event.payment is None
    assert bytes(event.body), "kept as long as others: no erased order is its own"
    assert not Payment.objects.exists()


@pytest.mark.failure("F38", "F40")
def test_money_for_another_merchant_does_not_pay_and_calls_a_person(taken, inbox, settings):
    payment = taken()
    settings.PAYPAL_MERCHANT_ID = "ANTHERMERCH22"
    take(*inbox("PAYMENT.CAPTURE.COMPLETED", payment.reference))

    payment.refresh_from_db()
    assert payment.needs_attention
    assert status(payment) != PAID
    assert sent("mail.order_confirmation") == 0


@pytest.mark.failure("F37", "F38")
def test_an_event_for_another_webhook_is_never_acted_on(taken, inbox, settings):
    payment = taken()
    notification = inbox("PAYMENT.CAPTURE.COMPLETED", payment.reference)
    settings.PAYPAL_WEBHOOK_ID = "ANOTHERWEBHOOK"
    event = take(*notification)

    assert event.is_verified is False
    assert (status(payment), books(payment)) == (PENDING, [])


def test_an_event_that_was_refused_once_is_judged_anew_when_it_is_sent_again(taken, inbox, settings):
    """PayPal repeats what we refused. A forgery under its name, or a wrong setting, must not silence it."""
    payment = taken()
    headers, body = inbox("PAYMENT.CAPTURE.COMPLETED", payment.reference)
    forged = body.replace(b'"resource_version"', b'"resource_versioN"')
    assert forged != body
    assert take(headers, forged).is_verified is False
    assert (status(payment), books(payment)) == (PENDING, [])

    assert take(headers, body).is_verified
    assert status(payment) == PAID
    assert len(books(payment)) == 1
