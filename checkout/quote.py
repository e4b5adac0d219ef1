"""What the visitor is shown before ordering: every line, every amount, every date.

The order is made of exactly this.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cart.cart import Cart
from cart.lines import CartLine
from catalog import lead_times
from catalog.models import Variant
from checkout.models.order import Delivery
from checkout.promotions.services import PromoOffer
from checkout.shipping.delivery_dates import delivery
from shop.money import formatted

from .promotions import services as promotions
from .shipping import rates

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
    discount: str = "0"  # its share of the quote's

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
    refund_version: str
    privacy_version: str
    shipping_method: str = ""  # code of the tariff; empty where nothing is shipped
    ships_by: str = ""  # ISO dates of the parcel, where there is one
    arrives_from: str = ""
    arrives_until: str = ""
    discount_total: str = "0"
    promo_code: str = ""  # the code that takes something off: the discount, else the shipping fee
    promo_problem: str = ""  # why the code in the cart takes nothing off

    @property
    def delivery(self) -> Delivery | None:
        days = (self.ships_by, self.arrives_from, self.arrives_until)
        return Delivery(*map(date.fromisoformat, days)) if all(days) else None

    @property
    def discount(self) -> Decimal:
        return Decimal(self.discount_total)

    @property
    def ships_free(self) -> bool:
        """Whether it is the code that makes the shipping free."""
        return bool(self.promo_code) and not self.discount

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
        del plain["promo_problem"]
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


def make_quote(cart: Cart, region: str, method: str = "", *, email: str = "") -> Quote:
    """Today's prices for the cart, shipped to the region in this way, less what its code takes off.

    Whether shipping is free from a value on is seen before the discount.
    """
    sent = rates.chosen(rates.options(region, cart.goods), method) if cart.needs_shipping else None
    fee = sent.fee if sent else Decimal(0)
    offer = _useful(promotions.offer_of(cart, email=email), cart.total, fee)
    fee = Decimal(0) if offer.ships_free else fee
    products = [line.variant.product for line in cart.lines]
    report_days, ships_by = lead_times.report_days(products), lead_times.ships_by(products)
    parcel = asdict(delivery(ships_by, region, sent.tariff)) if sent and ships_by else {}
    return Quote(
        lines=tuple(_quoted(line, report_days, offer) for line in cart.lines),
        goods_total=str(cart.goods_total),
        services_total=str(cart.services_total),
        shipping_total=str(fee),
        total=str(cart.goods_total + cart.services_total + fee - offer.total),
        currency=settings.CURRENCY,
        terms_version=settings.TERMS_VERSION,
        refund_version=settings.REFUND_VERSION,
        privacy_version=settings.PRIVACY_VERSION,
        shipping_method=sent.tariff.code if sent else "",
        **{name: day.isoformat() for name, day in parcel.items()},
        discount_total=str(offer.total),
        promo_code="" if offer.problem else offer.code,
        promo_problem=offer.problem,
    )


def _useful(offer: PromoOffer, value: Decimal, fee: Decimal) -> PromoOffer:
    """The offer, where it takes something off and leaves something to pay."""
    facts = {"code": offer.code}
    if offer.ships_free and not fee:
        problem = _("Shipping is free anyway, so the promo code %(code)s is not used.") % facts
    elif offer.code and value + fee == offer.total:
        problem = promotions.nothing_to_pay(offer.code)
    else:
        return offer
    return PromoOffer(offer.code, offer.name, problem=problem)


def _quoted(line: CartLine, report_days: Mapping[int, date], offer: PromoOffer) -> QuoteLine:
    due = report_days.get(line.variant.product_id)
    return QuoteLine(
        variant_id=line.variant.pk,
        sku=line.variant.sku,
        name=full_name(line.variant),
        unit_price=str(line.unit_price),
        quantity=line.quantity,
        total=str(line.total),
        report_due_on=due.isoformat() if due else "",
        discount=str(offer.shares.get(line.variant.pk, Decimal(0))),
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

    def day(iso: str) -> str:
        return date_format(date.fromisoformat(iso)) if iso else "–"

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
                % {"name": new.name, "old": day(old.report_due_on), "new": day(new.report_due_on)}
            )
    changes += [
        _("%(name)s has been added to your cart.") % {"name": line.name}
        for variant_id, line in after.items()
        if variant_id not in before
    ]
    if seen.shipping_method and now.shipping_method and seen.shipping_method != now.shipping_method:
        changes.append(
            _("The delivery method has changed from %(old)s to %(new)s.")
            % {"old": _method(seen.shipping_method), "new": _method(now.shipping_method)}
        )
    if seen.promo_code and seen.promo_code != now.promo_code:
        changes.append(
            now.promo_problem
            or _("The promo code %(code)s is no longer in your cart.") % {"code": seen.promo_code}
        )
    if now.promo_code and seen.promo_code != now.promo_code:
        changes.append(_("The promo code %(code)s applies now.") % {"code": now.promo_code})
    if seen.discount != now.discount:
        changes.append(
            _("The discount has changed from %(old)s to %(new)s.")
            % {"old": money(seen.discount_total), "new": money(now.discount_total)}
        )
    if seen.shipping_total != now.shipping_total:
        changes.append(
            _("The shipping fee has changed from %(old)s to %(new)s.")
            % {"old": money(seen.shipping_total), "new": money(now.shipping_total)}
        )
    was, is_now = seen.delivery, now.delivery
    if was and is_now and was != is_now:
        changes.append(
            _("Delivery is expected %(new_from)s – %(new_until)s now, not %(old_from)s – %(old_until)s.")
            % {
                "old_from": date_format(was.arrives_from),
                "old_until": date_format(was.arrives_until),
                "new_from": date_format(is_now.arrives_from),
                "new_until": date_format(is_now.arrives_until),
            }
        )
    if seen.terms_version != now.terms_version:
        changes.append(_("Our terms have a new version."))
    if seen.refund_version != now.refund_version:
        changes.append(_("Our rules for returns and refunds have a new version."))
    if seen.privacy_version != now.privacy_version:
        changes.append(_("Our privacy notice has a new version."))
    if seen.total != now.total:
        changes.append(
            _("The total amount has changed from %(old)s to %(new)s.")
            % {"old": money(seen.total), "new": money(now.total)}
        )
    return changes


def _method(code: str) -> str:
    return str(rates.TARIFFS[code].label) if code in rates.TARIFFS else code
