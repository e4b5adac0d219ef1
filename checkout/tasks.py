"""Background work of the checkout."""

from shop.background import peers
from shop.privacy import retention

from .privacy import erasure
from .shipping import calendar_reminder


@peers.task(peer=peers.LOCAL)
def erase_confirmed() -> None:
    """Carry out the confirmed erasures that nothing is in the way of any more (hourly job)."""
    retention.each("erasure", erasure.confirmed_requests(), erasure.carry_out)


@peers.task(peer=peers.LOCAL)
def remind_of_gazettes() -> None:
    """Have the merchant compare next year's public holidays: one mail a year."""
    calendar_reminder.remind_of_gazettes()
