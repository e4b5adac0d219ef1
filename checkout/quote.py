"""What the visitor is shown before ordering: every line, every amount, every date.

The order is made of exactly this.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cart.cart import Cart, CartLine
from catalog.models import Variant
from shop import clock
from shop.money import formatted

from . import shipping
from .dates import add_working_days

SALT = "checkout.quote"


@dataclass(frozen=True)
class QuoteLine:
    variant_id: int
    sku: str
    name: str
    unit_price: str
    quantity: int
    total: str
    report_due_on: str = ""  # ISO date, services only

    @property
    def due(self) -> date:
        return date.fromisoformat(self.report_due_on)


@dataclass(frozen=True)
class Quote:
    """Amounts are decimal text in ``currency``, so that the quote travels through the page unchanged."""

    lines: tuple[QuoteLine, ...]
    goods_total: str
    services_total: str
    shipping_total: str
    total: str
    currency: str
    terms_version: str

    @property
    def goods(self) -> list[QuoteLine]:
        return [line for line in self.lines if not line.report_due_on]

    @property
    def services(self) -> list[QuoteLine]:
        return [line for line in self.lines if line.report_due_on]

    @property
    def digest(self) -> str:
        """Names are left out: the same order in another language is the same order."""
        plain = asdict(self)
        for line in plain["lines"]:
            del line["name"]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def signed(self) -> str:
        """For the page: only we can have made it, so it can be trusted as what was seen."""
        return signing.dumps(asdict(self), salt=SALT, compress=True)


def read_signed(text: str) -> Quote | None:
    """The quote that a page carried, or None when it is not ours."""
    try:
        plain: dict[str, Any] = signing.loads(text, salt=SALT)
        return Quote(**{**plain, "lines": tuple(QuoteLine(**line) for line in plain["lines"])})
    except (signing.BadSignature, TypeError, KeyError):
        return None


def make_quote(cart: Cart, region: str) -> Quote:
    """Today's prices for the cart, shipped to the region if anything ships."""
    weight = sum(line.variant.weight_g * line.quantity for line in cart.goods if line.variant.product.ships)
    fee = shipping.fee(region, weight, cart.goods_total) if cart.needs_shipping else Decimal(0)
    return Quote(
        lines=tuple(_quoted(line) for line in cart.lines),
        goods_total=str(cart.goods_total),
        services_total=str(cart.services_total),
        shipping_total=str(fee),
        total=str(cart.goods_total + cart.services_total + fee),
        currency=settings.CURRENCY,
        terms_version=settings.TERMS_VERSION,
    )


def _quoted(line: CartLine) -> QuoteLine:
    product = line.variant.product
    due = ""
    if product.is_service:
        due = add_working_days(localtime(clock.now()), product.service_terms.working_days).isoformat()
    return QuoteLine(
        variant_id=line.variant.pk,
        sku=line.variant.sku,
        name=full_name(line.variant),
        unit_price=str(line.unit_price),
        quantity=line.quantity,
        total=str(line.total),
        report_due_on=due,
    )


def full_name(variant: Variant) -> str:
    """Product and variant in the reader's language."""
    return f"{variant.product.name} – {variant.name}" if variant.name else variant.product.name


def differences(seen: Quote, now: Quote) -> list[str]:
    """What has changed since the page was shown, one sentence each, old value first."""
    changes = []
    before = {line.variant_id: line for line in seen.lines}
    after = {line.variant_id: line for line in now.lines}

    def money(amount: str) -> str:
        return formatted(Decimal(amount), now.currency)

    for variant_id, old in before.items():
        new = after.get(variant_id)
        if new is None:
            changes.append(_("%(name)s is no longer in your cart.") % {"name": old.name})
            continue
        if old.unit_price != new.unit_price:
            changes.append(
                _("The price of %(name)s has changed from %(old)s to %(new)s.")
                % {"name": new.name, "old": money(old.unit_price), "new": money(new.unit_price)}
            )
        if old.quantity != new.quantity:
            changes.append(
                _("The quantity of %(name)s has changed from %(old)s to %(new)s.")
                % {"name": new.name, "old": old.quantity, "new": new.quantity}
            )
        if old.report_due_on != new.report_due_on:
            changes.append(
                _("The report date of %(name)s has changed from %(old)s to %(new)s.")
                % {"name": new.name, "old": old.report_due_on, "new": new.report_due_on}
            )
    changes += [
        _("%(name)s has been added to your cart.") % {"name": line.name}
        for variant_id, line in after.items()
        if variant_id not in before
    ]
    if seen.shipping_total != now.shipping_total:
        changes.append(
            _("The shipping fee has changed from %(old)s to %(new)s.")
            % {"old": money(seen.shipping_total), "new": money(now.shipping_total)}
        )
    if seen.terms_version != now.terms_version:
        changes.append(_("Our terms have a new version."))
    if seen.total != now.total:
        changes.append(
            _("The total amount has changed from %(old)s to %(new)s.")
            % {"old": money(seen.total), "new": money(now.total)}
        )
    return changes
