"""What a promo code does for a cart, and which orders have used it.

One code per order. It takes something off the lines it applies to, or the shipping fee; it never makes an
order free, for HK$0.00 cannot be paid. Uses are counted under the promotion's row lock, which is taken after
the draft and the order and before the stock (``services``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cart.cart import Cart
from cart.lines import CartLine
from checkout import stock
from checkout.models import Order, Promotion, Redemption
from checkout.models.promotion import normalised_code
from checkout.stock import Origin
from shop import clock
from shop.l10n.money import exponent, formatted
from shop.typed_values.email_addresses import normalise

Kind = Promotion.Kind
ZERO = Decimal(0)
MAX_NAMES = 3  # of products, in a sentence


class CodeNotUsable(Exception):
    """The code has been used up, or by this buyer, since it was shown. Nothing has been ordered."""


class CodeKept(CodeNotUsable):
    """Unpaid orders from there keep the buyer's own use of it, or as many of its last uses as they may."""


@dataclass(frozen=True)
class PromoOffer:
    """The effect of a code on a cart: a discount per variant id, or free shipping, or why neither."""

    code: str = ""
    name: str = ""
    shares: Mapping[int, Decimal] = field(default_factory=dict)
    ships_free: bool = False
    problem: str = ""  # a sentence; with one nothing is taken off
    is_personal: bool = False  # the problem is whose order it is

    @property
    def total(self) -> Decimal:
        return sum(self.shares.values(), ZERO)


NO_OFFER = PromoOffer()


def offer_of(cart: Cart, *, email: str = "") -> PromoOffer:
    """The effect of the code stored with the cart; ``NO_OFFER`` without one."""
    return offer_for(cart, cart.promo_code, email=email) if cart.promo_code else NO_OFFER


def offer_for(cart: Cart, code: str, *, email: str = "") -> PromoOffer:
    """The effect of the code. Limits per buyer count once the e-mail address is known."""
    promotion = Promotion.objects.named(code)
    if promotion is None:
        code = normalised_code(code)
        problem = _("We do not know the promo code %(code)s. Please check how it is written.")
        return PromoOffer(code, problem=problem % {"code": code})
    code = promotion.code
    problem = _time_problem(promotion) or _use_problem(promotion, cart)
    if not problem:
        lines, named = _eligible(promotion, cart)
        problem = _cart_problem(promotion, cart, lines, named)
    if problem:
        return PromoOffer(code, promotion.name, problem=problem)
    if problem := _email_problem(promotion, cart, email):
        return PromoOffer(code, promotion.name, problem=problem, is_personal=True)
    if promotion.kind == Kind.FREE_SHIPPING:
        return PromoOffer(code, promotion.name, ships_free=True)
    shares = _shares(promotion, lines)
    if not any(shares.values()):
        problem = _("The promo code %(code)s takes nothing off this cart.") % {"code": code}
        return PromoOffer(code, promotion.name, problem=problem)
    if sum(shares.values()) == cart.total and not cart.needs_shipping:
        return PromoOffer(code, promotion.name, problem=nothing_to_pay(code))
    return PromoOffer(code, promotion.name, shares=shares)


def nothing_to_pay(code: str) -> str:
    text = _(
        "With the promo code %(code)s nothing would be left to pay, and we cannot take such an order. "
        "Please add something to your cart, or keep the code for another order."
    )
    return text % {"code": code}


# --- why a code does not apply ---


def _time_problem(promotion: Promotion) -> str:
    values = {"code": promotion.code}
    if not promotion.is_active:
        return _("The promo code %(code)s is not valid at present.") % values
    if promotion.is_early and promotion.valid_from:
        values["date"] = date_format(promotion.valid_from, "DATE_FORMAT")
        return _("The promo code %(code)s is valid from %(date)s.") % values
    if promotion.is_over and promotion.valid_until:
        values["date"] = date_format(promotion.valid_until, "DATE_FORMAT")
        return _("The promo code %(code)s was valid until %(date)s.") % values
    return ""


def _use_problem(promotion: Promotion, cart: Cart) -> str:
    if not _is_used_up(promotion, cart.token):
        return ""
    return _("The promo code %(code)s has been used up.") % {"code": promotion.code}


def _is_used_up(promotion: Promotion, token: str) -> bool:
    """``token``: the unpaid order of this very cart does not count, for the next one takes its place."""
    if promotion.max_uses is None:
        return False
    others = promotion.redemptions.filter(released_at=None).exclude(
        order__draft__token=token, order__status=Order.Status.PENDING
    )
    return others.count() >= promotion.max_uses


