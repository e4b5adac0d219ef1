"""Protocols that look reasonable and lose money. If the checker finds nothing in them, it finds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from .gateway import PAGE, PAY_WITHIN, PAYPAL, Lost
from .world import EXPIRED, PAID, PENDING, Order, Page, Process, World


@dataclass(slots=True)
class Naive:
    """Capture on return, then write the order, then mail; what is not answered has failed."""

    world: World
    sold: set[str] = field(default_factory=set)  # purchases

    def buy(self, cart: str, method: str, *, changed: bool = False) -> Process:
        yield
        if self.world.stock < 1:
            return
        yield
        try:
            purchase_id = _begin(self.world, cart, cart, method)
        except Lost:
            return
        yield
        self.world.pages.append(Page(cart, cart, purchase_id, self.world.now + PAY_WITHIN))

    def come_back(self, page: Page) -> Process:
        yield
        purchase = self.world.gateway.purchases.get(page.purchase_id)
        if purchase is None or purchase.id in self.sold:
            return
        yield
        try:
            capture = _take(self.world, purchase.id)
        except Lost:  # an error page, and nothing is written down
            return
        yield
        if capture:
            seen = self.world.stock  # read ...
            yield
            order = self.world.add_order(page.cart, 0)
            self.world.stock = seen - 1  # ... and written later
            self.sold.add(purchase.id)
            yield
            order.status, order.paid_by = PAID, capture
            yield
            self.world.mails[order.id] += 1

    def hear(self, reference: str) -> Process:
        for purchase in list(self.world.gateway.purchases.values()):
            if purchase.reference == reference:
                page = Page(purchase.cart, reference, purchase.id, purchase.pay_until)
                yield from self.come_back(page)

    def background(self) -> list[Process]:
        return []

    def cancel(self, order: Order) -> Process:
        yield

    def left_undone(self) -> set[str]:
        return set()


@dataclass(slots=True)
class Try:
    order: Order
    purchase_id: str
    status: str = "created"


@dataclass(slots=True)
class OrderFirst:
    """The order first, and an outbox; but a timeout is a failure, payment and order are two commits, nobody
    asks again, and an order expires unasked.
    """

    world: World
    tries: list[Try] = field(default_factory=list)
    outbox: list[Order] = field(default_factory=list)

    def buy(self, cart: str, method: str, *, changed: bool = False) -> Process:
        yield
        orders = [order for order in self.world.orders if order.cart == cart and order.status != EXPIRED]
        if not orders and self.world.stock < 1:
            return
        order = orders[0] if orders else self.world.add_order(cart, 2)
        if order.status == PAID:
            return
        yield
        try:
            purchase_id = _begin(self.world, order.id, cart, method)
        except Lost:
            return
        yield
        self.tries.append(Try(order, purchase_id))
        self.world.pages.append(Page(cart, order.id, purchase_id, self.world.now + PAY_WITHIN))

    def come_back(self, page: Page) -> Process:
        yield
        yield from self._settle(page.purchase_id)

    def hear(self, reference: str) -> Process:
        yield
        for purchase in list(self.world.gateway.purchases.values()):
            if purchase.reference == reference:
                yield from self._settle(purchase.id)

    def _settle(self, purchase_id: str) -> Process:
        found = next((each for each in self.tries if each.purchase_id == purchase_id), None)
        if found is None or found.status != "created":
            return
        try:
            capture = _take(self.world, purchase_id)
        except Lost:
            found.status = "failed"
            return
        yield
        if capture:
            found.status = "confirmed"
            yield  # the second transaction
            if found.order.status == PENDING:
                found.order.status, found.order.paid_by = PAID, capture
                self.outbox.append(found.order)

    def background(self) -> list[Process]:
        return [self._mail(), self._expire()]

    def _mail(self) -> Process:
        for order in list(self.outbox):
            yield
            if self.world.sends_mail() and order in self.outbox:
                self.outbox.remove(order)
                self.world.mails[order.id] += 1

    def _expire(self) -> Process:
        yield
        for order in self.world.orders:
            if order.status == PENDING and order.hold_until <= self.world.now:
                order.status, order.holds_stock = EXPIRED, False
                self.world.stock += 1

    def cancel(self, order: Order) -> Process:
        yield

    def left_undone(self) -> set[str]:
        return set()


def _begin(world: World, reference: str, cart: str, method: str) -> str:
    if method == PAYPAL:
        return world.gateway.create(reference, cart, key="")
    return world.gateway.visit(reference, cart, world.now + PAY_WITHIN).id


def _take(world: World, purchase_id: str) -> str:
    """The capture, or nothing."""
    if world.gateway.purchases[purchase_id].method == PAGE:
        _, capture = world.gateway.fetch(purchase_id)
    else:
        _, capture = world.gateway.capture(purchase_id, key="")
    return capture
