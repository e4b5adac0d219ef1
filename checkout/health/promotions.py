"""Whether orders add up with their discounts, and promo codes are counted as they were used."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce, Round
from django.urls import reverse
from django.utils.translation import gettext as _

from checkout.models import Order, OrderLine, Redemption
from checkout.promotions import services as promotions
from shop.l10n.money import formatted
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, NotRepaired, Repair, check

Status = Order.Status
CLOSED = [Status.CANCELLED, Status.EXPIRED]


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {"order-sums": order_sums, "promo-uses": promo_uses}


# --- what was ordered adds up ---


def _cents(field: str) -> Cast:
    """As a whole number: SQLite would compare binary fractions."""
    return Cast(Round(F(field) * 100), BigIntegerField())


def _of_lines(amount: Any) -> Coalesce:
    lines = OrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order")
    return Coalesce(Subquery(lines.annotate(sum=Sum(amount)).values("sum")), 0)


def order_sums() -> Check:
    """The total is the lines, plus shipping, less the discount; the lines share the discount."""
    parts = _cents("goods_total") + _cents("services_total") + _cents("shipping_total")
    orders: QuerySet[Any] = Order.objects.annotate(
        due=_cents("total"),
        parts=parts - _cents("discount_total"),
        listed=_of_lines(_cents("unit_price") * F("quantity")),
        listing=_cents("goods_total") + _cents("services_total"),
        shared=_of_lines(_cents("discount_total")),
        off=_cents("discount_total"),
    )
    adds_up = Q(due=F("parts"), listed=F("listing"), shared=F("off"))
    wrong = orders.exclude(adds_up).order_by("pk")[: MAX_FINDINGS + 1]
    title = _("Each order's total is its lines, less the discount, plus shipping.")
    return check("order-sums", title, map(_sum_finding, wrong))


def _sum_finding(order: Any) -> Finding:
    text = _("Order %(number)s: the total is %(total)s, but its parts make %(parts)s.")
    numbers = {
        "number": order.number,
        "total": formatted(order.total, order.currency),
        "parts": formatted(Decimal(order.listed - order.shared) / 100 + order.shipping_total, order.currency),
    }
    advice = _("Please compare the order with its confirmation email: only a person can say what is right.")
    return Finding(str(order.pk), text % numbers, advice, _page(order))


# --- each use of a code is counted once ---


def promo_uses() -> Check:
    """An open or paid order with a code counts as a use; none that came to nothing or was paid back."""
    orders = Order.objects.select_related("redemption")
    ended = Q(status__in=CLOSED) | Q(refunded_total__gte=F("total"))
    counted = Q(redemption__isnull=False, redemption__released_at=None)
    uncounted = orders.exclude(promo_code="").exclude(ended).exclude(counted)
    overcounted = orders.filter(counted).filter(ended | Q(promo_code=""))
    wrong = [*uncounted.order_by("pk")[: MAX_FINDINGS + 1], *overcounted.order_by("pk")[: MAX_FINDINGS + 1]]
    return check("promo-uses", _("Each order with a promo code counts as one use of it."), map(_use, wrong))


def _use(order: Order) -> Finding:
    text = _("Order %(number)s (%(status)s) and the count of promo code %(code)s do not agree.")
    code = order.promo_code or order.redemption.promotion.code
    numbers = {"number": order.number, "status": order.get_status_display(), "code": code}
    repair = Repair(_("Count it right"), lambda _actor: recount(order), "checkout.change_promotion")
    advice = _("Count the order if it is open or paid, and do not count it otherwise.")
    return Finding(str(order.pk), text % numbers, advice, _page(order), repair)


@transaction.atomic
def recount(order: Order) -> None:
    """Count the order's use as its status demands. Raises NotRepaired if the code was deleted."""
    locked = Order.objects.lock(order.pk)
    if locked.status in CLOSED or locked.is_refunded or not locked.promo_code:
        promotions.release(locked)
        return
    try:
        promotion = promotions.lock(locked.promo_code)
    except promotions.CodeNotUsable as error:
        raise NotRepaired(_("There is no such promo code any more.")) from error
    Redemption.objects.update_or_create(
        order=locked,
        defaults={"promotion": promotion, "released_at": None},
        create_defaults={"promotion": promotion, "email": locked.email, "at": locked.placed_at},
    )


def _page(order: Order) -> str:
    return reverse("admin:checkout_order_change", args=[order.pk])
