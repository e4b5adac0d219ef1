"""Once a year the merchant compares the days off that the shop counts with those of the gazettes."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shop import clock
from shop.background import outbox, peers
from shop.l10n import working_days
from shop.mail import send

PUBLISHED = {  # region: its name, and the page of its government with the coming year
    "HK": (_("Hong Kong"), "https://www.gov.hk/en/about/abouthk/holiday/{year}.htm"),
    "MO": (_("Macau"), "https://www.gov.mo/en/public-holidays/year-{year}/"),
    "TW": (_("Taiwan"), "https://www.dgpa.gov.tw/informationlist?uid=30"),
    "CN": (_("Mainland China"), "https://www.gov.cn/zhengce/"),
}


@transaction.atomic
def remind_of_gazettes() -> None:
    """Publish the reminder for the coming year; to be called each day of December. A repeat is harmless.

    By then all four governments have published: mainland China last, in November.
    """
    year = clock.today().year + 1
    outbox.publish("mail.calendar_reminder", key=str(year), year=year)


@outbox.subscribe("mail.calendar_reminder", peer=peers.MAIL)
def send_calendar_reminder(year: int) -> None:
    """Mail the merchant the days off of each region in the year, as the shop counts them."""
    send(
        "calendar_reminder",
        to=settings.MERCHANT_EMAILS,
        context={"year": f"{year}", "regions": [_counted(region, year) for region in PUBLISHED]},
        language=settings.LANGUAGE_CODE,
        message_key=f"calendar-reminder-{year}",
    )


def _counted(region: str, year: int) -> dict[str, Any]:
    name, page = PUBLISHED[region]
    off, worked = working_days.exceptions(region, year)
    return {
        "name": name,
        "page": page.format(year=year),
        "off": off,
        "worked": worked,
        "is_complete": working_days.are_working_weekends_known(region, year),
    }
