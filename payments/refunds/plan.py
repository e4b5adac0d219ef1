"""What of an order can be refunded, and the plan of a refund: its exact consequences, before it is made."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from django.db.models import Sum

from checkout import stock
from checkout.models import Order, OrderLine
from checkout.shipping.fulfilment import undelivered
from payments.gateways import get_gateway
from payments.models import Payment, Refund, RefundLine
from shop import clock

ZERO = Decimal(0)


class NothingToRefund(Exception):
    """None of the order's money is with us (any more)."""


class NothingChosen(Exception):
    """The amounts are all zero."""


class DisputeOpen(Exception):
    """The buyer has complained at the gateway, which decides about the money for now."""


class PlanChanged(Exception):
    """It would now have other consequences, or follow upon more, than what was agreed to."""


class TooMuch(Exception):
    """More than is left. ``where`` names the field: "quantity_3", "shipping"; "" is all together."""

    def __init__(self, where: str, left: Decimal | int) -> None:
        super().__init__(f"{where or 'total'}: {left}")
        self.where, self.left = where, left


@dataclass(frozen=True)
class RefundRequest:
    """What staff choose to refund; the maps are by line id."""

    quantities: Mapping[int, int] = field(default_factory=dict)
    amounts: Mapping[int, Decimal] = field(default_factory=dict)  # instead of the price of the pieces
    restock: Mapping[int, int] = field(default_factory=dict)  # instead of the pieces that were not shipped
    shipping: Decimal = ZERO
    amount: Decimal = ZERO  # beyond lines and shipping


@dataclass(frozen=True)
class RefundableLine:
    """What of an order line can still be refunded. Refunds under way count as done."""

    line: OrderLine
    quantity: int
    amount: Decimal
    undelivered: int
    returnable: int  # pieces that may come back into stock

    @property
    def refunded(self) -> Decimal:
        return self.line.net_total - self.amount

    def price_of(self, quantity: int) -> Decimal:
        """What was paid for the next pieces to go back: all together give the line's price to the cent."""
        before = self.line.quantity - self.quantity
        return _paid_for(self.line, before + quantity) - _paid_for(self.line, before)

    @property
    def shipped(self) -> int:
        return sum(item.quantity for item in self.line.shipped_items.all())


@dataclass(frozen=True)
class Refundable:
    """What of a payment can still be refunded."""

    payment: Payment
    currency: str
    money: Decimal
    shipping: Decimal
    lines: tuple[RefundableLine, ...]

    @property
    def facts(self) -> tuple[object, ...]:
        """Other ones once something more was refunded."""
        lines = [(each.line.pk, each.quantity, str(each.amount)) for each in self.lines]
        return self.payment.money_stamp, str(self.money), str(self.shipping), lines

    def everything(self) -> RefundRequest:
        """A request for all that is left. After a goodwill, the last line gets less than its price."""
        money, amounts = self.money, {}
        for left in self.lines:
            amounts[left.line.pk] = min(left.amount, money)
            money -= amounts[left.line.pk]
        shipping = min(self.shipping, money)
        return RefundRequest(
            quantities={left.line.pk: left.quantity for left in self.lines},
            amounts={left.line.pk: amounts[left.line.pk] for left in self.lines if _is_odd(left, amounts)},
            shipping=shipping,
            amount=money - shipping,
        )


def _is_odd(left: RefundableLine, amounts: Mapping[int, Decimal]) -> bool:
    """Whether the amount is not what the pieces cost."""
    return amounts[left.line.pk] != min(left.price_of(left.quantity), left.amount)


def _paid_for(line: OrderLine, quantity: int) -> Decimal:
    """The price of the line's first ``quantity`` pieces, less their part of the discount."""
    part = line.discount_total * quantity / line.quantity
    return line.unit_price * quantity - part.quantize(line.discount_total, ROUND_FLOOR)


@dataclass(frozen=True)
class PlannedLine:
    line: OrderLine
    quantity: int
    amount: Decimal
    withdrawn: int  # pieces that will not be shipped any more
    restocked: int  # pieces that can be sold again


@dataclass(frozen=True)
class RemainingLine:
    """What the customer still gets of a line after the refund."""

    line: OrderLine
    to_ship: int
    is_readable: bool  # its reports stay open


