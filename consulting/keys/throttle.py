"""How many wrong order keys are looked up: so many per network, and an alarm when they come from everywhere.

No key is ever locked, or anybody could lock out its owner. 95 random bits need no limit to be safe: the
limits are for the load and for the log.
"""

from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest
from django.utils.timezone import localtime

from shop import clock
from shop.background import outbox
from shop.web.rate_limit import RateLimit

MAX_WRONG = 10  # per /32 or /64, three times as many around it
MINUTES = 15
BY_CLIENTS = RateLimit("report-unlock", MAX_WRONG, MINUTES)
BY_CONSULTANTS = RateLimit("consultant-unlock", MAX_WRONG, MINUTES)
MANY = 100  # a minute, of all networks together
ALARM = "mail.key_alarm"


class LimitReached(Exception):
    """Too many wrong keys came from this network."""


@dataclass(frozen=True)
class LookUp:
    """A look-up that is counted already: counted first, many at once cannot pass the limit together."""

    rate_limit: RateLimit
    hits: list[int]

    def release(self) -> None:
        """Right keys are not counted."""
        self.rate_limit.release(self.hits)


def count_look_up(request: HttpRequest, rate_limit: RateLimit) -> LookUp:
    """Take one of the client's tries. Raises LimitReached."""
    hits = rate_limit.take(request)
    if not hits:
        raise LimitReached
    return LookUp(rate_limit, hits)


def alarm_if_many() -> None:
    """Staff hear, once an hour, when there are very many. Nobody is kept out by it."""
    count = sum(each.total(minutes=1) for each in (BY_CLIENTS, BY_CONSULTANTS))
    if count > MANY:
        hour = f"{localtime(clock.now()):%Y-%m-%d %H}"
        with transaction.atomic():
            outbox.publish(ALARM, key=hour, hour=hour)
