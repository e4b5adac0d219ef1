"""After the payment: parcels that leave, pieces that are paid back, and orders on hold."""

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce

from catalog.models import Product
from checkout import stock
from checkout.models import (
    Delivery,
    Order,
    OrderEvent,
    OrderLine,
    Shipment,
    ShipmentCorrection,
    ShipmentItem,
)
from checkout.promotions import services as promotions
from shop import clock
from shop.background import outbox


class NothingToShip(Exception):
    """Raised when no quantity was chosen, or more than is left to ship, or the order is not paid."""


class OnHold(Exception):
    """Raised when nothing may leave: staff hold the order, or its buyer complained or asked to cancel."""


class ParcelChanged(Exception):
    """Raised when the parcel is not as it was read: somebody else has corrected it."""


class AddressChanged(Exception):
    """Raised when the address on the parcel is not the order's any more: its buyer has corrected it."""


def left_to_ship(order: Order) -> dict[OrderLine, int]:
    """Line -> quantity that no parcel holds yet. Empty once all money went back, or nobody is known."""
    if order.is_refunded or order.erased_at:
        return {}
    lines = order.lines.filter(ships=True).prefetch_related("shipped_items")
    return {line: quantity for line in lines if (quantity := undelivered(line)) > 0}


def to_ship(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Those of them of which pieces are left to ship: ``left_to_ship`` for many at once."""
    packed = Coalesce(Sum("shipped_items__quantity"), 0)
    lines = OrderLine.objects.filter(order=OuterRef("pk"), ships=True).order_by().annotate(packed=packed)
    left = Exists(lines.filter(quantity__gt=F("withdrawn_quantity") + F("packed")))
    return orders.filter(left, status=Order.Status.PAID, erased_at=None, refunded_total__lt=F("total"))


def undelivered(line: OrderLine) -> int:
    """Pieces that were neither sent nor paid back."""
    shipped = sum(item.quantity for item in line.shipped_items.all())
    return max(line.quantity - line.withdrawn_quantity - shipped, 0)


@transaction.atomic
def ship(
    order_id: int,
    *,
    carrier: str,
    tracking_number: str,
    quantities: Mapping[int, int],
    actor: str,
    seen: str | None = None,
) -> Shipment:
    """Record a parcel that leaves, and send one mail about it. ``quantities`` maps line id to pieces.

    ``seen`` is the stamp of the address that the sender read; None skips that check. Raises OnHold,
    AddressChanged and NothingToShip.
    """
    order = Order.objects.lock(order_id)
    if seen is not None and not order.has_address_as_seen(seen):
        raise AddressChanged(order.number)
    if order.is_held:
        raise OnHold(order.number)
    pieces = {line_id: quantity for line_id, quantity in quantities.items() if quantity}
    left = {line.pk: quantity for line, quantity in left_to_ship(order).items()}
    if not order.is_paid or not pieces or any(quantity > left.get(pk, 0) for pk, quantity in pieces.items()):
        raise NothingToShip(order.number)
    shipment = Shipment.objects.create(
        order=order,
        carrier=carrier,
        tracking_number=tracking_number,
        shipped_at=clock.now(),
        shipped_by=actor,
    )
    ShipmentItem.objects.bulk_create(
        ShipmentItem(shipment=shipment, line_id=pk, quantity=quantity) for pk, quantity in pieces.items()
    )
    order.log(f"parcel {shipment.pk} shipped", actor=actor)
    outbox.publish("mail.order_shipped", key=str(shipment.pk), shipment_id=shipment.pk)
    outbox.publish("parcel.shipped", key=str(shipment.pk), shipment_id=shipment.pk)
    return shipment


@transaction.atomic
def move_promise(order_id: int, delivery: Delivery, *, actor: str) -> Order:
    """Promise the parcel for other days, by decision of a person; the customer is told of each move once.

    Raises NothingToShip where nothing is left to be sent.
    """
    order = Order.objects.lock(order_id)
    if not order.is_paid or not left_to_ship(order):
        raise NothingToShip(order.number)
    if order.delivery == delivery:
        return order
    before = order.delivery
    order.ships_by = delivery.ships_by
    order.arrives_from, order.arrives_until = delivery.arrives_from, delivery.arrives_until
    order.save(update_fields=["ships_by", "arrives_from", "arrives_until"])
    was = f" (was {before.ships_by})" if before else ""
    order.log(f"promised to leave by {delivery.ships_by}{was}", actor=actor, fact=OrderEvent.Fact.DATE_MOVED)
    topic = "mail.parcel_date_moved"
    move = outbox.next_key(topic, order.number)
    outbox.publish(topic, key=move, order_id=order.pk, move=move)
    return order


def left_for(shipment: Shipment) -> dict[OrderLine, int]:
    """Line -> the pieces that the parcel may hold: its own, and those that no parcel holds yet."""
    own = {item.line_id: item.quantity for item in shipment.items.all()}
    lines = shipment.order.lines.filter(ships=True).prefetch_related("shipped_items")
    most = {line: undelivered(line) + own.get(line.pk, 0) for line in lines}
    return {line: quantity for line, quantity in most.items() if quantity > 0}


@transaction.atomic
def correct_parcel(
    shipment_id: int,
    *,
    carrier: str,
    tracking_number: str,
    quantities: Mapping[int, int],
    actor: str,
    seen: str,
) -> Shipment:
    """Put right what was recorded of a parcel; the customer and PayPal hear of it. The old facts are kept.

    ``quantities`` maps line id to pieces; ``seen`` is the parcel's stamp as it was read. Raises ParcelChanged
    and NothingToShip. A correction that changes nothing leaves no trace.
    """
    order_id = Shipment.objects.values_list("order_id", flat=True).get(pk=shipment_id)
    order = Order.objects.lock(order_id)
    shipment = Shipment.objects.prefetch_related("items").select_related("order").get(pk=shipment_id)
    if not shipment.is_as_seen(seen):
        raise ParcelChanged(order.number)
    pieces = {line_id: quantity for line_id, quantity in quantities.items() if quantity}
    most = {line.pk: quantity for line, quantity in left_for(shipment).items()}
    if order.erased_at or not pieces or any(quantity > most.get(pk, 0) for pk, quantity in pieces.items()):
        raise NothingToShip(order.number)
    old = {item.line_id: item.quantity for item in shipment.items.all()}
    if (carrier, tracking_number, pieces) == (shipment.carrier, shipment.tracking_number, old):
        return shipment
    correction = ShipmentCorrection.objects.create(
        shipment=shipment,
        old_carrier=shipment.carrier,
        old_tracking_number=shipment.tracking_number,
        old_items={str(pk): quantity for pk, quantity in old.items()},
        at=clock.now(),
        actor=actor,
    )
    shipment.carrier, shipment.tracking_number = carrier, tracking_number
    shipment.save(update_fields=["carrier", "tracking_number"])
    shipment.items.all().delete()
    ShipmentItem.objects.bulk_create(
        ShipmentItem(shipment=shipment, line_id=pk, quantity=quantity) for pk, quantity in pieces.items()
    )
    order.log(f"parcel {shipment.pk} corrected", actor=actor, fact=OrderEvent.Fact.PARCEL_CORRECTED)
    outbox.publish("mail.parcel_corrected", key=str(correction.pk), shipment_id=shipment.pk)
    outbox.publish("parcel.corrected", key=str(correction.pk), shipment_id=shipment.pk)
    return shipment


def note_refund(order: Order, amount: Decimal, lines: Mapping[int, Decimal]) -> None:
    """Add a refund to the totals of the order and of its lines (``lines``: line id -> its share).

    Needs the transaction of the ledger entry: access to reports and the shown state follow from this. Once
    all has gone back, the order's promo code is free again.
    """
    # Money beyond the total (a person accepted too high a payment) can go back too: below zero nothing is.
    order.refunded_total = min(order.total, order.refunded_total + amount)
    if amount > 0 or any(share > 0 for share in lines.values()):
        order.refunded_at = clock.now()
    order.save(update_fields=["refunded_total", "refunded_at"])
    if order.is_refunded:
        promotions.release(order)
    for line in order.lines.filter(pk__in=lines):
        line.refunded_total += lines[line.pk]
        line.save(update_fields=["refunded_total"])


def withdraw(
    order: Order, quantities: Mapping[int, int], *, restock: Mapping[int, int], fact: int, actor: str
) -> None:
    """Withdraw pieces that are paid back (line id -> quantity): those not shipped yet never will be.

    ``restock`` says how many of them can be sold again; ``fact`` is the refund's id, which is booked once.
    """
    back: dict[int, int] = {}
    lines = order.lines.filter(pk__in=[*quantities, *restock], kind=Product.Kind.GOODS)
    for line in lines.prefetch_related("shipped_items"):
        withdrawn = min(quantities.get(line.pk, 0), undelivered(line))
        if withdrawn:
            line.withdrawn_quantity += withdrawn
            line.save(update_fields=["withdrawn_quantity"])
            order.log(f"{line.sku}: {withdrawn} will not be delivered", actor=actor)
        if restock.get(line.pk):
            back[line.variant_id] = back.get(line.variant_id, 0) + restock[line.pk]
    stock.give_back(order, back, fact=fact)


def deliver_again(order: Order, withdrawn: Mapping[int, int], *, fact: int, actor: str) -> None:
    """Undo ``withdraw`` for this fact: what it put into stock is taken out, and is to be shipped again.

    ``withdrawn``: line id -> pieces that other facts withdraw. Raises stock.OutOfStock.
    """
    stock.take_again(order, fact=fact)
    for line in order.lines.filter(pk__in=withdrawn, kind=Product.Kind.GOODS):
        back = line.withdrawn_quantity - withdrawn[line.pk]
        if back > 0:
            line.withdrawn_quantity -= back
            line.save(update_fields=["withdrawn_quantity"])
            order.log(f"{line.sku}: {back} will be delivered after all", actor=actor)


@transaction.atomic
def set_hold(order_id: int, *, on_hold: bool, actor: str, note: str = "") -> Order:
    """Stop or resume shipping by decision of a person. Does nothing where that is already so."""
    order = Order.objects.lock(order_id)
    if order.on_hold != on_hold:
        order.on_hold = on_hold
        order.save(update_fields=["on_hold"])
        what = "put on hold" if on_hold else "no longer on hold"
        fact = OrderEvent.Fact.ON_HOLD if on_hold else OrderEvent.Fact.RESUMED
        order.log(f"{what}: {note}"[:300] if note else what, actor=actor, fact=fact)
    return order
