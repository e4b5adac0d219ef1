"""What the shop and a gateway say to each other. Gateways know no orders and no rows, only these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from shop.background.peers import Silence


@dataclass(frozen=True)
class Item:
    name: str
    unit_price: Decimal
    quantity: int
    sku: str
    ships: bool


@dataclass(frozen=True)
class Address:
    """Where the goods go. ``country`` is ISO 3166 alpha-2; empty strings mean: not given."""

    recipient: str
    country: str
    area: str  # province, county, or Hong Kong's three parts
    city: str  # city or district
    line1: str
    line2: str
    postcode: str


@dataclass(frozen=True)
class Purchase:
    """Everything a gateway may know of an attempt. No answers, no e-mail, no keys."""

    reference: str  # ours, unique per attempt
    order_number: str
    amount: Decimal
    currency: str
    language: str  # zh-hant or en
    started_at: datetime
    pay_until: datetime
    return_url: str
    cancel_url: str
    notify_url: str
    create_key: str
    capture_key: str
    gateway_id: str = ""
    items: tuple[Item, ...] = ()
    shipping: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)  # taken off the items' prices
    address: Address | None = None
    on_phone: bool = False  # begun on a telephone, and UnionPay is to know


@dataclass(frozen=True)
class EncryptedCard:
    """A card as the browser encrypted it for UnionPay. We cannot read it. Lives only in one request."""

    acc_no: str = field(repr=False)
    encrypted_info: str = field(repr=False)
    encrypt_cert_id: str
    last4: str
    sms_code: str = field(default="", repr=False)  # what the bank sent to the buyer's telephone


@dataclass(frozen=True)
class Handoff:
    """Where to send the buyer's browser. With fields it is a form POST."""

    url: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """The gateway knows the attempt under ``gateway_id``; the buyer goes to ``handoff``, if any."""

    gateway_id: str
    handoff: Handoff | None = None


@dataclass(frozen=True)
class Captured:
    """The gateway has the money: these are the facts to compare with ours."""

    reference: str  # the gateway's own, unique
    our_reference: str
    amount: Decimal
    currency: str
    payee_matches: bool


@dataclass(frozen=True)
class Approved:
    """The buyer agreed; the money still has to be taken (PayPal)."""


@dataclass(frozen=True)
class Pending:
    """Taken but under review at the gateway: neither paid nor failed."""

    reference: str
    reason: str


@dataclass(frozen=True)
class Declined:
    """Definitely no money. ``code`` is the gateway's; ``retry`` says what can help."""

    code: str
    retry: Literal["same-gateway-page", "card-fields", "sms-code", "other-method"] = "other-method"
    # What staff must hear of: our account or request was refused, or the code is none that we know.
    concern: Literal["", "ours", "unknown"] = ""


@dataclass(frozen=True)
class Unfinished:
    """Nothing has been decided yet: the buyer has not approved, or the bank has not answered."""

    code: str = ""


@dataclass(frozen=True)
class CodeSent:
    """The bank has sent a code to the buyer's telephone; it is good for this attempt only."""

    gateway_id: str


Outcome = Captured | Approved | Pending | Declined | Unfinished


@dataclass(frozen=True)
class Refunded:
    reference: str
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class RefundRefused:
    code: str


RefundOutcome = Refunded | RefundRefused | Unfinished


@dataclass(frozen=True)
class Movement:
    """Money that left us after a capture, as the gateway tells it. ``key`` is ours if we asked for it."""

    reference: str
    kind: Literal["refund", "reversal"]
    amount: Decimal
    currency: str
    key: str = ""
    is_marked: bool = False  # it says of itself that it is a reversal; else at most its capture does


@dataclass(frozen=True)
class DisputeFact:
    """A complaint at the gateway as it stands now."""

    reference: str
    captures: tuple[str, ...]  # the captures it is about
    reason: str
    status: str
    is_open: bool
    opened_at: datetime
    outcome: str = ""
    amount: Decimal | None = None
    currency: str = ""
    respond_until: datetime | None = None


