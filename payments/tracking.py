"""Tell PayPal of parcels, which helps in a dispute. Nothing else in the shop waits for that."""

import datetime as dt

from django.utils.translation import override

from checkout.models import Shipment
from payments.gateways import get_gateway
from payments.gateways.base import Gateway, GatewayError, Item, Parcel, ParcelRefused, Purchase
from payments.models import Payment, ToldParcel
from shop import clock

from .purchase import purchase_of

TRIED_FOR = dt.timedelta(days=3)


def send_tracking(shipment_id: int) -> None:
    """Tell the gateway that took the money of the parcel as it is now. Safe to repeat.

    What was told otherwise before is taken back first: a dead number helps nobody. Raises GatewayError while
    it is unknown whether the gateway has heard: the outbox tries again, for some days.
    """
    shipment = Shipment.objects.select_related("order").prefetch_related("corrections").get(pk=shipment_id)
    if shipment.order.erased_at:  # its number is gone, and what was told before is still true
        return
    payment = shipment.order.payments.filter(
        pays_order=True, method=Payment.Method.PAYPAL, status=Payment.Status.CAPTURED
    ).first()
    if payment is None:
        return
    try:
        _tell(get_gateway(payment.gateway), payment, shipment)
    except ParcelRefused as refusal:
        _note(shipment, f"PayPal does not take parcel {shipment.pk}: {refusal}")
    except GatewayError as error:
        if clock.now() - _last_change(shipment) < TRIED_FOR:
            raise
        _note(shipment, f"PayPal could not be told of parcel {shipment.pk}: {error.code}")


def _tell(gateway: Gateway, payment: Payment, shipment: Shipment) -> None:
    told = ToldParcel.objects.filter(shipment=shipment).first()
    if told and told.stamp == shipment.stamp:
        return
    purchase = purchase_of(payment)
    if told:
        _take_back(gateway, purchase, told)
    trackers = gateway.track(purchase, payment.capture_reference, _parcel_of(shipment))
    known = set(payment.told_parcels.values_list("tracker", flat=True))
    new = [tracker for tracker in trackers if tracker not in known]
    ToldParcel.objects.create(
        shipment=shipment, payment=payment, tracker=new[0] if len(new) == 1 else "", stamp=shipment.stamp
    )


def _take_back(gateway: Gateway, purchase: Purchase, told: ToldParcel) -> None:
    """The right number is told even where the wrong one cannot be taken back."""
    try:
        if told.tracker:
            gateway.untrack(purchase, told.tracker)
    except ParcelRefused as refusal:
        _note(told.shipment, f"PayPal keeps what it was told of parcel {told.shipment_id}: {refusal}")
    told.delete()


def _last_change(shipment: Shipment) -> dt.datetime:
    return max([shipment.shipped_at, *(correction.at for correction in shipment.corrections.all())])


def _parcel_of(shipment: Shipment) -> Parcel:
    """Named and numbered as the lines were when the payment began."""
    with override(shipment.order.language):
        items = tuple(
            Item(packed.line.name, packed.line.unit_price, packed.quantity, packed.line.sku, ships=True)
            for packed in shipment.items.select_related("line")
        )
    return Parcel(shipment.carrier, shipment.bare_number, items)


def _note(shipment: Shipment, note: str) -> None:
    """Once, however often it is tried."""
    if not shipment.order.events.filter(note=note).exists():
        shipment.order.log(note)