@dataclass(frozen=True)
class RefundPlan:
    """The exact consequences of a refund that has not been made yet."""

    payment: Payment
    currency: str
    before: Refundable  # what could still be refunded
    lines: tuple[PlannedLine, ...]
    shipping: Decimal
    amount: Decimal
    total: Decimal
    left: Decimal  # what we keep of the money
    is_whole: bool  # all of a payment of which nothing has gone back yet
    closes: tuple[OrderLine, ...]  # lines whose reports close
    keeps: tuple[RemainingLine, ...]

    @property
    def is_undone(self) -> bool:
        """Whether the gateway is asked to undo the payment rather than to refund it, if that happens now."""
        captured_at = self.payment.captured_at
        if not self.is_whole or captured_at is None:
            return False
        return get_gateway(self.payment.gateway).refund_voids(captured_at, clock.now())

    @property
    def digest(self) -> str:
        """The same for the same consequences of the same state: proves to have been seen.

        Whoever agreed before an equal refund was asked for did not agree to a second one.
        """
        facts = [
            (each.line.pk, each.quantity, str(each.amount), each.withdrawn, each.restocked)
            for each in self.lines
        ]
        plain = (
            self.payment.pk,
            facts,
            str(self.shipping),
            str(self.amount),
            [line.pk for line in self.closes],
            str(self.left),
            [(each.line.pk, each.to_ship, each.is_readable) for each in self.keeps],
            self.before.facts,
        )
        return hashlib.sha256(repr(plain).encode()).hexdigest()


# --- what can be refunded ---


def paying_payment(order: Order) -> Payment | None:
    """The payment whose money made the order paid."""
    return order.payments.filter(pays_order=True).first()


def refundable_of(order: Order) -> Refundable:
    """What can be refunded of a paid order. Raises NothingToRefund."""
    payment = paying_payment(order)
    if payment is None or payment.refundable_amount <= 0:
        raise NothingToRefund(order.number)
    return Refundable(
        payment,
        payment.captured_currency,
        payment.refundable_amount,
        _shipping_left(order),
        refundable_lines(order),
    )


def refundable_of_gateway_refund(refund: Refund) -> Refundable:
    """What a refund that the gateway made by itself can have been for. Raises NothingToRefund."""
    payment = refund.payment
    if not payment.pays_order or not is_unexplained(refund):
        raise NothingToRefund(refund.pk)
    order = payment.order
    return Refundable(
        payment, payment.captured_currency, refund.amount, _shipping_left(order), refundable_lines(order)
    )


def is_unexplained(refund: Refund) -> bool:
    """Whether nobody has said yet what this refund was for."""
    return _is_made_elsewhere(refund) and not _explanation(refund)


def is_explained(refund: Refund) -> bool:
    """Whether staff have said what it was for: they can have been wrong."""
    return _is_made_elsewhere(refund) and bool(_explanation(refund))


def explanation_digest(refund: Refund) -> str:
    """The same for the same explanation: proves to have been seen."""
    return hashlib.sha256(repr((refund.pk, _explanation(refund))).encode()).hexdigest()


def _is_made_elsewhere(refund: Refund) -> bool:
    by_gateway = refund.origin in {Refund.Origin.GATEWAY, Refund.Origin.REVERSAL}
    return by_gateway and refund.status == Refund.Status.DONE


def _explanation(refund: Refund) -> list[tuple[int, int, str]]:
    """(line id, pieces, amount) of what it was for; the shipping fee has no line."""
    lines = [(row.line_id, row.quantity, str(row.amount)) for row in refund.lines.order_by("line_id")]
    return lines + ([(0, 0, str(refund.shipping))] if refund.shipping else [])


def _shipping_left(order: Order) -> Decimal:
    rows = Refund.objects.filter(payment__order=order, payment__pays_order=True)
    gone = rows.exclude(status=Refund.Status.FAILED).aggregate(sum=Sum("shipping"))["sum"] or ZERO
    return order.shipping_total - gone


