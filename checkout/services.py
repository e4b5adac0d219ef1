"""What can happen to an order: placed, paid, under review, reopened, expired, cancelled, given up.

Every function locks what it changes: the draft first, then the order, then the promotion, stock last.
"""

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from catalog import lead_times
from catalog.models import Absence, Product, Variant
from checkout.intake import answers as intake
from checkout.models import Draft, Order, OrderEvent, OrderLine, Promotion
from checkout.promotions import services as promotions
from shop import clock, crypto
from shop.background import outbox
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

from . import stock
from .order_numbers import new_number
from .quote import Quote, QuoteLine
from .signals import money_is_on_its_way, order_paid

Status = Order.Status
REOPENED_FOR = dt.timedelta(hours=24)
LONGEST_HOLD = dt.timedelta(hours=3)  # from placing, however often a payment is begun


class AlreadyOrdered(Exception):
    """The cart has become an order whose money is in or on its way; ``order`` tells which."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


class NotPayable(Exception):
    """The order is not awaiting payment (any more)."""


class CodeUsedMeanwhile(NotPayable):
    """Another order of its e-mail address was paid with the same personal code."""


class CannotRevive(Exception):
    """Late money for an order whose goods or answers are gone, or which its buyer replaced or cancelled."""


@dataclass(frozen=True)
class IntakeAnswers:
    """The answers about one subject of a line, or the line's contact block."""

    variant_id: int
    subject: int  # 0: the contact block
    answers: list[dict[str, Any]] = field(repr=False)

    @property
    def is_incomplete(self) -> bool:
        return any(answer.get("is_missing") for answer in self.answers)


@dataclass(frozen=True)
class Submission:
    """What the visitor typed, validated."""

    email: str
    language: str
    recipient: str = ""
    phone: str = ""
    phone_extension: str = ""
    region: str = ""
    address: dict[str, str] = field(default_factory=dict)
    delivery_note: str = ""
    is_gift: bool = False
    card_text: str = ""
    intakes: tuple[IntakeAnswers, ...] = field(default=(), repr=False)

    def digest(self, quote: Quote) -> str:
        """The same for the same form and quote. Keyed, so that it says nothing about what was typed."""
        return self.digests(quote)[0]

    def digests(self, quote: Quote) -> list[str]:
        """As they were made at any time since the last rotation but one of ``SECRET_KEY``, newest first."""
        typed = asdict(self)
        if not self.phone_extension:  # orders from before there were any keep their digest
            del typed["phone_extension"]
        plain = json.dumps([typed, quote.digest], sort_keys=True)
        return crypto.keyed_digests("checkout.submission", plain)


@retry_transaction
def place_order(
    draft_id: int,
    submission: Submission,
    quote: Quote,
    *,
    variants: Mapping[int, Variant] | None = None,
    origin: stock.Origin | None = None,
) -> Order:
    """Make the order that this cart becomes. The same submission again returns the same order.

    A changed submission makes a new revision while no payment was started and its goods may be held so long,
    else a new order that supersedes the old one. ``variants``: those of the quote, where the caller has just
    read them with their products, terms and questions. ``origin``: where a visitor places it from, whose
    unpaid orders may hold only so much. Raises OutOfStock, TooManyUnpaid, TooMuchHeld, CodeNotUsable
    (nothing is changed then) and AlreadyOrdered.

    The promotion's row is locked before the stock, so that its uses are counted one order after the other.
    """
    failpoint("before_order_placed")
    draft = Draft.objects.select_for_update().get(pk=draft_id)  # one placing at a time per cart
    closed = [Status.CANCELLED, Status.EXPIRED]
    live = list(draft.orders.select_for_update().exclude(status__in=closed))
    pending = next((order for order in live if order.status == Status.PENDING), None)
    taken = next((order for order in live if order is not pending), None)
    if taken:
        raise AlreadyOrdered(taken)
    digests = submission.digests(quote)
    if pending and pending.submission_digest in digests:
        return pending
    promotion = promotions.lock(quote.promo_code) if quote.promo_code else None
    if pending and pending.payment_started_at is None and _may_hold_on(pending):
        promotions.withdraw(pending)
        stock.release(pending)
        pending.lines.all().delete()
        pending.revision += 1
        order = pending
    else:
        if pending and any(answer for _, answer in money_is_on_its_way.send(sender=Order, order=pending)):
            raise AlreadyOrdered(pending)
        if pending:
            _supersede(pending)
        order = Order(
            draft=draft, number=new_number(), token=secrets.token_urlsafe(24), placed_at=clock.now()
        )
    if variants is None:
        variants = _read_variants(quote)
    lines = _write(order, submission, quote, digests[0], variants, promotion)
    if promotion:
        promotions.redeem(order, promotion, origin)
    if origin:
        stock.admit(order, lines, origin)
    stock.reserve(order, lines)
    failpoint("after_stock_reserved")
    if order.revision == 1:
        order.log("placed", new_status=Status.PENDING)
    else:
        order.log(f"revision {order.revision}", new_status=Status.PENDING, fact=OrderEvent.Fact.CHANGED)
    return order


