"""Tell PayPal of parcels, which helps in a dispute. Nothing else in the shop waits for that."""

import datetime as dt

from django.utils.translation import override

from checkout.models import Shipment
from payments.gateways import get_gateway
from payments.gateways.base import GatewayError, Item, Parcel, ParcelRefused
from payments.models import Payment
from shop import clock

from .purchase import purchase_of

TRIED_FOR = dt.timedelta(days=3)


def send_tracking(shipment_id: int) -> None:
    """Tell the gateway that took the money. Safe to repeat.

    Raises GatewayError while it is unknown whether it has heard: the outbox tries again, for some days.
    """
    shipment = Shipment.objects.select_related("order").get(pk=shipment_id)
    payment = shipment.order.payments.filter(
        pays_order=True, method=Payment.Method.PAYPAL, status=Payment.Status.CAPTURED
    ).first()
    if payment is None:
        return
    try:
        get_gateway(payment.gateway).track(
            purchase_of(payment), payment.capture_reference, _parcel_of(shipment)
        )
    except ParcelRefused as refusal:
        _note(shipment, f"PayPal does not take parcel {shipment.pk}: {refusal}")
    except GatewayError as error:
        if clock.now() - shipment.shipped_at < TRIED_FOR:
            raise
        _note(shipment, f"PayPal could not be told of parcel {shipment.pk}: {error.code}")


def _parcel_of(shipment: Shipment) -> Parcel:
    """Named and numbered as the lines were when the payment began."""
    with override(shipment.order.language):
        items = tuple(
            Item(packed.line.name, packed.line.unit_price, packed.quantity, packed.line.sku, ships=True)
            for packed in shipment.items.select_related("line")
        )
    return Parcel(shipment.carrier, shipment.tracking_number, items)


def _note(shipment: Shipment, note: str) -> None:
    """Once, however often it is tried."""
    if not shipment.order.events.filter(note=note).exists():
        shipment.order.log(note)
