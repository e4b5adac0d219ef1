"""When goods arrive. How long the shop itself takes is in ``catalog.lead_times``."""

import datetime as dt

from checkout.models.order import Delivery
from shop.l10n import working_days

from .rates import Tariff


def delivery(ships_by: dt.date, region: str, tariff: Tariff) -> Delivery:
    """The days on the way are working days of the region (ISO country code) the parcel goes to."""
    first, last = (
        working_days.add_working_days(ships_by, days, region) for days in (tariff.days_min, tariff.days_max)
    )
    return Delivery(ships_by, first, last)
