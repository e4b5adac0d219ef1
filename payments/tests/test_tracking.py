"""PayPal hears of each parcel, and neither the parcel nor the customer's mail waits for it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core import mail

from checkout.models import Order, Shipment
from checkout.privacy import erasure
from checkout.shipping import fulfilment
from payments import tracking
from payments.gateways.base import GatewayError, Misconfigured
from payments.models import Payment, ToldParcel
from payments.sandbox import store
from payments.sandbox.paypal import dashboard
from payments.tests.harness.paypal_scenes import deliver, history, order_of
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


def ship(payment, *, pieces=None, carrier="sf", number="SF123"):
    order = order_of(payment)
    quantities = {line.pk: pieces or left for line, left in fulfilment.left_to_ship(order).items()}
    return fulfilment.ship(
        order.pk, carrier=carrier, tracking_number=number, quantities=quantities, actor="mei"
    )


def trackers(payment):
    return store.get("paypal-order", payment.gateway_id)["unit"]["shipping"].get("trackers", [])


def told(payment):
    return [[(item["sku"], item["quantity"]) for item in tracker["items"]] for tracker in trackers(payment)]


def failing(shop, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(type(shop), "track", fail)


def test_each_parcel_is_told_once_with_what_is_in_it(payment):
    sku = order_of(payment).lines.get(ships=True).sku
    first = ship(payment, pieces=1, number="SF1")
    deliver("parcel.shipped")
    for _ in range(2):
        tracking.send_tracking(first.pk)
    assert told(payment) == [[(sku, "1")]]

    ship(payment, carrier="dhl", number="DHL2")
    deliver("parcel.shipped")
    assert told(payment) == [[(sku, "1")], [(sku, "1")]]


def test_of_an_erased_order_nothing_is_told_and_nothing_taken_back(payment):
    first = ship(payment, pieces=1, number="SF1")
    deliver("parcel.shipped")
    ship(payment, number="SF2")
    erasure.erase(Order.objects.lock(payment.order_id))
    deliver("parcel.shipped")
    tracking.send_tracking(first.pk)
    assert [tracker["status"] for tracker in trackers(payment)] == ["SHIPPED"]


def test_what_is_brought_by_hand_is_not_told(payment):
    ship(payment, carrier="hand", number="")
    deliver("parcel.shipped")

    assert trackers(payment) == []
    assert not OutboxMessage.objects.filter(topic="parcel.shipped", delivered_at=None).exists()


def test_a_parcel_paid_with_a_card_is_not_told(payment, shop, monkeypatch):
    failing(shop, monkeypatch, AssertionError)
    Payment.objects.filter(pk=payment.pk).update(method=Payment.Method.UNIONPAY_PAGE)
    ship(payment)
    deliver("parcel.shipped")

    assert not OutboxMessage.objects.filter(topic="parcel.shipped", delivered_at=None).exists()


def test_the_customers_mail_neither_waits_for_paypal_nor_is_repeated(
    payment, shop, monkeypatch, settings, tmp_path
):
    settings.CLOCK_FILE = tmp_path / "clock"
    shipment = ship(payment)
    with monkeypatch.context() as patch:
        failing(shop, patch, GatewayError("TIMEOUT"))
        deliver("mail.order_shipped", "parcel.shipped")
    assert len(mail.outbox) == 1
    assert trackers(payment) == []

    settings.CLOCK_FILE.write_text("60")
    deliver("mail.order_shipped", "parcel.shipped")
    assert len(mail.outbox) == 1
    assert len(trackers(payment)) == 1
    assert not any(f"parcel {shipment.pk}:" in note for note in history(payment))


def test_a_parcel_is_told_though_part_of_its_money_has_gone_back(payment):
    dashboard.dashboard_refund(payment.reference, Decimal("1.00"))
    ship(payment)
    deliver("parcel.shipped")

    assert len(trackers(payment)) == 1
    assert not any("does not take parcel" in note for note in history(payment))


def test_a_definite_refusal_is_noted_once_and_ends_it(payment, admin_client, settings):
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    shipment = ship(payment)
    dashboard.dashboard_refund(payment.reference)
    deliver("parcel.shipped")
    tracking.send_tracking(shipment.pk)

    assert not OutboxMessage.objects.filter(topic="parcel.shipped", delivered_at=None).exists()
    notes = [note for note in history(payment) if "CAPTURE_STATUS_NOT_VALID" in note]
    assert notes == [f"PayPal does not take parcel {shipment.pk}: CAPTURE_STATUS_NOT_VALID"]
    for language, note in (
        ("en", notes[0]),
        ("zh-hant", f"PayPal不接受包裹{shipment.pk}的資料：CAPTURE_STATUS_NOT_VALID"),
    ):
        url = f"/{language}/admin/checkout/order/{shipment.order_id}/change/"
        assert note in admin_client.get(url).content.decode()


@pytest.mark.parametrize("error", [GatewayError("TIMEOUT"), Misconfigured("PERMISSION_DENIED")])
def test_after_three_days_of_silence_it_is_noted_once_and_given_up(
    payment, shop, monkeypatch, settings, tmp_path, error
):
    failing(shop, monkeypatch, error)
    shipment = ship(payment)
    with pytest.raises(GatewayError):
        tracking.send_tracking(shipment.pk)

    settings.CLOCK_FILE = tmp_path / "clock"
    settings.CLOCK_FILE.write_text(str(dt.timedelta(days=3, minutes=1).total_seconds()))
    for _ in range(2):
        tracking.send_tracking(shipment.pk)
    assert clock.now() - shipment.shipped_at > tracking.TRIED_FOR
    assert sum(error.code in note for note in history(payment)) == 1


# --- corrections ---


def correct(shipment, *, carrier="sf", number, pieces):
    line = shipment.order.lines.get(ships=True)
    fulfilment.correct_parcel(
        shipment.pk,
        carrier=carrier,
        tracking_number=number,
        quantities={line.pk: pieces},
        actor="mei",
        seen=Shipment.objects.get(pk=shipment.pk).stamp,
    )


def live(payment):
    return [tracker["id"] for tracker in trackers(payment) if tracker["status"] != "CANCELLED"]


def test_a_corrected_number_takes_the_place_of_the_dead_one(payment):
    shipment = ship(payment, pieces=1, number="SF1 234")
    other = ship(payment, number="SF9999")
    deliver("parcel.shipped")
    dead, kept = live(payment)
    correct(shipment, number="SF4321", pieces=1)
    for _ in range(2):
        deliver("parcel.corrected")
        tracking.send_tracking(shipment.pk)
    assert [tracker["status"] for tracker in trackers(payment)] == ["CANCELLED", "SHIPPED", "SHIPPED"]
    assert dead not in live(payment)
    assert kept in live(payment)
    assert set(store.get("paypal-order", payment.gateway_id)["tracking_numbers"]) == {
        "SF1234",
        "SF9999",
        "SF4321",
    }
    assert ToldParcel.objects.get(shipment=other).tracker == kept


def test_a_correction_before_paypal_was_told_tells_only_what_is_right(payment):
    shipment = ship(payment, pieces=1, number="SF1234")
    correct(shipment, number="SF4321", pieces=1)
    deliver("parcel.shipped", "parcel.corrected")
    assert list(store.get("paypal-order", payment.gateway_id)["tracking_numbers"]) == ["SF4321"]


def test_what_turns_out_to_be_brought_by_hand_is_taken_back(payment):
    shipment = ship(payment, pieces=1, number="SF1234")
    deliver("parcel.shipped")
    correct(shipment, carrier="hand", number="", pieces=1)
    deliver("parcel.corrected")
    assert live(payment) == []


def test_what_was_brought_by_hand_by_mistake_is_told_once_it_has_a_number(payment):
    shipment = ship(payment, pieces=1, carrier="hand", number="")
    deliver("parcel.shipped")
    correct(shipment, carrier="sf", number="SF4321", pieces=1)
    deliver("parcel.corrected")
    assert len(live(payment)) == 1
    assert list(store.get("paypal-order", payment.gateway_id)["tracking_numbers"]) == ["SF4321"]


def test_a_process_that_dies_between_the_two_calls_goes_on_where_it_was(payment, shop, monkeypatch):
    shipment = ship(payment, pieces=1, number="SF1234")
    deliver("parcel.shipped")
    correct(shipment, number="SF4321", pieces=1)
    with monkeypatch.context() as patch:
        failing(shop, patch, GatewayError("TIMEOUT"))
        with pytest.raises(GatewayError):
            tracking.send_tracking(shipment.pk)
    tracking.send_tracking(shipment.pk)
    assert [tracker["status"] for tracker in trackers(payment)] == ["CANCELLED", "SHIPPED"]
