"""When goods arrive. What the shop promises of its own work is in ``catalog.promises``."""

import datetime as dt
from dataclasses import dataclass

from shop import calendars

from .shipping import Tariff


@dataclass(frozen=True)
class Delivery:
    """One parcel: the last day on which it leaves, and about when it arrives."""

    ships_by: dt.date
    arrives_from: dt.date
    arrives_until: dt.date


def delivery(ships_by: dt.date, region: str, tariff: Tariff) -> Delivery:
    """The days on the way are working days of the region (ISO country code) the parcel goes to."""
    first, last = (
        calendars.add_working_days(ships_by, days, region) for days in (tariff.days_min, tariff.days_max)
    )
    return Delivery(ships_by, first, last)
