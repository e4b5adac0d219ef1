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

PURPOSES = ["report-unlock", "consultant-unlock"]
MAX_WRONG = 10  # per /32 or /64
MAX_WRONG_AROUND = 30  # per /24 or /48
MINUTES = 15
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


def count_look_up(request: HttpRequest, purpose: str) -> LookUp:
    """Take one of the client's tries. Raises LimitReached."""
    rate_limit = RateLimit(purpose, MAX_WRONG, MINUTES, limit_around=MAX_WRONG_AROUND)
    hits = rate_limit.take(request)
    if not hits:
        raise LimitReached
    return LookUp(rate_limit, hits)


def alarm_if_many() -> None:
    """Staff hear, once an hour, when there are very many. Nobody is kept out by it."""
    count = sum(RateLimit(purpose, MANY, minutes=1).total() for purpose in PURPOSES)
    if count > MANY:
        hour = f"{localtime(clock.now()):%Y-%m-%d %H}"
        with transaction.atomic():
            outbox.publish(ALARM, key=hour, hour=hour)
