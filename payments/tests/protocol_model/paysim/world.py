"""The shop's rows, its processes and its mailbox."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .gateway import Faults, Gateway

STOCK = 2  # pieces; every order wants one
Process = Iterator[None]

PENDING, REVIEW, PAID, CANCELLED, EXPIRED = "pending", "under_review", "paid", "cancelled", "expired"


@dataclass(slots=True)
class Order:
    id: str
    cart: str
    hold_until: int
    status: str = PENDING
    holds_stock: bool = True  # reserved, or sold
    superseded: bool = False
    payment_started: bool = False
    paid_by: str = ""  # the capture


@dataclass(slots=True)
class Page:
    """A gateway's page in a buyer's browser."""

    cart: str
    reference: str
    purchase_id: str  # empty: UnionPay learns of it when the page opens
    pay_until: int


@dataclass(slots=True)
class Running:
    process: Process
    since: int


@dataclass(slots=True)
class World:
    rng: random.Random
    faults: Faults
    gateway: Gateway
    now: int = 0
    stock: int = STOCK
    orders: list[Order] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    mails: Counter[str] = field(default_factory=Counter)  # confirmations by order
    wrong: set[str] = field(default_factory=set)  # what may not be true at any time, but was
    needless: set[str] = field(default_factory=set)  # no money is lost by it, but a buyer is bothered
    seen: Counter[str] = field(default_factory=Counter)  # what the schedules have covered
    processes: list[Running] = field(default_factory=list)

    def add_order(self, cart: str, hold: int) -> Order:
        self.take_stock()
        order = Order(f"O{len(self.orders)}", cart, self.now + hold)
        self.orders.append(order)
        return order

    def take_stock(self) -> None:
        self.stock -= 1
        if self.stock < 0:
            self.wrong.add("stock_negative")

    def sends_mail(self) -> bool:
        return self.rng.random() >= self.faults.smtp

    def start(self, process: Process) -> None:
        self.processes.append(Running(process, self.now))

    def step(self) -> None:
        """One process goes on to its next ``yield``, or dies there. None outlives the server's own limits."""
        number = int(self.rng.random() * len(self.processes))
        running = self.processes[number]
        if self.rng.random() < self.faults.kill or self.now > running.since + self.faults.lifetime:
            del self.processes[number]
            self.seen["killed"] += 1
        elif next(running.process, "end") == "end":
            del self.processes[number]

    def run_to_the_end(self) -> None:
        while self.processes:
            self.step()