def _may_hold_on(order: Order) -> bool:
    """Else an order that is changed again and again would hold goods for as long as anybody likes.

    The one that takes its place is another, and limited like one of a buyer whose order lapsed.
    """
    return clock.now() + dt.timedelta(minutes=settings.STOCK_HOLD_MINUTES) <= order.placed_at + LONGEST_HOLD


def _supersede(order: Order) -> None:
    promotions.release(order)
    stock.release(order)
    order.is_superseded = True
    order.save(update_fields=["is_superseded"])
    order.move_to(Status.CANCELLED, note="replaced by a newer order of the same cart")


def _read_variants(quote: Quote) -> dict[int, Variant]:
    variants = Variant.objects.select_related("product__service_terms").prefetch_related("product__questions")
    return variants.in_bulk([line.variant_id for line in quote.lines])


def _write(
    order: Order,
    submission: Submission,
    quote: Quote,
    digest: str,
    variants: Mapping[int, Variant],
    promotion: Promotion | None,
) -> list[OrderLine]:
    order.submission_digest = digest
    order.hold_until = clock.now() + dt.timedelta(minutes=settings.STOCK_HOLD_MINUTES)
    order.language, order.email = submission.language, submission.email
    order.currency, order.agreed_at = quote.currency, clock.now()
    order.terms_version, order.refund_version = quote.terms_version, quote.refund_version
    order.privacy_version = quote.privacy_version
    order.goods_total, order.services_total = quote.goods_total, quote.services_total
    order.shipping_total, order.total = quote.shipping_total, quote.total
    order.discount_total, order.promo_code = quote.discount_total, quote.promo_code
    order.promo_name_zh_hant = promotion.name_zh_hant if promotion else ""
    order.promo_name_en = promotion.name_en if promotion else ""
    order.needs_shipping = any(variant.product.ships for variant in variants.values())
    order.recipient = submission.recipient
    order.phone, order.phone_extension = submission.phone, submission.phone_extension
    order.region, order.address = submission.region, submission.address
    order.delivery_note = submission.delivery_note
    order.is_gift, order.card_text = submission.is_gift, submission.card_text
    order.shipping_method = quote.shipping_method
    parcel = quote.delivery
    order.ships_by = parcel.ships_by if parcel else None
    order.arrives_from = parcel.arrives_from if parcel else None
    order.arrives_until = parcel.arrives_until if parcel else None
    order.save()
    waiting = {each.variant_id for each in submission.intakes if each.is_incomplete}
    lines = OrderLine.objects.bulk_create(
        _line(order, position, variants[quoted.variant_id], quoted, waits=quoted.variant_id in waiting)
        for position, quoted in enumerate(quote.lines, start=1)
    )
    line_of = {line.variant_id: line for line in lines}
    intake.write(
        order, [(line_of[each.variant_id], each.subject, each.answers) for each in submission.intakes]
    )
    return lines


def _line(order: Order, position: int, variant: Variant, quoted: QuoteLine, *, waits: bool) -> OrderLine:
    names = {}
    for language, column in (("zh-hant", "name_zh_hant"), ("en", "name_en")):
        with override(language):
            names[column] = variant.full_name
    product: Product = variant.product
    return OrderLine(
        order=order,
        position=position,
        kind=product.kind,
        variant=variant,
        sku=variant.sku,
        unit_price=quoted.unit_price,
        quantity=quoted.quantity,
        discount_total=quoted.discount,
        ships=product.ships,
        weight_g=variant.weight_g,
        working_days=product.service_terms.working_days if product.is_service else None,
        report_due_on=quoted.report_due_on,
        waits_for_details=waits,
        **names,
    )


def begin_payment(order: Order, *, minutes: int) -> None:
    """Record that a payment starts, and hold the stock for ``minutes`` at least.

    Raises NotPayable, also where that would be beyond ``LONGEST_HOLD``: else goods could be held for ever by
    changing the method of payment. Needs the order's lock.
    """
    until = clock.now() + dt.timedelta(minutes=minutes)
    if order.status != Status.PENDING or until > max(order.hold_until, order.placed_at + LONGEST_HOLD):
        raise NotPayable(order.number)
    order.payment_started_at = order.payment_started_at or clock.now()
    order.hold_until = max(order.hold_until, until)
    order.save(update_fields=["payment_started_at", "hold_until"])


def require_good_code(order: Order) -> None:
    """Raise CodeUsedMeanwhile where the order cannot be paid with its promo code any more.

    An unpaid order of a stranger keeps nobody's own use of a code, so two orders of an address may wait with
    one. The last word falls when a payment is taken, and before any money has moved.
    """
    if order.promo_code and promotions.is_used_elsewhere(order):
        raise CodeUsedMeanwhile(order.number)


