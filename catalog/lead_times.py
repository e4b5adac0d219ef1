"""What the shop promises before anything is bought: when a report is ready, when goods leave the house."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

from shop import clock
from shop.l10n import working_days as calendars

from .models import Absence, Product

HANDLING_DAYS = 1  # to pack; it also covers an order before the cut-off that is paid for after it


def report_days(products: Iterable[Product]) -> dict[int, dt.date]:
    """Product id -> when its report is ready if it is ordered now. One query, and none without services."""
    services = [product for product in products if product.is_service and product.terms]
    absences = list(Absence.objects.ahead()) if services else []
    return {product.pk: report_day(product, absences) for product in services}


def report_day(product: Product, absences: Sequence[Absence], working_days: int | None = None) -> dt.date:
    """The day of the report if the work begins now: absent days do not count.

    ``working_days``: as they were promised, where the terms may have changed since.
    """
    if working_days is None:
        working_days = product.service_terms.working_days
    start = calendars.received_on(clock.now())
    return calendars.add_working_days(start, working_days, counts=_presence(product, absences))


def day_after_wait(
    product: Product, day: dt.date, *, since: dt.datetime, absences: Sequence[Absence]
) -> dt.date:
    """A promised day, later by the working days in which nothing could be done ``since`` then."""
    counts = _presence(product, absences)
    waited, last = calendars.received_on(since), calendars.received_on(clock.now())
    lost = 0
    while waited < last:
        waited += calendars.ONE_DAY
        lost += calendars.is_working_day(waited) and counts(waited)
    return calendars.add_working_days(day, lost, counts=counts)


def _presence(product: Product, absences: Sequence[Absence]) -> Callable[[dt.date], bool]:
    """Whether somebody is there for the service on a day."""
    away = [absence for absence in absences if absence.concerns(product.pk)]
    return lambda day: not any(absence.covers(day) for absence in away)


def delaying(product: Product, ready_on: dt.date, absences: Iterable[Absence]) -> list[Absence]:
    """The absences within the time in which the report is written."""
    return [absence for absence in absences if absence.concerns(product.pk) and absence.starts_on <= ready_on]


def ships_by(products: Iterable[Product]) -> dt.date | None:
    """When a parcel with all of these leaves if they are ordered now; None where nothing is shipped.

    One parcel: what can be had already waits for what is still to come.
    """
    goods = [product for product in products if product.ships]
    if not goods:
        return None
    packed = calendars.add_working_days(calendars.received_on(clock.now()), HANDLING_DAYS)
    return max([packed, *(calendars.first_working_day(day) for g in goods if (day := g.available_from))])