def _eligible(promotion: Promotion, cart: Cart) -> tuple[list[CartLine], list[str]]:
    """The lines it applies to, and the names of what it is for, where it names anything."""
    if promotion.scope != Promotion.Scope.NAMED:
        wants_services = promotion.scope == Promotion.Scope.SERVICES
        return (cart.services if wants_services else cart.goods), []
    products = list(promotion.products.all())
    chosen = {product.pk for product in products}
    lines = [line for line in cart.lines if line.variant.product_id in chosen]
    return lines, [product.name for product in products if product.is_active]


def _cart_problem(promotion: Promotion, cart: Cart, lines: Sequence[CartLine], names: list[str]) -> str:
    values: dict[str, object] = {"code": promotion.code, "things": _things(promotion, names)}
    if promotion.kind == Kind.FREE_SHIPPING and not cart.needs_shipping:
        text = _("The promo code %(code)s is for the shipping fee, but nothing in your cart is shipped.")
        return text % values
    if not lines:
        text = _("The promo code %(code)s is for %(things)s. Please add one of these to your cart first.")
        return text % values
    missing = promotion.minimum_quantity - sum(line.quantity for line in lines)
    if missing > 0:
        values |= {"least": promotion.minimum_quantity, "missing": missing}
        text = _(
            "The promo code %(code)s needs at least %(least)s pieces of: %(things)s. "
            "Please add %(missing)s more."
        )
        return text % values
    short = promotion.minimum_value - sum((line.total for line in lines), ZERO)
    if short > 0:
        values |= {"least": _money(promotion.minimum_value), "missing": _money(short)}
        text = _(
            "The promo code %(code)s needs at least %(least)s of: %(things)s. %(missing)s are still missing."
        )
        return text % values
    return ""


def _things(promotion: Promotion, names: list[str]) -> str:
    if promotion.scope == Promotion.Scope.GOODS:
        return _("products")
    if promotion.scope == Promotion.Scope.SERVICES:
        return _("consulting services")
    listed = _(", ").join(names[:MAX_NAMES])
    return listed if len(names) <= MAX_NAMES else _("%(names)s and others") % {"names": listed}


def _email_problem(promotion: Promotion, cart: Cart, email: str) -> str:
    if not email or not promotion.is_personal or not _is_spent(promotion, email):
        return ""
    if promotion.first_order_only:
        text = _("The promo code %(code)s is for a first order; it cannot be used with this e-mail address.")
    else:
        text = _("The promo code %(code)s can be used once, and has been used with this e-mail address.")
    return text % {"code": promotion.code}


def _is_spent(promotion: Promotion, email: str) -> bool:
    """Whether the buyer has used it already, or has ordered before, however the address was typed.

    Orders that were not paid count for nothing here: whoever orders types any address. An order that was paid
    back whole is none.
    """
    if _uses_of(promotion, email).exclude(order__status=Order.Status.PENDING).exists():
        return True
    if not promotion.first_order_only:
        return False
    bought = [Order.Status.PAID, Order.Status.UNDER_REVIEW]
    kept = Order.objects.filter(refunded_total__lt=F("total"))
    return kept.of_address(email).filter(status__in=bought).exists()


def _uses_of(promotion: Promotion, email: str) -> QuerySet[Redemption]:
    """A use counts for the address that it was made with, even if the order's was corrected since."""
    return promotion.redemptions.filter(released_at=None, email__iexact=normalise(email))


def _money(amount: Decimal) -> str:
    return formatted(amount, settings.CURRENCY)


# --- how much ---


def _shares(promotion: Promotion, lines: Sequence[CartLine]) -> dict[int, Decimal]:
    totals = {line.variant.pk: line.total for line in lines}
    worth = sum(totals.values(), ZERO)
    if promotion.kind == Kind.PERCENT and promotion.percent:
        off = (worth * promotion.percent / 100).quantize(_step(), ROUND_HALF_UP)
    else:
        off = min(promotion.amount or ZERO, worth)
    return allocated(off, totals)


