"""How parcels are sent and what it costs: zones, methods, weights, prices, days.

Demo tariff of the owner; all prices in the shop's currency. Pages that tell a price take it from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart.lines import CartLine
from catalog.models import Product
from catalog.shipping_zones import ZONES

PACKING_G = 120
COURIER_MOST_G = 30_000  # of one parcel, by SF and by Speedpost: the demo tariff of the owner


@dataclass(frozen=True)
class Tariff:
    """One way of sending. ``first`` covers ``first_g``; every further started ``step_g`` costs ``step``."""

    code: str  # kept in the order; begins with the zone
    label: Promise
    days: Promise
    first: Decimal
    first_g: int
    days_min: int  # on the way, in working days of the destination: what ``days`` says
    days_max: int
    step: Decimal = Decimal(0)
    step_g: int = 1
    free_from: Decimal | None = None  # value of the goods
    most_g: int = COURIER_MOST_G  # with packing
    to_locker: bool = False  # a code instead of a street
    to_po_box: bool = False

    @property
    def zone(self) -> str:
        return self.code.partition("-")[0]

    def fee(self, weight_g: int, goods_value: Decimal) -> Decimal:
        """The fee for a parcel of goods weighing ``weight_g`` without packing."""
        if self.free_from is not None and goods_value >= self.free_from:
            return Decimal(0)
        extra = max(0, weight_g + PACKING_G - self.first_g)
        steps = (Decimal(extra) / self.step_g).to_integral_value(ROUND_CEILING)
        return self.first + steps * self.step


_ALL = [
    Tariff(
        code="hk",
        label=_("Courier in Hong Kong"),
        days=_("1–2 working days"),
        first=Decimal(30),
        first_g=30_000,
        days_min=1,
        days_max=2,
        free_from=Decimal(600),
    ),
    Tariff(
        code="hk-locker",
        label=_("SF locker in Hong Kong"),
        days=_("1–2 working days"),
        first=Decimal(20),
        first_g=5000,
        days_min=1,
        days_max=2,
        most_g=5000,
        to_locker=True,
    ),
    Tariff(
        code="mo",
        label=_("Courier to Macau"),
        days=_("2–3 working days"),
        first=Decimal(50),
        first_g=2000,
        days_min=2,
        days_max=3,
        step=Decimal(10),
        step_g=1000,
    ),
    Tariff(
        code="tw",
        label=_("Courier to Taiwan"),
        days=_("3–5 working days"),
        first=Decimal(85),
        first_g=1000,
        days_min=3,
        days_max=5,
        step=Decimal(30),
        step_g=1000,
    ),
    Tariff(
        code="cn",
        label=_("Courier to mainland China"),
        days=_("3–6 working days"),
        first=Decimal(75),
        first_g=1000,
        days_min=3,
        days_max=6,
        step=Decimal(25),
        step_g=1000,
    ),
    Tariff(
        code="overseas",
        label=_("Speedpost (EMS)"),
        days=_("5–10 working days"),
        first=Decimal(180),
        first_g=500,
        days_min=5,
        days_max=10,
        step=Decimal(45),
        step_g=500,
        to_po_box=True,
    ),
]
TARIFFS = {tariff.code: tariff for tariff in _ALL}


@dataclass(frozen=True)
class Option:
    """One way of sending the goods of a cart. ``refused`` goods or too much weight rule it out."""

    tariff: Tariff
    fee: Decimal
    refused: tuple[Product, ...]
    weight_g: int  # with packing

    @property
    def is_too_heavy(self) -> bool:
        return self.weight_g > self.tariff.most_g

    @property
    def is_possible(self) -> bool:
        return not self.refused and not self.is_too_heavy


def kilograms(weight_g: int) -> str:
    """As people say it: 500 g, 2 kg, 41.7 kg."""
    if weight_g < 1000:
        return gettext("%(weight)s g") % {"weight": weight_g}
    return gettext("%(weight)s kg") % {"weight": f"{Decimal(weight_g) / 1000:.1f}".removesuffix(".0")}


def zone_of(region: str) -> str:
    """ISO country code -> shipping zone."""
    return region.lower() if region.lower() in ZONES else "overseas"


def tariffs_to(region: str) -> list[Tariff]:
    """The tariffs of the region's zone."""
    zone = zone_of(region)
    return [tariff for tariff in TARIFFS.values() if tariff.zone == zone]


def options(region: str, goods: Iterable[CartLine]) -> list[Option]:
    """Every way to send these goods to the region, with its fee, and what rules it out."""
    lines = list(goods)
    parcel = [line for line in lines if line.variant.product.ships]
    weight = sum(line.variant.weight_g * line.quantity for line in parcel)
    value = sum((line.total for line in lines), Decimal(0))
    return [_option(tariff, parcel, weight, value) for tariff in tariffs_to(region)]


def _option(tariff: Tariff, parcel: list[CartLine], weight_g: int, value: Decimal) -> Option:
    closed = {tariff.code, tariff.zone}
    refused = {
        line.variant.product: None for line in parcel if closed & set(line.variant.product.excluded_zones)
    }
    return Option(tariff, tariff.fee(weight_g, value), tuple(refused), weight_g + PACKING_G)


def heaviest(offered: list[Option]) -> Option | None:
    """Of ways that are all closed by the weight, the one that takes most; None where another can be had."""
    if offered and all(option.is_too_heavy for option in offered):
        return max(offered, key=lambda option: option.tariff.most_g)
    return None


def chosen(offered: list[Option], code: str) -> Option:
    """The option of this code; of another zone's code, or none, the zone's first that can be had."""
    possible = [option for option in offered if option.is_possible] or offered
    return next((option for option in offered if option.tariff.code == code), possible[0])


def refused(region: str, products: Iterable[Product]) -> list[Product]:
    """Those of the products that are not shipped to the region in any way."""
    zone = zone_of(region)
    return [product for product in products if product.ships and zone in product.excluded_zones]
