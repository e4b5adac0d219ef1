"""The stock ledger. Rows are locked in primary-key order (no deadlock), changed by one UPDATE, and every
change is a row of its own; the CHECK constraints on ``Variant`` are the second line.
"""

from collections.abc import Mapping

from django.db.models import Case, F, IntegerField, Sum, Value, When

from catalog.models import Variant
from shop import clock

from .models import Order, StockMovement

Kind = StockMovement.Kind


class OutOfStock(Exception):
    """Not enough of these variants is left. ``available`` maps variant id to what could be had."""

    def __init__(self, available: dict[int, int]) -> None:
        super().__init__(", ".join(map(str, available)))
        self.available = available


def reserve(order: Order) -> None:
    """Hold what the order's current revision needs. All or nothing: raises OutOfStock."""
    wanted = {
        line.variant_id: line.quantity
        for line in order.lines.select_related("variant")
        if line.variant.tracks_stock
    }
    missing = {
        variant.pk: variant.on_hand - variant.reserved
        for variant in _locked(wanted)
        if variant.on_hand - variant.reserved < wanted[variant.pk]
    }
    if missing:
        raise OutOfStock(missing)
    _move(order, Kind.RESERVE, wanted, reserved=1)


def release(order: Order) -> None:
    """Give back what the order still holds. A repeat finds nothing to give back."""
    held = holding(order)
    _locked(held)
    _move(order, Kind.RELEASE, held, reserved=-1)


def sell(order: Order) -> None:
    """Turn what the order holds into sold goods."""
    held = holding(order)
    _locked(held)
    _move(order, Kind.SELL, held, reserved=-1, on_hand=-1)


def holding(order: Order) -> dict[int, int]:
    """Variant id -> quantity that the order holds now."""
    sign = Case(When(kind=Kind.RESERVE, then=1), default=-1, output_field=IntegerField())
    rows = (
        order.stock_movements.filter(kind__in=[Kind.RESERVE, Kind.RELEASE, Kind.SELL])
        .values_list("variant_id")
        .annotate(held=Sum(F("quantity") * sign))
        .order_by("variant_id")
    )
    return {variant_id: held for variant_id, held in rows if held}


def _locked(variant_ids: Mapping[int, int]) -> list[Variant]:
    return list(Variant.objects.select_for_update().filter(pk__in=variant_ids).order_by("pk"))


def _move(
    order: Order, kind: StockMovement.Kind, quantities: dict[int, int], *, reserved: int = 0, on_hand: int = 0
) -> None:
    if not quantities:
        return
    change = Case(
        *(When(pk=pk, then=Value(quantity)) for pk, quantity in quantities.items()),
        output_field=IntegerField(),
    )
    Variant.objects.filter(pk__in=quantities).update(
        reserved=F("reserved") + change * reserved, on_hand=F("on_hand") + change * on_hand
    )
    StockMovement.objects.bulk_create(
        StockMovement(
            variant_id=pk, order=order, kind=kind, hold=order.revision, quantity=quantity, at=clock.now()
        )
        for pk, quantity in quantities.items()
    )