def allocated(off: Decimal, totals: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """``off`` shared out in proportion to the totals, to the cent, by largest remainder.

    The shares add up to ``off``, and none is more than its total, provided that ``off`` is not more than all.
    """
    worth = sum(totals.values(), ZERO)
    exact = {key: off * total / worth for key, total in totals.items()}
    shares = {key: share.quantize(_step(), ROUND_FLOOR) for key, share in exact.items()}
    left = int((off - sum(shares.values(), ZERO)) / _step())
    for key in sorted(exact, key=lambda key: (shares[key] - exact[key], key))[:left]:
        shares[key] += _step()
    return shares


def _step() -> Decimal:
    return Decimal(1).scaleb(-exponent(settings.CURRENCY))


# --- uses: the callers hold the locks of draft and order ---


def lock(code: str) -> Promotion:
    """Lock and return the promotion. Needs a transaction, and no stock locked yet. Raises CodeNotUsable."""
    promotion = Promotion.objects.select_for_update().filter(code=code).first()
    if promotion is None:
        raise CodeNotUsable(code)  # deleted since it was shown
    return promotion


def redeem(order: Order, promotion: Promotion, origin: Origin | None = None) -> None:
    """Count a use of the promotion by the order. Needs the promotion's lock. Raises CodeNotUsable.

    ``origin``: where a visitor orders from, whose unpaid orders keep at most half of the uses that are left,
    one at least, and an address's own use of a personal code from nobody elsewhere; then CodeKept is raised.

    What only the catalogue side of it has changed meanwhile - dates, percent - stays as it was shown.
    """
    token = order.draft.token if order.draft else ""
    is_spent = promotion.is_personal and _is_spent(promotion, order.email)
    if is_spent or _is_used_up(promotion, token):
        raise CodeNotUsable(promotion.code)
    if promotion.is_personal and _waits_here(promotion, order, origin):
        raise CodeKept(promotion.code)
    if origin and _is_kept(promotion, order, origin):
        raise CodeKept(promotion.code)
    Redemption.objects.create(promotion=promotion, order=order, email=order.email, at=clock.now())


def _waits_here(promotion: Promotion, order: Order, origin: Origin | None) -> bool:
    """Whether an unpaid order of another cart, from there, keeps the address's own use of a code.

    From elsewhere it may be anybody's; without ``origin`` all count. If both are paid, ``is_used_elsewhere``
    has the last word.
    """
    waiting = _uses_of(promotion, order.email).filter(order__status=Order.Status.PENDING)
    waiting = waiting.exclude(order__draft=order.draft).exclude(order=order.pk)
    if origin:
        waiting = waiting.filter(order__hold_origin__surroundings=origin.surroundings)
    return waiting.exists()


def is_used_elsewhere(order: Order) -> bool:
    """Whether its personal code has been used by another order of its address, which was paid meanwhile."""
    use = Redemption.objects.select_related("promotion").filter(order=order, released_at=None).first()
    if use is None or not use.promotion.is_personal:
        return False
    others = _uses_of(use.promotion, use.email).exclude(order=order.pk)
    return others.exclude(order__status=Order.Status.PENDING).exists()


def _is_kept(promotion: Promotion, order: Order, origin: Origin) -> bool:
    if promotion.max_uses is None:
        return False
    nearby = promotion.redemptions.filter(order__hold_origin__surroundings=origin.surroundings)
    nearby = nearby.exclude(order=order.pk).filter(order__paid_at=None)
    kept = nearby.filter(released_at=None, order__status=Order.Status.PENDING).count()
    left = promotion.max_uses - promotion.redemptions.filter(released_at=None).exclude(order=order.pk).count()
    if kept >= max(1, (left + kept) // 2):
        return True
    if left > 1:
        return False
    if stock.is_in_its_visit(order):  # else its buyer changes what was typed
        nearby = nearby.exclude(order__draft=order.draft)
    lapsed = nearby.filter(released_at__gte=clock.now() - stock.ORIGINS_KEPT)
    return any(
        released_at and stock.pause_until(at, released_at) > clock.now()
        for at, released_at in lapsed.values_list("at", "released_at")
    )


def withdraw(order: Order) -> None:
    """Delete the order's use, for a new revision that may have another code or none."""
    Redemption.objects.filter(order=order).delete()


def release(order: Order) -> None:
    """Stop counting the use of an order that ended unpaid, or was paid back. Needs no lock: it makes room."""
    Redemption.objects.filter(order=order, released_at=None).update(released_at=clock.now())


def redeem_again(order: Order) -> None:
    """Count the use again of an order that late money revives, even if the code is used up meanwhile."""
    Redemption.objects.filter(order=order).update(released_at=None)
