"""The quote: what the visitor is shown before ordering, every line, every amount, every date.

The order is made of exactly this. ``make_quote`` makes the quote, ``Quote.signed`` and ``read_signed`` take
it through the page, ``differences`` compares what was shown with what is true now.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
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
from checkout.models.order import Delivery
from checkout.promotions import services as promotions
from checkout.promotions.services import PromoOffer
from checkout.shipping import rates
from checkout.shipping.delivery_dates import delivery
from shop.l10n.money import formatted

SALT = "checkout.quote"


@dataclass(frozen=True)
class QuoteLine:
    variant_id: int
    sku: str
    name: str
    unit_price: Decimal
    quantity: int
    total: Decimal
    report_due_on: date | None = None  # services only
    discount: Decimal = Decimal(0)  # its share of the quote's


@dataclass(frozen=True)
class Quote:
    """All amounts are in ``currency``."""

    lines: tuple[QuoteLine, ...]
    goods_total: Decimal
    services_total: Decimal
    shipping_total: Decimal
    total: Decimal
    currency: str
    terms_version: str
    refund_version: str
    privacy_version: str
    shipping_method: str = ""  # code of the tariff; empty where nothing is shipped
    ships_by: date | None = None  # the parcel's dates, where there is one
    arrives_from: date | None = None
    arrives_until: date | None = None
    discount_total: Decimal = Decimal(0)
    promo_code: str = ""  # the code that takes something off: the discount, else the shipping fee
    promo_problem: str = ""  # why the code in the cart takes nothing off

    @property
    def delivery(self) -> Delivery | None:
        if self.ships_by and self.arrives_from and self.arrives_until:
            return Delivery(self.ships_by, self.arrives_from, self.arrives_until)
        return None

    @property
    def ships_free(self) -> bool:
        """Whether it is the code that makes the shipping free."""
        return bool(self.promo_code) and not self.discount_total

    @property
    def goods(self) -> list[QuoteLine]:
        return [line for line in self.lines if not line.report_due_on]

    @property
    def services(self) -> list[QuoteLine]:
        return [line for line in self.lines if line.report_due_on]

    @property
    def digest(self) -> str:
        """Names are left out: the same order in another language is the same order."""
        plain = asdict(self, dict_factory=_as_text)
        del plain["promo_problem"]
        for line in plain["lines"]:
            del line["name"]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def signed(self) -> str:
        """For the page: only we can have made it, so it can be trusted as what was seen."""
        return signing.dumps(asdict(self, dict_factory=_as_text), salt=SALT, compress=True)


def read_signed(text: str) -> Quote | None:
    """The quote that a page carried, or None when it is not ours."""
    try:
        plain: dict[str, Any] = signing.loads(text, salt=SALT)
        lines = tuple(QuoteLine(**_from_text(QuoteLine, line)) for line in plain["lines"])
        return Quote(**_from_text(Quote, {**plain, "lines": lines}))
    except (signing.BadSignature, TypeError, KeyError, ValueError, ArithmeticError):
        return None


def _as_text(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Amounts as they stand, dates in ISO 8601, no date as empty text. Pages that are open hold this form."""

    def text(value: Any) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        if value is None:
            return ""
        return str(value) if isinstance(value, Decimal) else value

    return {name: text(value) for name, value in fields}


def _from_text(form: type[Quote | QuoteLine], plain: Mapping[str, Any]) -> dict[str, Any]:
    """The fields' values from what ``_as_text`` made of them."""
    types = {field.name: field.type for field in fields(form)}
    values = dict(plain)
    for name, text in plain.items():
        if types.get(name) is Decimal:
            values[name] = Decimal(text)
        elif types.get(name) == date | None:
            values[name] = date.fromisoformat(text) if text else None
    return values


def make_quote(cart: Cart, region: str, method: str = "", *, email: str = "") -> Quote:
    """Today's prices for the cart, shipped to the region in this way, less what its code takes off.

    Whether shipping is free from a value on is seen before the discount.
    """
    sent = rates.chosen(rates.options(region, cart.goods), method) if cart.needs_shipping else None
    fee = sent.fee if sent else Decimal(0)
    offer = _applicable(promotions.offer_of(cart, email=email), cart.total, fee)
    fee = Decimal(0) if offer.ships_free else fee
    products = [line.variant.product for line in cart.lines]
    report_days, ships_by = lead_times.report_days(products), lead_times.ships_by(products)
    parcel = delivery(ships_by, region, sent.tariff) if sent and ships_by else None
    return Quote(
        lines=tuple(_quote_line(line, report_days, offer) for line in cart.lines),
        goods_total=cart.goods_total,
        services_total=cart.services_total,
        shipping_total=fee,
        total=cart.goods_total + cart.services_total + fee - offer.total,
        currency=settings.CURRENCY,
        terms_version=settings.TERMS_VERSION,
        refund_version=settings.REFUND_VERSION,
        privacy_version=settings.PRIVACY_VERSION,
        shipping_method=sent.tariff.code if sent else "",
        ships_by=parcel.ships_by if parcel else None,
        arrives_from=parcel.arrives_from if parcel else None,
        arrives_until=parcel.arrives_until if parcel else None,
        discount_total=offer.total,
        promo_code="" if offer.problem else offer.code,
        promo_problem=offer.problem,
    )


