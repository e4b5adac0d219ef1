"""Whether the stock's columns are the sums of its rows, and nobody keeps goods without waiting for them."""

import logging
from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog import stock_receipts
from catalog.models import StockReceipt, Variant
from checkout import stock
from checkout.models import Order, StockMovement
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, NotRepaired, Repair, check

logger = logging.getLogger(__name__)

WAITING = [Order.Status.PENDING, Order.Status.UNDER_REVIEW]
Kind = StockMovement.Kind
HOLDS = Case(When(kind=Kind.RESERVE, then=1), When(kind=Kind.RETURN, then=0), default=-1)
ON_SHELF = Case(When(kind=Kind.SELL, then=-1), When(kind=Kind.RETURN, then=1), default=0)


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {"stock": stock_books, "holds": ended_holds}


def _sum_of(rows: "QuerySet[Any]", sign: Case | Value) -> Coalesce:
    per_variant = rows.filter(variant=OuterRef("pk")).order_by().values("variant")
    total = per_variant.annotate(total=Sum(F("quantity") * sign, output_field=IntegerField())).values("total")
    return Coalesce(Subquery(total), 0)


def _with_books() -> "QuerySet[Any]":
    """Variants with the sums of their rows: ``booked`` on hand, ``held`` by orders."""
    return Variant.objects.annotate(
        booked=_sum_of(StockReceipt.objects.all(), Value(1)) + _sum_of(StockMovement.objects.all(), ON_SHELF),
        held=_sum_of(StockMovement.objects.all(), HOLDS),
    )


def stock_books() -> Check:
    wrong = _with_books().filter(~Q(on_hand=F("booked")) | ~Q(reserved=F("held"))).order_by("pk")
    findings = [finding for variant in wrong[: MAX_FINDINGS + 1] for finding in _stock_findings(variant)]
    return check("stock", _("Stock on hand and reserved are the sums of their movements."), findings)


def _stock_findings(variant: Any) -> list[Finding]:
    findings = []
    if variant.on_hand != variant.booked:
        findings.append(_shelf_finding(variant))
    if variant.reserved != variant.held:
        findings.append(_reserved_finding(variant))
    return findings


def _shelf_finding(variant: Any) -> Finding:
    numbers = {"sku": variant.sku, "column": variant.on_hand, "books": variant.booked}
    text = _("%(sku)s: %(column)s on hand, but its movements add up to %(books)s.")
    advice = _(
        "Please count the shelf. If %(column)s pieces are there, put the books right. If not, first correct "
        "the stock on the page of the product."
    )
    return Finding(
        f"on-hand-{variant.pk}",
        text % numbers,
        advice % numbers,
        reverse("admin:catalog_product_change", args=[variant.product_id]),
        Repair(
            _("Put the books right"),
            lambda actor: _book_difference(variant.pk, actor),
            "catalog.change_variant",
        ),
    )


def _reserved_finding(variant: Any) -> Finding:
    numbers = {"sku": variant.sku, "column": variant.reserved, "books": variant.held}
    text = _("%(sku)s: %(column)s reserved, but orders hold %(books)s.")
    return Finding(
        f"reserved-{variant.pk}",
        text % numbers,
        _("Only orders reserve: set the figure to what they hold."),
        reverse("admin:catalog_product_change", args=[variant.product_id]),
        Repair(
            _("Set it to %(books)s") % numbers,
            lambda _actor: _set_reserved(variant.pk),
            "catalog.change_variant",
        ),
    )


@transaction.atomic
def _book_difference(variant_id: int, actor: str) -> None:
    """Book what the shelf has more or less than the books, as a correction by ``actor``."""
    Variant.objects.select_for_update().get(pk=variant_id)  # what is read next holds until the end
    variant = _with_books().get(pk=variant_id)
    if difference := variant.on_hand - variant.booked:
        stock_receipts.put_right(variant, difference, by=actor, note="the books follow the counted shelf")


@transaction.atomic
def _set_reserved(variant_id: int) -> None:
    """Set the reserved figure to what orders hold. Raises NotRepaired."""
    Variant.objects.select_for_update().get(pk=variant_id)
    variant = _with_books().get(pk=variant_id)
    if not 0 <= variant.held <= variant.on_hand:
        raise NotRepaired(_("Orders hold more than is on hand. Please correct the stock first."))
    logger.warning("Reserved of %s set from %s to %s", variant.sku, variant.reserved, variant.held)
    Variant.objects.filter(pk=variant_id).update(reserved=variant.held)


def ended_holds() -> Check:
    """Orders that do not wait for money and still keep goods from others."""
    rows = (
        StockMovement.objects.order_by("order_id", "variant_id")
        .values("order_id", "order__number", "order__status", "variant__sku")
        .annotate(held=Sum(F("quantity") * HOLDS, output_field=IntegerField()))
        .filter(Q(held__lt=0) | (~Q(held=0) & ~Q(order__status__in=WAITING)))
    )
    goods = defaultdict(list)
    for row in rows[: MAX_FINDINGS + 1]:
        order = row["order_id"], row["order__number"], row["order__status"]
        goods[order].append(f"{row['held']} × {row['variant__sku']}")
    findings = (_hold_finding(*order, ", ".join(held)) for order, held in goods.items())
    return check("holds", _("Only orders that wait for their payment hold stock."), findings)


def _hold_finding(order_id: int, number: str, status: str, held: str) -> Finding:
    is_paid = status == Order.Status.PAID
    text = _("Order %(number)s (%(status)s) still holds %(goods)s.")
    return Finding(
        str(order_id),
        text % {"number": number, "status": Order.Status(status).label, "goods": held},
        _("Its goods are sold: count them as sold.")
        if is_paid
        else _("Nobody will pay for it any more: let the goods go."),
        reverse("admin:checkout_order_change", args=[order_id]),
        Repair(_("Count as sold") if is_paid else _("Release the goods"), lambda _actor: _end_hold(order_id)),
    )


@transaction.atomic
def _end_hold(order_id: int) -> None:
    order = Order.objects.lock(order_id)
    if any(held < 0 for held in stock.holding(order).values()):
        raise NotRepaired(_("More was sold than the order ever held. Please look at its stock movements."))
    if order.is_paid:
        stock.sell(order)
    elif order.status not in WAITING:
        stock.release(order)