@dataclass(frozen=True)
class Parcel:
    """What PayPal may know of a parcel. ``carrier`` is ours: sf, hkpost, dhl, hand."""

    carrier: str
    tracking_number: str
    items: tuple[Item, ...] = ()


class GatewayError(Silence):
    """The gateway could not be asked, or its answer cannot be trusted. Nothing is known; ask again.

    ``about_one``: it has answered itself, and its answer is about this one transaction only.
    """

    def __init__(self, code: str, *, debug_id: str = "", about_one: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.debug_id = debug_id
        self.about_one = about_one


class Misconfigured(GatewayError):
    """Our credentials, certificates or permissions are wrong: a person must act."""


class GatewayBusy(GatewayError):
    """Too many requests of this process wait for the gateway already. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__("BUSY")


class ParcelRefused(Exception):
    """The gateway will never take what we told about a parcel. ``args[0]`` is its code."""


class InvalidNotification(Exception):
    """Shape, size or required headers of a notification are wrong."""


@dataclass(frozen=True)
class Notification:
    """What a notification is about, before anything in it is believed."""

    event_id: str  # the same for a repeated delivery
    references: tuple[str, ...] = ()  # ours
    gateway_ids: tuple[str, ...] = ()
    kind: str = ""  # the gateway's own word
    dispute: str = ""  # the dispute it is about, if it is about one
    moved: tuple[str, ...] = ()  # the money that it says has left us, and
    moved_as: Literal["", "refund", "reversal"] = ""  # what it calls that
    code: str = ""  # the gateway's word for the result (UnionPay)


class Gateway(Protocol):
    """Whatever talks to the gateway raises GatewayError when the answer is unknown, and only then."""

    code: str
    captures: bool  # True: an approved purchase must be captured by us (PayPal)

    def send_code(self, purchase: Purchase, card: EncryptedCard) -> CodeSent | Declined:
        """Have the bank send a code to the buyer's telephone. Takes no money. Cards typed here only."""
        ...

    def start(self, purchase: Purchase, card: EncryptedCard | None = None) -> Started | Declined:
        """Tell the gateway about the attempt. Safe to repeat: ``create_key``/``reference`` identify it."""
        ...

    def fetch(self, purchase: Purchase) -> Outcome:
        """Ask what became of it. Changes nothing."""
        ...

    def capture(self, purchase: Purchase) -> Outcome:
        """Take the money of an approved purchase. Safe to repeat with the same ``capture_key``."""
        ...

    def refund(
        self,
        purchase: Purchase,
        capture_reference: str,
        amount: Decimal,
        *,
        key: str,
        started_at: datetime,
        captured_at: datetime | None = None,
    ) -> RefundOutcome:
        """Give money back. Safe to repeat with the same ``key`` (32 hex digits) and ``started_at``.

        ``captured_at`` is given when all of an untouched capture goes back: it may then be undone instead.
        """
        ...

    def refund_voids(self, captured_at: datetime, at: datetime) -> bool:
        """Whether giving all of an untouched capture back at this moment undoes it. No network."""
        ...

    def movements(self, purchase: Purchase, capture_reference: str) -> tuple[Movement, ...]:
        """All money that has left us after this capture, ours and others'. Changes nothing."""
        ...

    def dispute(self, reference: str) -> DisputeFact:
        """How a complaint stands. Changes nothing."""
        ...

    def track(self, purchase: Purchase, capture_reference: str, parcel: Parcel) -> list[str]:
        """Tell the gateway that a parcel has left; return its names for all parcels of the purchase.

        Safe to repeat. Raises ParcelRefused for a definite no.
        """
        ...

    def untrack(self, purchase: Purchase, tracker: str) -> None:
        """Take back one of ``track``'s names. Safe to repeat. Raises ParcelRefused for a definite no."""
        ...

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        """Check size, shape and required headers. Raises InvalidNotification; no network."""
        ...

    def judge_notification(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Refuse what the gateway cannot have sent, as far as that shows without the network.

        Returns the headers that ``verify_notification`` needs, and no others. Raises InvalidNotification.
        """
        ...

    def verify_notification(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the gateway itself sent exactly these bytes."""
        ...
