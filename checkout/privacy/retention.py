"""How long the checkout keeps each class of data, and how it is deleted."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Product
from checkout import stock
from checkout.intake import answers, upload_budgets, uploads
from checkout.models import Draft, Intake, Order, OrderEvent, PrivacyRequest
from checkout.orders import lookup
from checkout.shipping.fulfilment import left_to_ship
from shop import clock
from shop.crypto import unopened
from shop.privacy import retention
from shop.privacy.retention_rules import in_days

from . import erasure

DRAFTS_KEPT = dt.timedelta(days=30)  # as long as the session that can come back to it
NEVER_BEGUN_KEPT = dt.timedelta(days=1)  # answers of orders for which no money can come in late
REQUESTS_KEPT = dt.timedelta(days=7)  # that were never confirmed


def _days_ago(days: int) -> dt.datetime:
    return clock.now() - dt.timedelta(days=days)


def old_orders() -> QuerySet[Order]:
    limit = _days_ago(365 * settings.KEEP_ORDERS_YEARS + settings.KEEP_ORDERS_YEARS // 4)
    return Order.objects.filter(erased_at=None, paid_at__lt=limit)


def unpaid_orders() -> QuerySet[Order]:
    """Never paid, and too old for money that comes in late."""
    ended = [Order.Status.CANCELLED, Order.Status.EXPIRED]
    limit = _days_ago(settings.KEEP_UNPAID_DAYS)
    return Order.objects.filter(erased_at=None, paid_at=None, status__in=ended, hold_until__lt=limit)


def unpaid_answers() -> QuerySet[Order]:
    """Orders that ended unpaid, with answers that late money could not need any more."""
    ended = [Order.Status.CANCELLED, Order.Status.EXPIRED]
    orders = Order.objects.filter(paid_at=None, status__in=ended, lines__intakes__isnull=False)
    is_beyond_money = Q(payment_started_at=None) | Q(is_superseded=True) | Q(is_given_up=True)
    is_old = Q(hold_until__lt=_days_ago(settings.KEEP_UNPAID_ANSWERS_DAYS))
    is_old |= is_beyond_money & Q(hold_until__lt=clock.now() - NEVER_BEGUN_KEPT)
    return orders.filter(is_old).distinct()


def _forget_unpaid_answers() -> None:
    """Their files have no order then, and go like other files without one."""

    @transaction.atomic
    def forget(pk: int) -> None:
        order = Order.objects.lock(pk)
        if order.paid_at or erasure.obstacles(order):
            return
        unopened(Intake.objects.filter(line__order=order)).delete()
        order.log("never paid: its answers were deleted", fact=OrderEvent.Fact.ANSWERS_FORGOTTEN)

    retention.each("unpaid-answers", unpaid_answers().values_list("pk", flat=True), forget)


def old_addresses() -> list[Order]:
    """Orders whose address is old, and of which nothing is left to send."""
    limit = _days_ago(settings.KEEP_ADDRESSES_DAYS)
    old = Order.objects.exclude(recipient="", phone="").filter(erased_at=None, paid_at__lt=limit)
    old = old.annotate(last=Max("shipments__shipped_at")).exclude(last__gte=limit)
    return [order for order in old if order.is_refunded or not left_to_ship(order)]


@transaction.atomic
def _erase(pk: int) -> None:
    """Erase the order if nothing stands in the way."""
    order = Order.objects.lock(pk)
    if not erasure.obstacles(order):
        erasure.erase(order)


@transaction.atomic
def _erase_address(pk: int) -> None:
    erasure.erase_address(Order.objects.lock(pk))


def _expired_goods_answers() -> Iterator[tuple[int, dt.datetime]]:
    """Intakes of goods with answers whose days after the last parcel are over; without one, after paying."""
    intakes = Intake.objects.filter(
        next_keep_days__isnull=False, line__kind=Product.Kind.GOODS, line__order__paid_at__isnull=False
    )
    last = Max("line__order__shipments__shipped_at")
    dated = intakes.select_related("line__order").annotate(sent_at=Coalesce(last, "line__order__paid_at"))
    for intake in unopened(dated):
        is_over = intake.sent_at + dt.timedelta(days=intake.next_keep_days or 0) <= clock.now()
        if is_over and not left_to_ship(intake.line.order):
            yield intake.pk, intake.sent_at


def _forget_goods_answers() -> None:
    sent = dict(_expired_goods_answers())
    retention.each("goods-answers", sent, lambda pk: answers.erase_expired(pk, delivered_at=sent[pk]))


def old_drafts() -> QuerySet[Draft]:
    return Draft.objects.filter(updated_at__lt=clock.now() - DRAFTS_KEPT)


def _old_requests() -> QuerySet[PrivacyRequest]:
    return PrivacyRequest.objects.filter(confirmed_at=None, asked_at__lt=clock.now() - REQUESTS_KEPT)


retention.declare(
    retention.DataClass(
        "orders",
        10,
        gettext_lazy("E-mail address, order, amounts, last four digits of a card"),
        gettext_lazy("To carry out the order, to write to you about it, and to keep accounts"),
        lambda: (
            _("%(years)s years, as the law on business records demands; then without your e-mail address")
            % {"years": settings.KEEP_ORDERS_YEARS}
        ),
        lambda: old_orders().count(),
        lambda: retention.each("orders", old_orders().values_list("pk", flat=True), _erase),
    ),
    retention.DataClass(
        "addresses",
        20,
        gettext_lazy("Name, phone, delivery address"),
        gettext_lazy("To deliver the goods and to reach you about them"),
        lambda: _("%(days)s after the last parcel") % {"days": in_days(settings.KEEP_ADDRESSES_DAYS)},
        lambda: len(old_addresses()),
        lambda: retention.each("addresses", [order.pk for order in old_addresses()], _erase_address),
    ),
    retention.DataClass(
        "unpaid-orders",
        15,
        gettext_lazy("What else you gave with an order that was never paid"),
        gettext_lazy("So that a payment that arrives late still finds its order"),
        lambda: in_days(settings.KEEP_UNPAID_DAYS),
        lambda: unpaid_orders().count(),
        lambda: retention.each("unpaid-orders", unpaid_orders().values_list("pk", flat=True), _erase),
    ),
    retention.DataClass(
        "unpaid-answers",
        16,
        gettext_lazy("Answers and files of an order that was never paid"),
        gettext_lazy("So that a payment that arrives late still finds them"),
        lambda: in_days(settings.KEEP_UNPAID_ANSWERS_DAYS),
        lambda: unpaid_answers().count(),
        _forget_unpaid_answers,
    ),
    retention.DataClass(
        "goods-answers",
        32,
        gettext_lazy("Personal answers and files for goods that are made for you"),
        gettext_lazy("Only to make what you ordered; each question says why it is asked"),
        lambda: _("As many days after the order is shipped as the question says"),
        lambda: sum(1 for _each in _expired_goods_answers()),
        _forget_goods_answers,
    ),
    retention.DataClass(
        "drafts",
        70,
        gettext_lazy("What you typed at checkout without ordering"),
        gettext_lazy("So that nothing is lost when you come back"),
        lambda: in_days(DRAFTS_KEPT.days),
        lambda: old_drafts().count(),
        lambda: unopened(old_drafts()).delete(),
    ),
    retention.DataClass(
        "files-without-order",
        71,
        gettext_lazy("Files you sent at checkout without ordering"),
        gettext_lazy("So that nothing is lost when you come back"),
        lambda: (
            _("%(days)s after you last changed something at checkout, %(most)s at most")
            % {"days": in_days(uploads.ORPHAN_AGE.days), "most": in_days(uploads.LONGEST_IN_DRAFT.days)}
        ),
        uploads.count_orphans,
        uploads.forget_orphans,
    ),
    retention.DataClass(
        "searches",
        80,
        gettext_lazy("E-mail address you enter to find your orders"),
        gettext_lazy("To send you a link to them"),
        lambda: _("%(days)s, encrypted") % {"days": in_days(lookup.KEPT.days)},
        lambda: lookup.old_searches().count(),
        lookup.delete_old_searches,
    ),
    retention.DataClass(
        "hold-origins",
        82,
        gettext_lazy("A fingerprint of the network from which you order"),
        gettext_lazy("So that nobody keeps goods from others without paying for them"),
        lambda: in_days(stock.ORIGINS_KEPT.days),
        lambda: stock.old_origins().count(),
        lambda: stock.old_origins().delete(),
    ),
    retention.DataClass(
        "upload-origins",
        83,
        gettext_lazy("A fingerprint of the network from which you send files"),
        gettext_lazy("So that nobody takes the room for files from others"),
        lambda: _("Until the order is paid, or the file is deleted"),
        lambda: upload_budgets.claimed_origins().count(),
        lambda: upload_budgets.claimed_origins().update(surroundings=""),
    ),
    retention.DataClass(
        "privacy-requests",
        85,
        gettext_lazy("That you asked for a copy or for erasure, without confirming it"),
        gettext_lazy("To send you the link that confirms it"),
        lambda: in_days(REQUESTS_KEPT.days),
        lambda: _old_requests().count(),
        lambda: unopened(_old_requests()).delete(),
    ),
)