def refundable_lines(order: Order) -> tuple[RefundableLine, ...]:
    """For each line of the order, in its order."""
    rows = RefundLine.objects.filter(line__order=order).exclude(refund__status=Refund.Status.FAILED)
    sums = rows.values("line_id").annotate(quantities=Sum("quantity"), amounts=Sum("amount"))
    gone = {row["line_id"]: (row["quantities"], row["amounts"]) for row in sums}
    sold = stock.returnable(order)
    lines = order.lines.select_related("variant").prefetch_related("shipped_items")
    return tuple(
        RefundableLine(
            line=line,
            quantity=line.quantity - gone.get(line.pk, (0, ZERO))[0],
            amount=line.net_total - gone.get(line.pk, (0, ZERO))[1],
            undelivered=0 if line.is_service else undelivered(line),
            returnable=sold.get(line.variant_id, 0),
        )
        for line in lines
    )


# --- the plan ---


def plan_refund(order: Order, request: RefundRequest) -> RefundPlan:
    """Plan the refund. Raises NothingToRefund, NothingChosen, DisputeOpen, TooMuch."""
    if order.is_disputed:
        raise DisputeOpen(order.number)
    return _plan(order, refundable_of(order), request)


def plan_explanation(refund: Refund, request: RefundRequest) -> RefundPlan:
    """Plan the explanation of a refund that was made at the gateway. No money moves.

    Raises NothingToRefund, NothingChosen, TooMuch.
    """
    return _plan(refund.payment.order, refundable_of_gateway_refund(refund), request, moves_money=False)


def _plan(order: Order, left: Refundable, request: RefundRequest, *, moves_money: bool = True) -> RefundPlan:
    lines = tuple(planned for each in left.lines if (planned := _planned(each, request)))
    if request.shipping > left.shipping:
        raise TooMuch("shipping", left.shipping)
    total = sum((planned.amount for planned in lines), start=request.shipping + request.amount)
    if total > left.money:
        raise TooMuch("", left.money)
    if total <= 0:
        raise NothingChosen(order.number)
    balance = left.payment.refundable_amount - (total if moves_money else ZERO)
    closed = _closed_by(order, left, lines, balance)
    return RefundPlan(
        payment=left.payment,
        currency=left.currency,
        before=left,
        lines=lines,
        shipping=request.shipping,
        amount=request.amount,
        total=total,
        left=balance if moves_money else left.money - total,
        is_whole=moves_money and total == left.payment.captured_amount and not left.payment.refunds.exists(),
        closes=closed,
        keeps=tuple(stays for each in left.lines if (stays := _remaining(order, each, lines, closed))),
    )


def _planned(left: RefundableLine, request: RefundRequest) -> PlannedLine | None:
    line = left.line
    quantity, amount = request.quantities.get(line.pk, 0), request.amounts.get(line.pk)
    if quantity > left.quantity:
        raise TooMuch(f"quantity_{line.pk}", left.quantity)
    if amount is None:
        amount = min(left.price_of(quantity), left.amount)
    if amount > left.amount:
        raise TooMuch(f"amount_{line.pk}", left.amount)
    withdrawn = min(quantity, left.undelivered)
    max_restock = min(quantity, left.returnable)
    restocked = request.restock.get(line.pk, min(withdrawn, max_restock))
    if restocked > max_restock:
        raise TooMuch(f"restock_{line.pk}", max_restock)
    if not quantity and not amount:
        return None
    return PlannedLine(line, quantity, amount, withdrawn, restocked)


def _closed_by(
    order: Order, left: Refundable, lines: tuple[PlannedLine, ...], balance: Decimal
) -> tuple[OrderLine, ...]:
    """Services whose reports close with this: paid back in full, or the order is."""
    paid_now = {planned.line.pk: planned.amount for planned in lines}
    is_all = left.payment.captured_amount - balance >= order.total
    return tuple(
        each.line
        for each in left.lines
        if _is_readable(order, each) and (is_all or paid_now.get(each.line.pk, ZERO) >= each.amount > 0)
    )


def _is_readable(order: Order, left: RefundableLine) -> bool:
    is_free = not left.line.net_total  # by a promo code
    return left.line.is_service and (left.amount > 0 or is_free) and not order.is_refunded


def _remaining(
    order: Order, left: RefundableLine, lines: tuple[PlannedLine, ...], closed: tuple[OrderLine, ...]
) -> RemainingLine | None:
    withdrawn = sum(planned.withdrawn for planned in lines if planned.line == left.line)
    to_ship = left.undelivered - withdrawn if left.line.ships else 0
    is_readable = _is_readable(order, left) and left.line not in closed
    return RemainingLine(left.line, to_ship, is_readable) if to_ship or is_readable else None
