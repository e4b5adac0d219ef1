"""What can happen to an order.

Every function locks what it changes: the draft first, then the order, then stock.
"""

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import override

from catalog.models import Product, Variant
from shop import clock, outbox

from . import shipping, stock
from .models import Draft, Intake, Order, OrderLine, Shipment, ShipmentItem
from .numbers import new_number
from .quote import Quote, full_name
from .signals import order_paid

Status = Order.Status


class AlreadyOrdered(Exception):
    """The cart has become an order whose money is in or on its way; ``order`` tells which."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


class NotPayable(Exception):
    """The order is not awaiting payment (any more)."""


class CannotRevive(Exception):
    """Late money for an order whose goods are gone or which a newer order replaced."""


@dataclass(frozen=True)
class IntakeAnswers:
    variant_id: int
    subject: int  # 0: the contact block
    answers: list[dict[str, str]] = field(repr=False)


@dataclass(frozen=True)
class Submission:
    """What the visitor typed, validated."""

    email: str
    language: str
    recipient: str = ""
    phone: str = ""
    region: str = ""
    address: dict[str, str] = field(default_factory=dict)
    delivery_note: str = ""
    intakes: tuple[IntakeAnswers, ...] = field(default=(), repr=False)

    def digest(self, quote: Quote) -> str:
        """The same for the same form and quote. Keyed, so that it says nothing about what was typed."""
        plain = json.dumps([asdict(self), quote.digest], sort_keys=True)
        return salted_hmac("checkout.submission", plain, algorithm="sha256").hexdigest()


@transaction.atomic
def place_order(draft_id: int, submission: Submission, quote: Quote) -> Order:
    """The order that this cart becomes. Posting the same again returns the same order.

    A changed submission makes a new revision while no payment was started, else a new order that supersedes
    the old one. Raises OutOfStock (nothing is changed then) and AlreadyOrdered.
    """
    draft = Draft.objects.select_for_update().get(pk=draft_id)  # one placing at a time per cart
    taken = draft.orders.filter(status__in=[Status.PAID, Status.UNDER_REVIEW]).first()
    if taken:
        raise AlreadyOrdered(taken)
    digest = submission.digest(quote)
    pending = draft.orders.select_for_update().filter(status=Status.PENDING).first()
    if pending and pending.submission_digest == digest:
        return pending
    if pending and pending.payment_started_at is None:
        stock.release(pending)
        pending.lines.all().delete()
        pending.revision += 1
        order = pending
    else:
        if pending:
            _supersede(pending)
        order = Order(
            draft=draft, number=new_number(), token=secrets.token_urlsafe(24), placed_at=clock.now()
        )
    _write(order, submission, quote, digest)
    stock.reserve(order)
    order.log("placed" if order.revision == 1 else f"revision {order.revision}", new_status=Status.PENDING)
    return order


def _supersede(order: Order) -> None:
    stock.release(order)
    order.is_superseded = True
    order.save(update_fields=["is_superseded"])
    order.move_to(Status.CANCELLED, note="replaced by a newer order of the same cart")


def _write(order: Order, submission: Submission, quote: Quote, digest: str) -> None:
    variants = Variant.objects.select_related("product__service_terms").in_bulk(
        [line.variant_id for line in quote.lines]
    )
    order.submission_digest = digest
    order.hold_until = clock.now() + dt.timedelta(minutes=settings.STOCK_HOLD_MINUTES)
    order.language, order.email = submission.language, submission.email
    order.currency, order.terms_version = quote.currency, quote.terms_version
    order.goods_total, order.services_total = Decimal(quote.goods_total), Decimal(quote.services_total)
    order.shipping_total, order.total = Decimal(quote.shipping_total), Decimal(quote.total)
    order.needs_shipping = any(variant.product.ships for variant in variants.values())
    order.recipient, order.phone = submission.recipient, submission.phone
    order.region, order.address = submission.region, submission.address
    order.delivery_note = submission.delivery_note
    order.shipping_method = shipping.zone_of(submission.region) if order.needs_shipping else ""
    order.save()
    lines = OrderLine.objects.bulk_create(
        _line(
            order,
            position,
            variants[quoted.variant_id],
            quoted.unit_price,
            quoted.quantity,
            quoted.report_due_on,
        )
        for position, quoted in enumerate(quote.lines, start=1)
    )
    line_of = {line.variant_id: line for line in lines}
    Intake.objects.bulk_create(
        Intake(line=line_of[intake.variant_id], subject=intake.subject, answers=intake.answers)
        for intake in submission.intakes
    )


def _line(
    order: Order, position: int, variant: Variant, unit_price: str, quantity: int, due_on: str
) -> OrderLine:
    names = {}
    for language, column in (("zh-hant", "name_zh_hant"), ("en", "name_en")):
        with override(language):
            names[column] = full_name(variant)
    product: Product = variant.product
    return OrderLine(
        order=order,
        position=position,
        kind=product.kind,
        variant=variant,
        sku=variant.sku,
        unit_price=Decimal(unit_price),
        quantity=quantity,
        ships=product.ships,
        weight_g=variant.weight_g,
        working_days=product.service_terms.working_days if product.is_service else None,
        report_due_on=date.fromisoformat(due_on) if due_on else None,
        **names,
    )


def lock(order_id: int) -> Order:
    """The order, locked until the end of the transaction."""
    return Order.objects.select_for_update().get(pk=order_id)


def begin_payment(order: Order, *, minutes: int) -> None:
    """A payment starts: the stock is held long enough for it. The caller holds the lock."""
    if order.status != Status.PENDING:
        raise NotPayable(order.number)
    order.payment_started_at = order.payment_started_at or clock.now()
    order.hold_until = max(order.hold_until, clock.now() + dt.timedelta(minutes=minutes))
    order.save(update_fields=["payment_started_at", "hold_until"])


def mark_paid(order: Order, *, method: str, last4: str, note: str) -> None:
    """Record that the money is in. The caller holds the lock and books the money in the same transaction.

    A cancelled or expired order comes back to life if its goods can still be had; else raises CannotRevive.
    """
    if order.status in {Status.CANCELLED, Status.EXPIRED}:
        _hold_again(order)
    stock.sell(order)
    order.paid_at, order.paid_with, order.paid_card_last4 = clock.now(), method, last4
    order.save(update_fields=["paid_at", "paid_with", "paid_card_last4"])
    order.move_to(Status.PAID, note=note)
    order_paid.send(sender=Order, order=order)
    outbox.publish("mail.order_confirmation", key=order.number, order_id=order.pk)
    outbox.publish("mail.new_order", key=order.number, order_id=order.pk)


def _hold_again(order: Order) -> None:
    newer = Order.objects.filter(draft=order.draft, placed_at__gt=order.placed_at) if order.draft else None
    replaced = newer is not None and newer.exclude(status__in=[Status.CANCELLED, Status.EXPIRED]).exists()
    if order.is_superseded or replaced:
        raise CannotRevive(order.number)
    order.revision += 1
    order.save(update_fields=["revision"])
    try:
        stock.reserve(order)
    except stock.OutOfStock as error:
        raise CannotRevive(order.number) from error


def mark_under_review(order: Order, *, note: str) -> None:
    """The gateway has the money but is still checking it: nothing is shipped, no key is issued."""
    if order.status == Status.PENDING:
        order.move_to(Status.UNDER_REVIEW, note=note)
        outbox.publish("mail.order_under_review", key=order.number, order_id=order.pk)


def expire(order: Order) -> None:
    """Give up waiting: the stock goes back on sale. The caller holds the lock and has asked the gateway."""
    stock.release(order)
    order.move_to(Status.EXPIRED, note="the time to pay has run out")


@transaction.atomic
def cancel(order_id: int, *, actor: str, note: str = "") -> Order:
    """Cancel an unpaid order. Raises InvalidTransition when it is paid."""
    order = lock(order_id)
    if order.status == Status.PENDING:
        stock.release(order)
    order.move_to(Status.CANCELLED, note=note, actor=actor)
    return order


class NothingToShip(Exception):
    """No quantity was chosen, or more than is left to ship, or the order is not paid."""


def left_to_ship(order: Order) -> dict[OrderLine, int]:
    """Line -> quantity that no parcel holds yet."""
    left = {}
    for line in order.lines.filter(ships=True).prefetch_related("shipped_items"):
        quantity = line.quantity - sum(item.quantity for item in line.shipped_items.all())
        if quantity > 0:
            left[line] = quantity
    return left


@transaction.atomic
def ship(
    order_id: int, *, carrier: str, tracking_number: str, quantities: Mapping[int, int], actor: str
) -> Shipment:
    """A parcel leaves: ``quantities`` maps line id to pieces. The customer is told once per parcel."""
    order = lock(order_id)
    wanted = {line_id: quantity for line_id, quantity in quantities.items() if quantity}
    left = {line.pk: quantity for line, quantity in left_to_ship(order).items()}
    if not order.is_paid or not wanted or any(quantity > left.get(pk, 0) for pk, quantity in wanted.items()):
        raise NothingToShip(order.number)
    shipment = Shipment.objects.create(
        order=order,
        carrier=carrier,
        tracking_number=tracking_number,
        shipped_at=clock.now(),
        shipped_by=actor,
    )
    ShipmentItem.objects.bulk_create(
        ShipmentItem(shipment=shipment, line_id=pk, quantity=quantity) for pk, quantity in wanted.items()
    )
    order.log(f"parcel {shipment.pk} shipped", actor=actor)
    outbox.publish("mail.order_shipped", key=str(shipment.pk), shipment_id=shipment.pk)
    return shipment
