"""The stock ledger. Rows are locked in primary-key order (no deadlock), changed by one UPDATE, and every
change is a row of its own; the CHECK constraints on ``Variant`` are the second line.
"""

from collections.abc import Iterable, Mapping

from django.db.models import Case, F, IntegerField, Sum, Value, When

from catalog.models import Variant
from checkout.models import Order, OrderLine, StockMovement
from shop import clock

Kind = StockMovement.Kind


class OutOfStock(Exception):
    """Raised when too few of these variants are left. ``available``: variant id -> what could be had."""

    def __init__(self, available: dict[int, int]) -> None:
        super().__init__(", ".join(map(str, available)))
        self.available = available


def reserve(order: Order, lines: Iterable[OrderLine]) -> None:
    """Hold what these lines of the order's current revision need. All or nothing: raises OutOfStock."""
    needed = {line.variant_id: line.quantity for line in lines if line.variant.tracks_stock}
    _lock_enough(needed)
    _move(order, Kind.RESERVE, needed, reserved=1)


def release(order: Order) -> None:
    """Give back what the order still holds. A repeat does nothing."""
    held = holding(order)
    _locked(held)
    _move(order, Kind.RELEASE, held, reserved=-1)


def sell(order: Order) -> None:
    """Turn what the order holds into sold goods."""
    held = holding(order)
    _locked(held)
    _move(order, Kind.SELL, held, reserved=-1, on_hand=-1)


def returnable(order: Order) -> dict[int, int]:
    """Variant id -> quantity that was sold to the order and has not come back."""
    sign = Case(When(kind=Kind.SELL, then=1), default=-1, output_field=IntegerField())
    return _sums(order, [Kind.SELL, Kind.RETURN], sign)


def give_back(order: Order, quantities: Mapping[int, int], *, fact: int) -> None:
    """Take sold goods back into stock: variant id -> quantity, never more than was sold.

    ``fact`` names the reason (a refund's id), so that two returns of one order are two rows.
    """
    sold = returnable(order)
    back = {pk: min(quantity, sold.get(pk, 0)) for pk, quantity in quantities.items()}
    back = {pk: quantity for pk, quantity in back.items() if quantity > 0}
    _locked(back)
    _move(order, Kind.RETURN, back, on_hand=1, fact=fact)


def take_again(order: Order, *, fact: int) -> None:
    """Undo the return of this fact, which was none: the goods are sold still. All or nothing.

    Raises OutOfStock where they have been sold to somebody else meanwhile.
    """
    returned = order.stock_movements.filter(kind=Kind.RETURN, hold=fact)
    needed = {row.variant_id: row.quantity for row in returned}
    _lock_enough(needed)
    for pk, quantity in needed.items():
        Variant.objects.filter(pk=pk).update(on_hand=F("on_hand") - quantity)
    returned.delete()


def holding(order: Order) -> dict[int, int]:
    """Variant id -> quantity that the order holds now."""
    sign = Case(When(kind=Kind.RESERVE, then=1), default=-1, output_field=IntegerField())
    return _sums(order, [Kind.RESERVE, Kind.RELEASE, Kind.SELL], sign)


def _sums(order: Order, kinds: list[StockMovement.Kind], sign: Case) -> dict[int, int]:
    """Variant id -> sum of these movements, where it is not zero."""
    rows = (
        order.stock_movements.filter(kind__in=kinds)
        .values_list("variant_id")
        .annotate(held=Sum(F("quantity") * sign))
        .order_by("variant_id")
    )
    return {variant_id: held for variant_id, held in rows if held}


def _locked(variant_ids: Mapping[int, int]) -> list[Variant]:
    return list(Variant.objects.select_for_update().filter(pk__in=variant_ids).order_by("pk"))


def _lock_enough(needed: Mapping[int, int]) -> None:
    """Lock the variants (id -> quantity). Raises OutOfStock unless all of it is on hand and unreserved."""
    missing = {
        variant.pk: variant.on_hand - variant.reserved
        for variant in _locked(needed)
        if variant.on_hand - variant.reserved < needed[variant.pk]
    }
    if missing:
        raise OutOfStock(missing)


def _move(
    order: Order,
    kind: StockMovement.Kind,
    quantities: dict[int, int],
    *,
    reserved: int = 0,
    on_hand: int = 0,
    fact: int | None = None,
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
    hold = order.revision if fact is None else fact
    StockMovement.objects.bulk_create(
        StockMovement(variant_id=pk, order=order, kind=kind, hold=hold, quantity=quantity, at=clock.now())
        for pk, quantity in quantities.items()
    )
