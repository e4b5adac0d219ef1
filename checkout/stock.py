"""The stock ledger. Rows are locked in primary-key order (no deadlock), changed by one UPDATE, and every
change is a row of its own; the CHECK constraints on ``Variant`` are the second line.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Case, F, IntegerField, QuerySet, Sum, Value, When

from catalog.models import Variant
from checkout.models import HoldOrigin, Order, OrderLine, StockMovement
from checkout.models.order import is_never_paid
from shop import clock
from shop.database import lock_names
from shop.typed_values.email_addresses import identity

Kind = StockMovement.Kind
AROUND = 3  # times as many unpaid orders around a network as from it
ORIGINS_KEPT = dt.timedelta(days=1)
ONE_VISIT = dt.timedelta(hours=1)  # in which a cart that is ordered, changed and ordered again is one order
SHORTEST_PAUSE = dt.timedelta(hours=1)
MOST_REVISIONS = 30  # of one order before it is paid
# Within so long, orders that were never paid, in times of what may wait: of an address, of a network.
NEVER_PAID = [(dt.timedelta(hours=1), 2, 2), (dt.timedelta(days=1), 4, 10)]


class OutOfStock(Exception):
    """Raised when too few of these variants are left. ``available``: variant id -> what could be had."""

    def __init__(self, available: dict[int, int]) -> None:
        super().__init__(", ".join(map(str, available)))
        self.available = available


@dataclass(frozen=True)
class Origin:
    """Where an order is placed from: digests of the client's network and of what lies around it."""

    network: str
    surroundings: str


class TooManyUnpaid(Exception):
    """So many orders are unpaid, or never were paid, that no other may be placed now.

    ``of_address``: those of the order's address. ``until``: of those that ended unpaid, when one more may be
    placed; None where it helps to pay or cancel one.
    """

    def __init__(self, *, of_address: bool, until: dt.datetime | None = None) -> None:
        super().__init__("of the address" if of_address else "of the network")
        self.of_address, self.until = of_address, until


class TooMuchHeld(Exception):
    """The unpaid orders from there would hold too much. ``left``: variant id -> what could be reserved.

    ``until``: variant id -> when, of those whose last piece is left to others for a while.
    """

    def __init__(self, left: dict[int, int], until: dict[int, dt.datetime]) -> None:
        super().__init__(", ".join(map(str, left)))
        self.left, self.until = left, until


@dataclass(frozen=True)
class _Nearby:
    """An order from the same surroundings, within a day."""

    draft_id: int | None
    status: str
    email: str
    network: str
    at: dt.datetime
    placed_at: dt.datetime
    paid_at: dt.datetime | None

    @property
    def was_never_paid(self) -> bool:
        return is_never_paid(self.status, self.paid_at)


def admit(order: Order, lines: Iterable[OrderLine], origin: Origin) -> None:
    """Let the order be placed, and hold goods before it is paid, as far as those from there may.

    Nothing is reserved yet. Of a product ``UNPAID_SHARE_PERCENT`` may be held, one piece at least. The first
    order from there may take more: a buyer is to have the last two. Once it lapsed it is not the first any
    more, for a day.

    An address counts only from there, or anybody could have its owner refused. Raises TooManyUnpaid and
    TooMuchHeld. Needs the order's lock.
    """
    lock_names(f"unpaid orders {origin.surroundings}")  # so two at once see each other
    here = HoldOrigin(order=order, network=origin.network, surroundings=origin.surroundings, at=clock.now())
    HoldOrigin.objects.bulk_create(
        [here],
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=["network", "surroundings", "at"],
    )
    nearby = Order.objects.filter(hold_origin__surroundings=origin.surroundings).exclude(pk=order.pk)
    nearby = nearby.filter(hold_origin__at__gte=clock.now() - ORIGINS_KEPT).order_by()
    columns = ("draft_id", "status", "email", "hold_origin__network", "hold_origin__at")
    others = [_Nearby(*row) for row in nearby.values_list(*columns, "placed_at", "paid_at")]
    _admit_waiting(order, origin, [each for each in others if each.status == Order.Status.PENDING])
    _admit_never_paid(order, origin, [each for each in others if each.was_never_paid])
    needed = {line.variant_id: line for line in lines if line.variant.tracks_stock}
    is_shared = settings.UNPAID_SHARE_PERCENT < 100
    if is_shared and needed and (others or order.revision > 1):
        _admit_pieces(order, needed, nearby)


def _admit_waiting(order: Order, origin: Origin, waiting: Sequence[_Nearby]) -> None:
    """How many may wait for their payment at a time."""
    of_address = sum(identity(each.email) == identity(order.email) for each in waiting)
    if of_address >= settings.UNPAID_PER_ADDRESS:
        raise TooManyUnpaid(of_address=True)
    from_network = sum(each.network == origin.network for each in waiting)
    most = settings.UNPAID_PER_NETWORK
    if from_network >= most or len(waiting) >= AROUND * most or order.revision > MOST_REVISIONS:
        raise TooManyUnpaid(of_address=False)


