"""Days that clients are told: what no shop would promise is a typing error."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from shop import clock

_A_YEAR = 366


def check_year(day: dt.date | None) -> None:
    """Raise ValidationError for a day that no shop promises: its year is a typing error."""
    if day and day > clock.today() + dt.timedelta(days=_A_YEAR):
        text = _("%(day)s is more than a year away. Please check the year.")
        raise ValidationError(text, params={"day": date_format(day)})


def check_promised(day: dt.date | None) -> None:
    """The same for a day that a client is told, which is not over either."""
    if day and day < clock.today():
        raise ValidationError(_("This day is over."))
    check_year(day)
