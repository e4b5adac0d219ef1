"""Both gateways. A request can be lost, or its answer; notifications come twice, late, or never."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PAYPAL, PAGE, CARD = "paypal", "page", "card"
PAY_WITHIN = 4  # ticks from the attempt's start in which a buyer can pay at UnionPay
SETTLING = 3  # then UnionPay may still show a payment that was made in time
FORGOTTEN = 9  # PayPal forgets an order that was not captured


class Lost(Exception):
    """No answer. The caller cannot know whether the request arrived."""


@dataclass(slots=True)
class Faults:
    """Probabilities. ``hooks`` are the weights of no, one and two notifications of a thing."""

    kill: float = 0
    lost_before: float = 0
    lost_after: float = 0
    smtp: float = 0
    decline: float = 0.05
    review: float = 0.08
    slow: float = 0.2
    hooks: tuple[float, float, float] = (0, 1, 0)
    returns: float = 0.8  # of the buyers at a gateway come back to the shop
    lifetime: int = 2  # ticks after which the server ends a process


@dataclass(slots=True)
class Purchase:
    """What a gateway knows of an attempt."""

    id: str
    reference: str
    cart: str
    method: str
    pay_until: int
    status: str = "created"  # approved, review, captured, declined
    capture: str = ""
    tells_from: int = 0  # until then it says "unfinished" of money that it has
    decides_at: int = 0  # when a review ends
    refused_card: bool = False  # on UnionPay's page; another card may still pay


@dataclass(slots=True)
class Gateway:
    rng: random.Random
    faults: Faults
    now: int = 0
    purchases: dict[str, Purchase] = field(default_factory=dict)
    captures: dict[str, Purchase] = field(default_factory=dict)
    refunds: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Any] = field(default_factory=dict)  # by idempotency key
    notifications: list[str] = field(default_factory=list)  # references

    def _asked(self, work: Callable[[], Any], key: str = "") -> Any:
        luck = self.rng.random()
        if luck < self.faults.lost_before:
            raise Lost
        answer = self.answers[key] if key in self.answers else work()
        if key:
            self.answers[key] = answer
        if luck > 1 - self.faults.lost_after:
            raise Lost
        return answer

    def _notify(self, purchase: Purchase) -> None:
        copies = self.rng.choices((0, 1, 2), self.faults.hooks)[0]
        self.notifications += [purchase.reference] * copies

    def _open(self, reference: str, cart: str, method: str, pay_until: int) -> Purchase:
        purchase = Purchase(f"G{len(self.purchases)}", reference, cart, method, pay_until)
        self.purchases[purchase.id] = purchase
        return purchase

    def find(self, reference: str) -> Purchase | None:
        return next((found for found in self.purchases.values() if found.reference == reference), None)

    # --- what the shop asks ---------------------------------------------------------------------------------

    def create(self, reference: str, cart: str, *, key: str) -> str:
        """PayPal: an order; answers with its id."""
        return self._asked(lambda: self._open(reference, cart, PAYPAL, self.now + FORGOTTEN).id, key)

    def charge(self, reference: str, cart: str, *, pay_until: int) -> str:
        """UnionPay, card typed at the shop: only accepted here, unless it is refused."""

        def work() -> str:
            if self.find(reference):
                return "accepted"  # a duplicate of this reference
            purchase = self._open(reference, cart, CARD, pay_until)
            if self.now > pay_until or self.rng.random() < self.faults.decline:
                purchase.status = "declined"
                return "declined"
            self._take(purchase)
            return "accepted"

        return self._asked(work)

    def send_code(self) -> None:
        """UnionPay: the bank texts a code to the buyer."""
        self._asked(lambda: None)

    def fetch(self, purchase_id: str, *, reference: str = "", pay_until: int = 0) -> tuple[str, str]:
        """What became of it: (captured, approved, pending, declined or unfinished; capture)."""
        return self._asked(lambda: self._state(purchase_id, reference, pay_until))

    def capture(self, purchase_id: str, *, key: str) -> tuple[str, str]:
        """PayPal: take the approved money. The buyer may choose another card after a ``retry``."""
        purchase = self.purchases[purchase_id]

        def work() -> tuple[str, str]:
            if purchase.status != "approved" or self.now > purchase.pay_until:
                return self._state(purchase_id, "", 0)
            if self.rng.random() < self.faults.decline:
                purchase.status = "created"
                return "retry", ""
            self._take(purchase)
            return self._state(purchase_id, "", 0)

        return self._asked(work, key)

    def refund(self, capture: str, *, key: str) -> None:
        def work() -> bool:
            self.refunds[capture] += 1
            return True

        self._asked(work, key)

    def _state(self, purchase_id: str, reference: str, pay_until: int) -> tuple[str, str]:
        purchase = self.purchases.get(purchase_id) or self.find(reference)
        if purchase and purchase.status == "captured" and purchase.tells_from <= self.now:
            return "captured", purchase.capture
        if purchase and (
            purchase.status == "declined" or (purchase.status == "created" and purchase.refused_card)
        ):
            return "declined", ""
        if purchase and purchase.status == "review":
            return "pending", purchase.capture
        if purchase and purchase.method == PAYPAL and self.now > purchase.pay_until:
            return "declined", ""
        if pay_until and self.now > pay_until + SETTLING:
            return "declined", ""
        return ("approved" if purchase and purchase.status == "approved" else "unfinished"), ""

    def holds_money(self, reference: str) -> bool:
        """The truth, which nobody can ask for: taken, or under review."""
        found = self.find(reference)
        return found is not None and found.status in {"captured", "review"}

    def would_tell(self, reference: str) -> bool:
        found = self.find(reference)
        return found is not None and found.status == "captured" and found.tells_from <= self.now

    # --- what happens there ---------------------------------------------------------------------------------

    def visit(self, reference: str, cart: str, pay_until: int) -> Purchase:
        """UnionPay's page opens with the form that the shop signed."""
        return self.find(reference) or self._open(reference, cart, PAGE, pay_until)

    def agree(self, purchase: Purchase) -> None:
        """The buyer pays at the gateway, as far as it is the buyer's to do."""
        if purchase.status != "created" or self.now > purchase.pay_until:
            return
        if purchase.method == PAGE and self.rng.random() < self.faults.decline:
            purchase.refused_card = True
        elif purchase.method == PAGE:
            self._take(purchase)
        else:
            purchase.status = "approved"
            if self.rng.random() < 0.5:
                self.notifications.append(purchase.reference)

    def _take(self, purchase: Purchase) -> None:
        purchase.capture = f"C-{purchase.id}"  # each purchase is captured at most once
        if purchase.method == PAYPAL and self.rng.random() < self.faults.review:
            purchase.status, purchase.decides_at = "review", self.now + self.rng.randint(1, 4)
        else:
            self._book(purchase)
            if purchase.method != PAYPAL and self.rng.random() < self.faults.slow:
                purchase.tells_from = self.now + self.rng.randint(1, SETTLING)
        self._notify(purchase)

    def _book(self, purchase: Purchase) -> None:
        purchase.status = "captured"
        self.captures[purchase.capture] = purchase

    def pass_time(self, now: int) -> None:
        self.now = now
        for purchase in self.purchases.values():
            if purchase.status == "review" and purchase.decides_at <= now:
                if self.rng.random() < 0.5:
                    self._book(purchase)
                else:
                    purchase.status = "declined"
                self._notify(purchase)
