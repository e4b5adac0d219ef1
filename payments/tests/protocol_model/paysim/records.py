"""What the shop keeps: attempts and their claims, what a gateway has said of them, money and messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from .gateway import PAGE, PAYPAL, SETTLING
from .rows import (
    AWAITING,
    CAPTURED,
    CAPTURING,
    CREATED,
    DECLINED,
    MECHANISMS,
    SUPERSEDED,
    Attempt,
    Claim,
    Event,
    Message,
)
from .world import CANCELLED, EXPIRED, PAID, PENDING, REVIEW, Order, Process, World

LEASE = 2  # ticks; longer than a process lives
STOCK_HOLD = 2


@dataclass(slots=True)
class Records:
    world: World
    off: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    ledger: dict[str, Attempt] = field(default_factory=dict)  # by capture
    outbox: list[Message] = field(default_factory=list)
    inbox: list[Event] = field(default_factory=list)

    def has(self, mechanism: str) -> bool:
        assert mechanism in MECHANISMS, mechanism
        return mechanism != self.off

    def _of(self, order: Order) -> list[Attempt]:
        if not self.has("one live attempt per order"):
            return []
        return [attempt for attempt in self.attempts if attempt.order is order]

    # --- claims ---------------------------------------------------------------------------------------------

    def _take_claim(self, attempt: Attempt) -> Claim | None:
        if self._is_claimed(attempt):
            return None
        attempt.claim = Claim(self.world.now + LEASE)
        return attempt.claim

    def _is_claimed(self, attempt: Attempt) -> bool:
        if attempt.claim is None:
            return False
        return attempt.claim.until >= self.world.now or not self.has("lease of a claim")

    def _release_claim(self, attempt: Attempt, claim: Claim) -> None:
        if attempt.claim is claim:
            attempt.claim = None

    def _postpone(self, attempt: Attempt) -> None:
        """Nothing was learnt; ask again later."""
        if attempt.status == CAPTURED:
            return
        attempt.next_check = self.world.now + 1
        if not self.has("unknown is a state") and attempt.is_live:
            attempt.status, attempt.next_check = DECLINED, None

    # --- writing down ---------------------------------------------------------------------------------------

    def _record_in_steps(self, attempt: Attempt, outcome: tuple[str, str]) -> Process:
        """One transaction; in several where a mechanism that makes it one is off."""
        messages = len(self.outbox)
        self._record(attempt, outcome)
        topic = {"outbox row in the same commit": "mail", "refund row in the same commit": "refund"}.get(
            self.off
        )
        late = [message for message in self.outbox[messages:] if message.topic == topic]
        for message in late:
            self.outbox.remove(message)
        yield  # after_outcome_recorded, before_worker_woken
        self.outbox += late

    def _record(self, attempt: Attempt, outcome: tuple[str, str]) -> None:
        told, capture = outcome
        if attempt.status == CAPTURED and told != "captured":
            return  # an older answer than the one that another process has heard
        if told == "pending" and not self.has("under review is a state"):
            told = "declined"
        match told:
            case "captured":
                self._record_capture(attempt, capture)
            case "pending":
                attempt.is_reviewed = True
                if attempt.is_live and attempt.order.status == PENDING:
                    attempt.order.status = REVIEW
                    self.world.seen["under_review"] += 1
                attempt.next_check = self.world.now + 1
            case "declined" | "retry" if self._may_try_again(attempt, told):  # another card, another capture
                prefix, _, number = attempt.capture_key.rpartition(":")
                attempt.capture_key = f"{prefix}:{int(number) + 1}"
                attempt.status, attempt.next_check = AWAITING, self.world.now + 1
            case "declined" | "retry":
                self._record_decline(attempt)
            case _:
                if attempt.status == CAPTURING and attempt.method == PAYPAL:
                    attempt.status = AWAITING
                attempt.next_check = self.world.now + 1

    def _may_try_again(self, attempt: Attempt, told: str) -> bool:
        """On the gateway's page a second card may pay, whatever the first was told."""
        if not attempt.is_live or attempt.order.status == REVIEW:
            return False
        if attempt.method == PAGE:
            return self.world.now <= attempt.pay_until + SETTLING
        return told == "retry"

    def _record_decline(self, attempt: Attempt) -> None:
        attempt.next_check = None
        if attempt.method == PAGE and self.world.now <= attempt.pay_until + SETTLING:
            attempt.next_check = self.world.now + 1  # a second card may still pay there
        if attempt.is_live:
            attempt.status = DECLINED
            if attempt.order.status == REVIEW and not self._is_held_by_another(attempt):
                attempt.order.status = PENDING
                attempt.order.hold_until = max(attempt.order.hold_until, self.world.now + STOCK_HOLD)

    def _is_held_by_another(self, attempt: Attempt) -> bool:
        others = [each for each in self.attempts if each.order is attempt.order and each is not attempt]
        return any(each.is_live and each.is_reviewed for each in others)

    def _record_capture(self, attempt: Attempt, capture: str) -> None:
        if capture in self.ledger and self.has("money is booked once"):
            return
        self.ledger[capture] = attempt
        attempt.status, attempt.next_check = CAPTURED, None
        order = attempt.order
        self.world.seen[f"money_for_{order.status}"] += 1
        if order.status == PAID or (order.status in {CANCELLED, EXPIRED} and not self._revive(order)):
            self._give_back(attempt)
            return
        order.status, order.paid_by = PAID, capture
        self.outbox.append(Message("mail", order, self.world.now))
        for other in self._of(order):
            if other.status in {CREATED, AWAITING}:
                other.status = SUPERSEDED

    def _revive(self, order: Order) -> bool:
        """Late money: the order lives again if its cart has no other and its goods can be had."""
        others = [other for other in self.world.orders if other.cart == order.cart and other is not order]
        if order.superseded:
            return False
        if self.has("late money: no other order of the cart") and any(
            other.status in {PENDING, REVIEW, PAID} for other in others
        ):
            return False
        if self.world.stock < 1 and self.has("late money: stock is held again"):
            return False
        self.world.take_stock()
        order.holds_stock = True
        self.world.seen["revived"] += 1
        return True

    def _give_back(self, attempt: Attempt) -> None:
        if not attempt.refund and self.has("surplus money goes back"):
            attempt.refund = "to do"
            self.outbox.append(Message("refund", attempt, self.world.now))
