"""Random schedules: buyers, gateways, accidents; then quiet, then the checker."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from .checker import faults_of
from .gateway import CARD, PAGE, PAYPAL, Faults, Gateway
from .world import Order, Page, Process, World

CARTS = ("first", "second", "third")
STEPS = 120
QUIET_TICKS = 14  # longer than every hold and every limit of a gateway, one after the other

HOSTILE = Faults(kill=0.03, lost_before=0.05, lost_after=0.05, smtp=0.1, hooks=(0.15, 0.65, 0.20))
PEACEFUL = Faults()
METHODS = {PAYPAL: (PAYPAL,), PAGE: (PAGE,), CARD: (CARD,), "mixed": (PAYPAL, PAGE, CARD)}


class Model(Protocol):
    def buy(self, cart: str, method: str, *, changed: bool = False) -> Process: ...
    def come_back(self, page: Page) -> Process: ...
    def hear(self, reference: str) -> Process: ...
    def background(self) -> list[Process]: ...
    def cancel(self, order: Order) -> Process: ...
    def left_undone(self) -> set[str]: ...


@dataclass
class Tally:
    """What a number of schedules came to."""

    schedules: int = 0
    broken: dict[int, set[str]] = field(default_factory=dict)  # by seed
    seen: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.schedules + other.schedules, self.broken | other.broken, self.seen + other.seen)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(name for names in self.broken.values() for name in names)

    def told(self) -> str:
        names = ("paid", "expired", "cancelled", "captures", "refunds", "revived", "killed")
        return ", ".join(f"{self.seen[name]} {name}" for name in names)


def campaign(
    protocol: Callable[[World], Model], seeds: Iterable[int], methods: str, faults: Faults = HOSTILE
) -> Tally:
    tally = Tally()
    for seed in seeds:
        broken, seen = run(protocol, seed, methods, faults)
        tally.schedules += 1
        tally.seen.update(seen)
        if broken:
            tally.broken[seed] = broken
    return tally


def run(
    protocol: Callable[[World], Model], seed: int, methods: str, faults: Faults = HOSTILE
) -> tuple[set[str], Counter[str]]:
    """One schedule. The same seed is the same schedule."""
    rng = random.Random(seed)
    world = World(rng, faults, Gateway(rng, faults))
    shop = protocol(world)
    _storm(world, shop, METHODS[methods])
    _become_quiet(world, shop)
    _count(world)
    return faults_of(world) | world.needless | shop.left_undone(), world.seen


def _storm(world: World, shop: Model, methods: tuple[str, ...]) -> None:
    rng = world.rng
    clicks = [cart for cart in CARTS for _ in range(rng.choice((1, 1, 2, 3)))]  # double clicks, tabs, retries
    rng.shuffle(clicks)
    for _ in range(STEPS):
        luck = rng.random()
        if clicks and luck < 0.10:
            changed = rng.random() < 0.15
            world.start(shop.buy(clicks.pop(), rng.choice(methods), changed=changed))
        elif world.pages and luck < 0.28:
            _use_page(world, shop, rng.choice(world.pages))
        elif world.gateway.notifications and luck < 0.45:
            world.start(shop.hear(_any_notification(world)))
        elif luck < 0.52:
            _tick(world, shop)
        elif world.orders and luck < 0.525:
            world.start(shop.cancel(rng.choice(world.orders)))
        for _ in range((0, 2, 4, 8, 16)[int(rng.random() * 5)]):
            if not world.processes:
                break
            world.step()


def _use_page(world: World, shop: Model, page: Page) -> None:
    """The buyer pays, or not, and comes back, or closes the browser."""
    gateway = world.gateway
    if page.purchase_id:
        purchase = gateway.purchases[page.purchase_id]
    else:
        purchase = gateway.visit(page.reference, page.cart, page.pay_until)
    if world.rng.random() < 0.8:
        gateway.agree(purchase)
    if world.rng.random() < world.faults.returns:
        world.start(shop.come_back(page))


def _any_notification(world: World) -> str:
    waiting = world.gateway.notifications
    return waiting.pop(world.rng.randrange(len(waiting)))


def _tick(world: World, shop: Model) -> None:
    world.now += 1
    world.gateway.pass_time(world.now)
    for process in shop.background():
        world.start(process)


def _become_quiet(world: World, shop: Model) -> None:
    """No more buyers, kills or lost answers: whatever was left is done without a hand, and without counting
    on notifications.
    """
    world.faults = replace(world.faults, kill=0, smtp=0)
    world.gateway.faults = replace(world.gateway.faults, lost_before=0, lost_after=0)
    for _ in range(QUIET_TICKS):
        waiting, world.gateway.notifications = world.gateway.notifications, []
        for reference in waiting:
            world.start(shop.hear(reference))
        _tick(world, shop)
        world.run_to_the_end()


def _count(world: World) -> None:
    world.seen.update(order.status for order in world.orders)
    world.seen.update(
        captures=len(world.gateway.captures),
        refunds=sum(world.gateway.refunds.values()),
        mails=sum(world.mails.values()),
        mails_again=sum(count - 1 for count in world.mails.values()),
    )