def _applicable(offer: PromoOffer, value: Decimal, fee: Decimal) -> PromoOffer:
    """The offer, where it takes something off and leaves something to pay."""
    facts = {"code": offer.code}
    if offer.ships_free and not fee:
        problem = _("Shipping is free anyway, so the promo code %(code)s is not used.") % facts
    elif offer.code and value + fee == offer.total:
        problem = promotions.nothing_to_pay(offer.code)
    else:
        return offer
    return PromoOffer(offer.code, offer.name, problem=problem)


def _quote_line(line: CartLine, report_days: Mapping[int, date], offer: PromoOffer) -> QuoteLine:
    return QuoteLine(
        variant_id=line.variant.pk,
        sku=line.variant.sku,
        name=line.variant.full_name,
        unit_price=line.unit_price,
        quantity=line.quantity,
        total=line.total,
        report_due_on=report_days.get(line.variant.product_id),
        discount=offer.shares.get(line.variant.pk, Decimal(0)),
    )


def differences(seen: Quote, now: Quote) -> list[str]:
    """What has changed since the page was shown, one sentence each, old value first."""
    return [
        *_changes_of_lines(seen, now),
        *_changes_of_choices(seen, now),
        *_changes_of_fees(seen, now),
        *_changes_of_texts(seen, now),
        *_changes_of_total(seen, now),
    ]


def _changes_of_lines(seen: Quote, now: Quote) -> list[str]:
    changes = []
    before = {line.variant_id: line for line in seen.lines}
    after = {line.variant_id: line for line in now.lines}
    for variant_id, old in before.items():
        new = after.get(variant_id)
        if new is None:
            changes.append(_("%(name)s is no longer in your cart.") % {"name": old.name})
            continue
        if old.unit_price != new.unit_price:
            prices = _amounts(old.unit_price, new.unit_price, now.currency)
            text = _("The price of %(name)s has changed from %(old)s to %(new)s.")
            changes.append(text % {"name": new.name, **prices})
        if old.quantity != new.quantity:
            text = _("The quantity of %(name)s has changed from %(old)s to %(new)s.")
            changes.append(text % {"name": new.name, "old": old.quantity, "new": new.quantity})
        if old.report_due_on != new.report_due_on:
            text = _("The report date of %(name)s has changed from %(old)s to %(new)s.")
            days = {"old": _day(old.report_due_on), "new": _day(new.report_due_on)}
            changes.append(text % {"name": new.name, **days})
    added = [line for variant_id, line in after.items() if variant_id not in before]
    return changes + [_("%(name)s has been added to your cart.") % {"name": line.name} for line in added]


def _changes_of_choices(seen: Quote, now: Quote) -> list[str]:
    """Of the delivery method and the promo code."""
    changes = []
    if seen.shipping_method and now.shipping_method and seen.shipping_method != now.shipping_method:
        text = _("The delivery method has changed from %(old)s to %(new)s.")
        changes.append(text % {"old": _method(seen.shipping_method), "new": _method(now.shipping_method)})
    if seen.promo_code and seen.promo_code != now.promo_code:
        text = _("The promo code %(code)s is no longer in your cart.")
        changes.append(now.promo_problem or text % {"code": seen.promo_code})
    if now.promo_code and seen.promo_code != now.promo_code:
        changes.append(_("The promo code %(code)s applies now.") % {"code": now.promo_code})
    return changes


def _changes_of_fees(seen: Quote, now: Quote) -> list[str]:
    """Of the discount, the shipping fee and the parcel's dates."""
    changes = []
    if seen.discount_total != now.discount_total:
        text = _("The discount has changed from %(old)s to %(new)s.")
        changes.append(text % _amounts(seen.discount_total, now.discount_total, now.currency))
    if seen.shipping_total != now.shipping_total:
        text = _("The shipping fee has changed from %(old)s to %(new)s.")
        changes.append(text % _amounts(seen.shipping_total, now.shipping_total, now.currency))
    old, new = seen.delivery, now.delivery
    if old and new and old != new:
        text = _("Delivery is expected %(new_from)s – %(new_until)s now, not %(old_from)s – %(old_until)s.")
        days = {
            "old_from": _day(old.arrives_from),
            "old_until": _day(old.arrives_until),
            "new_from": _day(new.arrives_from),
            "new_until": _day(new.arrives_until),
        }
        changes.append(text % days)
    return changes


def _changes_of_texts(seen: Quote, now: Quote) -> list[str]:
    changes = []
    if seen.terms_version != now.terms_version:
        changes.append(_("Our terms have a new version."))
    if seen.refund_version != now.refund_version:
        changes.append(_("Our rules for returns and refunds have a new version."))
    if seen.privacy_version != now.privacy_version:
        changes.append(_("Our privacy notice has a new version."))
    return changes


def _changes_of_total(seen: Quote, now: Quote) -> list[str]:
    if seen.total == now.total:
        return []
    text = _("The total amount has changed from %(old)s to %(new)s.")
    return [text % _amounts(seen.total, now.total, now.currency)]


def _amounts(old: Decimal, new: Decimal, currency: str) -> dict[str, str]:
    return {"old": formatted(old, currency), "new": formatted(new, currency)}


def _day(day: date | None) -> str:
    return date_format(day) if day else "–"


def _method(code: str) -> str:
    return str(rates.TARIFFS[code].label) if code in rates.TARIFFS else code
