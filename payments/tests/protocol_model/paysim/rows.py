"""The rows of our protocol, and what of it can be switched off."""

from __future__ import annotations

from dataclasses import dataclass

from .world import Order

CREATED, AWAITING, CAPTURING, CAPTURED = "created", "awaiting", "capturing", "captured"
DECLINED, SUPERSEDED, GIVEN_UP = "declined", "superseded", "expired"
LIVE = {CREATED, AWAITING, CAPTURING}

MECHANISMS = (
    "one order per cart",
    "one live attempt per order",
    "no second attempt while money may be on its way",
    "card attempt capturing before the first byte",
    "claim before capture",
    "idempotency key on create",
    "lease of a claim",
    "unknown is a state",
    "under review is a state",
    "money is booked once",
    "late money: no other order of the cart",
    "late money: stock is held again",
    "surplus money goes back",
    "sweep",
    "sweep: also attempts that were given up",
    "expiry asks first",
    "capturing blocks expiry",
    "outbox row in the same commit",
    "refund row in the same commit",
    "idempotency key on refund",
)


@dataclass(slots=True)
class Claim:
    until: int


@dataclass(slots=True)
class Attempt:
    reference: str
    order: Order
    method: str
    pay_until: int
    next_check: int | None
    status: str = CREATED
    purchase_id: str = ""
    capture_key: str = ""
    claim: Claim | None = None
    is_reviewed: bool = False  # the gateway holds the money and looks at it
    refund: str = ""  # to do, done

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


@dataclass(slots=True)
class Message:
    """An outbox row."""

    topic: str  # mail, refund
    subject: Order | Attempt
    due: int
    claimed_until: int = -1
    delivered: bool = False


@dataclass(slots=True)
class Event:
    """An inbox row."""

    reference: str
    processed: bool = False