def _admit_never_paid(order: Order, origin: Origin, unpaid: Sequence[_Nearby]) -> None:
    """How many may be placed in an hour and in a day without being paid, whatever became of them.

    A cart that is ordered again in one visit is one order, up to what an address may place in an hour.
    """
    of_cart = [each for each in unpaid if each.draft_id and each.draft_id == order.draft_id]
    visit = clock.now() - ONE_VISIT
    if of_cart and min(each.placed_at for each in of_cart) >= visit:
        unpaid = [each for each in unpaid if each not in of_cart]
    else:
        of_cart = []
    of_address = [each.at for each in unpaid if identity(each.email) == identity(order.email)]
    from_network = [each.at for each in unpaid if each.network == origin.network]
    around = [each.at for each in unpaid]
    refusals = []
    for window, per_address, per_network in NEVER_PAID:
        at_address = per_address * settings.UNPAID_PER_ADDRESS
        at_network = per_network * settings.UNPAID_PER_NETWORK
        for moments, most, is_address in (
            ([each.at for each in of_cart], at_address, True),
            (of_address, at_address, True),
            (from_network, at_network, False),
            (around, AROUND * at_network, False),
        ):
            within = sorted(moment for moment in moments if moment > clock.now() - window)
            if len(within) >= most:
                refusals.append((within[len(within) - most] + window, is_address))
    if refusals:
        until, is_address = max(refusals)
        raise TooManyUnpaid(of_address=is_address, until=until)


def _admit_pieces(order: Order, needed: Mapping[int, OrderLine], nearby: QuerySet[Order]) -> None:
    """How much of each product; and what lapsed there is not held to the last piece again for a while."""
    held = _held_in(StockMovement.objects.filter(order__in=nearby.filter(status=Order.Status.PENDING)))
    lapsed = _lapsed(order, nearby)
    paused = {pk: until for pk, until in lapsed.items() if until > clock.now() and pk in needed}
    left = {
        variant.pk: max(0, (variant.available or 0) - 1)
        for variant in _as_they_are(paused)
        if needed[variant.pk].quantity >= (variant.available or 0)
    }
    until = {pk: paused[pk] for pk in left}
    for pk, line in needed.items():
        share = max(1, -(-line.variant.on_hand * settings.UNPAID_SHARE_PERCENT // 100))
        if (held.get(pk) or pk in lapsed) and line.quantity + held.get(pk, 0) > share:
            left[pk] = min(max(0, share - held.get(pk, 0)), left.get(pk, share))
    if left and all((each.available or 0) >= needed[each.pk].quantity for each in _as_they_are(left)):
        raise TooMuchHeld(left, until)  # of what is sold out ``reserve`` tells


def _as_they_are(variants: Iterable[int]) -> QuerySet[Variant]:
    """Read again: while the order waited for others from there, some may have been sold."""
    return Variant.objects.filter(pk__in=variants)


def _lapsed(order: Order, nearby: QuerySet[Order]) -> dict[int, dt.datetime]:
    """The variants that went back on sale unpaid, within a day, after an order from there had held them.

    Variant id -> until when the last piece is left to others.
    """
    counted = nearby.exclude(draft=order.draft)
    if not is_in_its_visit(order):
        counted = counted | Order.objects.filter(draft=order.draft)
    since = clock.now() - ORIGINS_KEPT
    released = StockMovement.objects.filter(order__in=counted.values("pk"), kind=Kind.RELEASE, at__gte=since)
    until: dict[int, dt.datetime] = {}
    for pk, placed_at, released_at in released.values_list("variant_id", "order__placed_at", "at"):
        until[pk] = max(pause_until(placed_at, released_at), until.get(pk, released_at))
    return until


def is_in_its_visit(order: Order) -> bool:
    """Whether the order's cart was first ordered so lately that its buyer only changes what was typed."""
    cart = Order.objects.filter(draft=order.draft)
    return not cart.filter(placed_at__lt=clock.now() - ONE_VISIT).exists()


def pause_until(held_from: dt.datetime, released: dt.datetime) -> dt.datetime:
    """Until when something that was held and not paid is not held to the last from there again."""
    return released + max(SHORTEST_PAUSE, released - held_from)


def old_origins() -> QuerySet[HoldOrigin]:
    return HoldOrigin.objects.filter(at__lt=clock.now() - ORIGINS_KEPT)


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
    return _sums(order.stock_movements.all(), [Kind.SELL, Kind.RETURN], sign)


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
    return _held_in(order.stock_movements.all())


def _held_in(movements: QuerySet[StockMovement]) -> dict[int, int]:
    sign = Case(When(kind=Kind.RESERVE, then=1), default=-1, output_field=IntegerField())
    return _sums(movements, [Kind.RESERVE, Kind.RELEASE, Kind.SELL], sign)


def _sums(movements: QuerySet[StockMovement], kinds: list[StockMovement.Kind], sign: Case) -> dict[int, int]:
    """Variant id -> sum of these movements, where it is not zero."""
    rows = (
        movements.filter(kind__in=kinds)
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
