"""What it costs to send a parcel: zones, weights, prices.

Demo tariff of the owner; all prices in the shop's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from catalog.models import Product

PACKING_G = 120
FREE_FROM = Decimal(600)  # goods value, Hong Kong only


@dataclass(frozen=True)
class Tariff:
    """``first`` covers ``first_g``; every further started ``step_g`` costs ``step``."""

    label: Promise
    days: Promise
    first: Decimal
    first_g: int
    step: Decimal
    step_g: int


TARIFFS = {
    "hk": Tariff(_("Courier in Hong Kong"), _("1–2 working days"), Decimal(30), 30_000, Decimal(0), 30_000),
    "mo": Tariff(_("Courier to Macau"), _("2–3 working days"), Decimal(50), 2000, Decimal(10), 1000),
    "tw": Tariff(_("Courier to Taiwan"), _("3–5 working days"), Decimal(85), 1000, Decimal(30), 1000),
    "cn": Tariff(_("Courier to mainland China"), _("3–6 working days"), Decimal(75), 1000, Decimal(25), 1000),
    "overseas": Tariff(_("Speedpost (EMS)"), _("5–10 working days"), Decimal(180), 500, Decimal(45), 500),
}


def zone_of(region: str) -> str:
    """ISO country code -> shipping zone."""
    return region.lower() if region.lower() in TARIFFS else "overseas"


def fee(region: str, weight_g: int, goods_value: Decimal) -> Decimal:
    """The fee for a parcel of goods weighing ``weight_g`` without packing."""
    zone = zone_of(region)
    if zone == "hk" and goods_value >= FREE_FROM:
        return Decimal(0)
    tariff = TARIFFS[zone]
    extra = max(0, weight_g + PACKING_G - tariff.first_g)
    steps = (Decimal(extra) / tariff.step_g).to_integral_value(ROUND_CEILING)
    return tariff.first + steps * tariff.step


def refused(region: str, products: Iterable[Product]) -> list[Product]:
    """Those of the products that are not shipped to the region."""
    zone = zone_of(region)
    return [product for product in products if product.ships and zone in product.excluded_zones]
