"""What the visitor was last shown of the cart, and what has changed since: told once, old value first.

``Snapshots`` keeps this in the session. Each page of the cart names the snapshot that it showed, so that a
tab in which another tab's changes were never seen is told of them too.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.models import Variant
from shop.l10n.money import formatted

from .lines import CartLine

MAX_PAGES = 5  # for tabs that are still open


@dataclass(frozen=True)
class LineSnapshot:
    """One line as it was shown."""

    price: Decimal
    quantity: int
    is_available: bool = True

    @classmethod
    def at(cls, line: CartLine) -> Self:
        return cls(line.unit_price, line.quantity, not line.problem)

    def stored(self) -> list[Any]:
        return [str(self.price), self.quantity, int(self.is_available)]


NOT_SHOWN = LineSnapshot(Decimal(0), 0)


class Snapshots:
    """The lines as last shown, and as shown on each of the last ``MAX_PAGES`` pages."""

    def __init__(self, stored: Any = None) -> None:
        """From what the session holds, as far as it makes sense."""
        stored = stored if isinstance(stored, dict) else {}
        self._last = _read(stored.get("last"))
        pages = stored.get("pages") if isinstance(stored.get("pages"), dict) else {}
        self._pages = {str(number): _read(page) for number, page in list(pages.items())[-MAX_PAGES:]}

    def stored(self) -> dict[str, Any]:
        """What the session stores."""
        if not self._last and not self._pages:
            return {}
        pages = {number: _written(page) for number, page in self._pages.items()}
        return {"last": _written(self._last), "pages": pages}

    def set_quantity(self, variant_id: int, price: Decimal, quantity: int) -> None:
        """The visitor set this quantity, so it is not reported as a change.

        The price last shown is kept, so that a new price still is.
        """
        known = self._last.get(variant_id)
        self._last[variant_id] = LineSnapshot(known.price if known and known.quantity else price, quantity)

    def set_remaining(self, variant_id: int, quantity: int) -> None:
        """Some of a line were ordered: of the rest, changes that were not shown yet are still reported."""
        known = self._last.pop(variant_id, None)
        if known and quantity:
            self._last[variant_id] = replace(known, quantity=quantity)

    def forget(self, variant_id: int) -> None:
        self._last.pop(variant_id, None)

    def quantity_of(self, variant_id: int) -> int | None:
        """How many were shown; None if the line was not."""
        snapshot = self._last.get(variant_id)
        return snapshot.quantity if snapshot else None

    def compare_with_page(self, number: str) -> bool:
        """Compare from now on with what this page showed. Returns whether it was not the last page."""
        page = self._pages.get(number)
        if page is None or page == self._last:
            return False
        self._last = dict.fromkeys(self._last, NOT_SHOWN) | page
        return True

    def record_shown(self, lines: Iterable[CartLine]) -> bool:
        """Record that the lines have been shown. Returns whether anything was recorded."""
        page = {line.variant.pk: LineSnapshot.at(line) for line in lines}
        number = _number(page)
        if page == self._last and number in self._pages:
            return False
        self._last = page
        self._pages.pop(number, None)
        self._pages = dict([*self._pages.items(), (number, dict(page))][-MAX_PAGES:])
        return True

    def changes(self, lines: Iterable[CartLine]) -> list[str]:
        """One sentence for each thing that differs from what was shown.

        A line without a snapshot is not reported: its session is older than snapshots.
        """
        now = {line.variant.pk: line for line in lines}
        known = [(line, self._last[pk]) for pk, line in now.items() if pk in self._last]
        sentences = [sentence for line, snapshot in known for sentence in _changes_of(line, snapshot)]
        gone = [pk for pk, snapshot in self._last.items() if pk not in now and snapshot.quantity]
        names = Variant.objects.select_related("product").in_bulk(gone) if gone else {}
        return sentences + [_removed(names[pk]) for pk in gone if pk in names]


def number_of(lines: Iterable[CartLine]) -> str:
    """Names what a page of these lines shows."""
    return _number({line.variant.pk: LineSnapshot.at(line) for line in lines})


def _changes_of(line: CartLine, snapshot: LineSnapshot) -> list[str]:
    name, sentences = line.variant.full_name, []
    if not snapshot.quantity:
        return [_("%(name)s has been added to your cart.") % {"name": name}]
    if line.unit_price != snapshot.price:
        old, new = (formatted(price, settings.CURRENCY) for price in (snapshot.price, line.unit_price))
        text = _("The price of %(name)s has changed from %(old)s to %(new)s.")
        sentences.append(text % {"name": name, "old": old, "new": new})
    if line.quantity != snapshot.quantity:
        text = _("The quantity of %(name)s has changed from %(old)s to %(new)s.")
        sentences.append(text % {"name": name, "old": snapshot.quantity, "new": line.quantity})
    if line.problem and snapshot.is_available:
        sentences.append(_("%(name)s: %(problem)s") % {"name": name, "problem": line.problem})
    if not line.problem and not snapshot.is_available:
        sentences.append(_("%(name)s can be ordered again.") % {"name": name})
    return sentences


def _removed(variant: Variant) -> str:
    return _("%(name)s is no longer in your cart.") % {"name": variant.full_name}


def _number(page: dict[int, LineSnapshot]) -> str:
    return hashlib.sha256(json.dumps(_written(page), sort_keys=True).encode()).hexdigest()[:12]


def _written(page: dict[int, LineSnapshot]) -> dict[str, list[Any]]:
    return {str(variant_id): line.stored() for variant_id, line in page.items()}


def _read(page: Any) -> dict[int, LineSnapshot]:
    if not isinstance(page, dict):
        return {}
    return {int(key): line for key, values in page.items() if (line := _line(key, values))}


def _line(key: Any, values: Any) -> LineSnapshot | None:
    match values:
        case [str(price), int(quantity), int(is_available)] if isinstance(key, str) and key.isdecimal():
            try:
                amount = Decimal(price)
            except InvalidOperation:
                return None
            return LineSnapshot(amount, quantity, bool(is_available)) if amount.is_finite() else None
    return None
