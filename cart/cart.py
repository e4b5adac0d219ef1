"""What this visitor wants to buy: variant ids and quantities in the session, with a promo code and what the
visitor was last shown of each line.

Names, prices and stock are read afresh each time, in one query for all lines.
"""

import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import Signal

from catalog.models import MAX_QUANTITY, Variant

from .limits import Limit, limit_of, problem_of
from .lines import CartLine
from .snapshots import Snapshots, number_of

KEY = "cart"
MAX_LINES = 50
MAX_CODE_LENGTH = 40  # characters; what is longer is no promo code

# Asked with ``token`` when stock seems short; receivers answer with the {variant id: quantity} that an unpaid
# order of this very cart holds. Without it the last piece would look sold out to the one who has reserved it.
holds_of_cart = Signal()

# Sent when a cart holds less than before, with its ``token`` and ``quantities`` (by variant id): what has
# been typed about the rest is to be forgotten.
cart_lowered = Signal()


class CartIsFull(Exception):
    """There are ``MAX_LINES`` different things in the cart already."""


def count_in(session: SessionBase) -> int:
    """The sum of quantities, from the session alone."""
    return sum(_read(session)[1].values())


class Cart:
    """The cart of one session. Every change is written to the session at once."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session
        self._token, self._items = _read(session)
        self._code, self.snapshots = _read_more(session)
        self._lines: list[CartLine] | None = None
        self._holds: dict[int, int] | None = None

    @property
    def token(self) -> str:
        """Names this cart to the checkout. Empty until something is added; ``clear`` ends it."""
        return self._token

    @property
    def promo_code(self) -> str:
        """As it was entered. What it is worth, the checkout knows."""
        return self._code

    @promo_code.setter
    def promo_code(self, code: str) -> None:
        if self._items:
            self._code = code[:MAX_CODE_LENGTH]
            self._save()

    @property
    def lines(self) -> list[CartLine]:
        if self._lines is None:
            self._lines = self._read_lines()
        return self._lines

    @property
    def goods(self) -> list[CartLine]:
        return [line for line in self.lines if not line.variant.product.is_service]

    @property
    def services(self) -> list[CartLine]:
        return [line for line in self.lines if line.variant.product.is_service]

    @property
    def goods_total(self) -> Decimal:
        return sum((line.total for line in self.goods), Decimal(0))

    @property
    def services_total(self) -> Decimal:
        return sum((line.total for line in self.services), Decimal(0))

    @property
    def total(self) -> Decimal:
        """Without the shipping fee, which the checkout knows."""
        return self.goods_total + self.services_total

    @property
    def count(self) -> int:
        return sum(self._items.values())

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def is_blocked(self) -> bool:
        return any(line.problem for line in self.lines)

    @property
    def needs_shipping(self) -> bool:
        return any(line.variant.product.ships for line in self.goods)

    @property
    def changes(self) -> list[str]:
        """What differs from what the visitor was last shown, one sentence each."""
        return self.snapshots.changes(self.lines) if self._token else []

    @property
    def look(self) -> str:
        """Names what a page shows of the cart now; its forms send it."""
        return number_of(self.lines)

    def quantity_of(self, variant_id: int) -> int:
        return self._items.get(variant_id, 0)

    def limit_on(self, variant: Variant, quantity: int) -> Limit:
        """How many of the variant the cart can hold, asked for ``quantity`` of them."""
        sisters = self._sisters_of(variant) if variant.product.is_limited else 0
        return limit_of(variant, available=self._available(variant, quantity), others=sisters)

    def add(self, variant: Variant, quantity: int) -> int:
        """Add as many as stock and limits allow. Returns how many are in the cart now. Raises CartIsFull."""
        if variant.pk not in self._items and len(self._items) >= MAX_LINES:
            raise CartIsFull
        return self._put(variant, self.quantity_of(variant.pk) + max(0, quantity))

    def set(self, variant_id: int, quantity: int) -> int:
        """Set the quantity, as far as stock and limits allow; 0 removes. Returns the new quantity."""
        if quantity <= 0:
            self.remove(variant_id)
            return 0
        line = next((line for line in self.lines if line.variant.pk == variant_id), None)
        return self._put(line.variant, quantity) if line else 0

    def remove(self, variant_id: int) -> None:
        if self._items.pop(variant_id, None):
            self.snapshots.forget(variant_id)
            self._save()
            self._tell_lowered()

    def save_snapshots(self) -> None:
        """Write to the session what the visitor has been shown."""
        if self._token:
            self._save()

    def clear(self) -> None:
        """Forget everything. The next thing added begins another cart with another token."""
        self._session.pop(KEY, None)
        self._token, self._items, self._code, self.snapshots = "", {}, "", Snapshots()
        self._lines = self._holds = None

    def take_out(self, bought: Mapping[int, int]) -> None:
        """Take out what has been ordered, the promo code with it.

        What was added since begins another cart with another token.
        """
        self._items = {
            variant_id: left
            for variant_id, quantity in self._items.items()
            if (left := quantity - bought.get(variant_id, 0)) > 0
        }
        if not self._items:
            self.clear()
            return
        for variant_id in bought:
            self.snapshots.set_remaining(variant_id, self.quantity_of(variant_id))
        self._token, self._code, self._holds = "", "", None
        self._save()

    def _put(self, variant: Variant, quantity: int) -> int:
        """A line that can no longer be had at all stays as it is: the page says so and offers removal."""
        possible = min(quantity, self.limit_on(variant, quantity).most)
        if possible > 0:
            is_less = possible < self.quantity_of(variant.pk)
            self._items[variant.pk] = possible
            self.snapshots.set_quantity(variant.pk, variant.price, possible)
            self._save()
            if is_less:
                self._tell_lowered()
        return self.quantity_of(variant.pk)

    def _tell_lowered(self) -> None:
        cart_lowered.send(sender=None, token=self._token, quantities=dict(self._items))

    def _save(self) -> None:
        self._token = self._token or secrets.token_urlsafe(24)
        items = {str(variant_id): quantity for variant_id, quantity in self._items.items()}
        more = {"code": self._code, "looks": self.snapshots.stored()}
        stored = {"token": self._token, "items": items}
        self._session[KEY] = stored | {name: value for name, value in more.items() if value}
        self._lines = None

    def _read_lines(self) -> list[CartLine]:
        if not self._items:
            return []
        variants = Variant.objects.select_related("product__service_terms").in_bulk(list(self._items))
        for variant_id in self._items.keys() - variants.keys():
            self.remove(variant_id)  # deleted in the shop: there is nothing left to show
        return [self._line(variants, variant_id, quantity) for variant_id, quantity in self._items.items()]

    def _line(self, variants: dict[int, Variant], variant_id: int, quantity: int) -> CartLine:
        variant = variants[variant_id]
        family = (pk for pk, other in variants.items() if other.product_id == variant.product_id)
        sisters = sum(self._items[pk] for pk in family) - quantity
        limit = limit_of(variant, available=self._available(variant, quantity), others=sisters)
        return CartLine(
            variant, quantity, variant.price, limit.most, problem=problem_of(variant, quantity, limit)
        )

    def _sisters_of(self, variant: Variant) -> int:
        return sum(
            line.quantity
            for line in self.lines
            if line.variant.product_id == variant.product_id and line.variant.pk != variant.pk
        )

    def _available(self, variant: Variant, quantity: int) -> int | None:
        available = variant.available
        if available is None or quantity <= available or not self._token:
            return available
        if self._holds is None:
            self._holds = _ask_for_holds(self._token)
        return available + self._holds.get(variant.pk, 0)


def _ask_for_holds(token: str) -> dict[int, int]:
    answers: list[tuple[Any, dict[int, int]]] = holds_of_cart.send(sender=None, token=token)  # type: ignore[assignment]
    return {variant_id: quantity for _receiver, answer in answers for variant_id, quantity in answer.items()}


def _read(session: SessionBase) -> tuple[str, dict[int, int]]:
    """Token and items, as far as what the session holds makes sense."""
    stored: Any = session.get(KEY)
    match stored:
        case {"token": str(token), "items": dict(items)} if token:
            pairs = [(int(key), count) for key, count in items.items() if _is_item(key, count)]
            return token, {key: min(count, MAX_QUANTITY) for key, count in pairs[:MAX_LINES]}
    return "", {}


def _read_more(session: SessionBase) -> tuple[str, Snapshots]:
    """Promo code and snapshots; sessions that are older than these have none."""
    stored: Any = session.get(KEY)
    if not isinstance(stored, dict):
        return "", Snapshots()
    code = stored.get("code")
    return code[:MAX_CODE_LENGTH] if isinstance(code, str) else "", Snapshots(stored.get("looks"))


def _is_item(key: Any, count: Any) -> bool:
    is_id = isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 19
    return is_id and type(count) is int and count > 0