def mark_paid(order: Order, *, method: str, last4: str, note: str) -> None:
    """Record that the money is in. Needs the order's lock, in the transaction that books the money.

    A cancelled or expired order comes back to life if its goods can still be had; else raises CannotRevive.
    Money that is in buys what was ordered, even if its code was used twice by then: the history says so.
    """
    if order.status in {Status.CANCELLED, Status.EXPIRED}:
        _hold_again(order)
    if order.promo_code and promotions.is_used_elsewhere(order):
        order.log("its promo code has been used by another order of its e-mail address, too")
    stock.sell(order)
    order.paid_at, order.paid_with, order.paid_card_last4 = clock.now(), method, last4
    order.save(update_fields=["paid_at", "paid_with", "paid_card_last4"])
    order.move_to(Status.PAID, note=note)
    order_paid.send(sender=Order, order=order)
    outbox.publish("mail.order_confirmation", key=order.number, order_id=order.pk)
    outbox.publish("mail.new_order", key=order.number, order_id=order.pk)
    intake.publish_details_missing(order)


def _hold_again(order: Order) -> None:
    closed = [Status.CANCELLED, Status.EXPIRED]
    others = Order.objects.filter(draft=order.draft).exclude(pk=order.pk).exclude(status__in=closed)
    is_over = order.is_superseded or order.is_given_up or (order.draft_id and others.exists())
    if is_over or order.events.filter(fact=OrderEvent.Fact.ANSWERS_FORGOTTEN).exists():
        raise CannotRevive(order.number)
    order.revision += 1
    order.save(update_fields=["revision"])
    try:
        stock.reserve(order, order.lines.select_related("variant"))
    except stock.OutOfStock as error:
        raise CannotRevive(order.number) from error
    promotions.redeem_again(order)


def mark_under_review(order: Order, *, note: str) -> None:
    """Record that the gateway still checks the money: nothing is shipped, no key is issued.

    Does nothing unless the order is pending. Needs the order's lock.
    """
    if order.status == Status.PENDING:
        order.move_to(Status.UNDER_REVIEW, note=note)
        outbox.publish("mail.order_under_review", key=order.number, order_id=order.pk)


def reopen(order: Order, *, note: str, is_denied: bool = True) -> None:
    """Make an order whose review came to nothing payable again, for ``REOPENED_FOR`` at least.

    ``is_denied``: no money was taken, and a mail says so. Money that went back has a mail of its own.
    """
    order.hold_until = max(order.hold_until, clock.now() + REOPENED_FOR)
    order.save(update_fields=["hold_until"])
    order.move_to(Status.PENDING, note=note)
    if is_denied:
        key = f"{order.number}:{clock.now():%Y%m%d%H%M%S}"
        outbox.publish("mail.payment_denied", key=key, order_id=order.pk)


def expire(order: Order) -> None:
    """Expire an unpaid order: the stock goes back on sale. Needs its lock, after the gateway was asked."""
    promotions.release(order)
    stock.release(order)
    order.move_to(Status.EXPIRED, note="the time to pay has run out")


@transaction.atomic
def cancel(order_id: int, *, actor: str, note: str = "") -> Order:
    """Cancel an unpaid order. Raises InvalidTransition when it is paid."""
    order = Order.objects.lock(order_id)
    order.move_to(Status.CANCELLED, note=note, actor=actor)
    promotions.release(order)
    stock.release(order)
    return order


def give_up(order: Order) -> None:
    """Cancel an unpaid order for its buyer: money that comes in late goes back. Needs its lock."""
    order.is_given_up = True
    order.save(update_fields=["is_given_up"])
    order.move_to(Status.CANCELLED, note="cancelled by its buyer")
    promotions.release(order)
    stock.release(order)
    if order.payment_started_at:  # else nothing could have been charged: whoever placed it sees the page
        outbox.publish("mail.order_cancelled", key=order.number, order_id=order.pk)


@transaction.atomic
def restart_turnaround(line_id: int) -> None:
    """Count a report's working days from now, as the details that it waited for are complete.

    May be repeated. A line that never waited, or that a newer revision of its order replaced, stays as it is.
    Before the order is paid the promise made when it was placed stands.
    """
    line_key = OrderLine.objects.filter(pk=line_id, waits_for_details=True).only("order_id").first()
    if line_key is None:
        return
    order = Order.objects.lock(line_key.order_id)
    line = order.lines.select_related("variant__product").filter(pk=line_id, waits_for_details=True).first()
    if line is None:
        return
    line.waits_for_details = False
    old_day = line.report_due_on
    if order.status in {Status.PAID, Status.UNDER_REVIEW}:
        days = line.working_days or 0
        line.report_due_on = lead_times.report_day(line.variant.product, list(Absence.objects.ahead()), days)
    line.save(update_fields=["waits_for_details", "report_due_on"])
    order.log(f"{line.sku}: details complete, report due {line.report_due_on} (was {old_day})")
    outbox.publish("report.scheduled", key=str(line.pk), line_id=line.pk)
    if line.report_due_on != old_day:
        outbox.publish("mail.new_report_date", key=str(line.pk), line_id=line.pk)


def move_report_day(line: OrderLine, day: dt.date, *, note: str) -> None:
    """Promise the report for another day, after its work stood still. Needs the order's lock."""
    if line.report_due_on != day:
        line.order.log(f"{line.sku}: {note}, report due {day} (was {line.report_due_on})")
        line.report_due_on = day
        line.save(update_fields=["report_due_on"])
