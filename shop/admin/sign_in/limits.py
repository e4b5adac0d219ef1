"""How many passwords and codes are tried: per network, per account, and for a known browser apart from both.

All are counted before anything is compared (``RateLimit.take``), so many at once cannot pass a limit
together, and what is refused costs no hash. Nobody can lock out a person from a browser that they have
signed in with, and a mailed link makes any browser one of these.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.http import HttpRequest

from shop import clock
from shop.typed_values.characters import fold
from shop.web.client_address import client_address
from shop.web.rate_limit import RateLimit, network_of

from . import known_browsers

# Passwords. A strange browser must be within the first three, a known one within the fourth alone.
HERE = RateLimit("sign-in-here", 5, minutes=15)  # of one account from one network
NETWORK = RateLimit("sign-in-network", 20, minutes=15)  # of all accounts
ACCOUNT = RateLimit("sign-in-account", 20, minutes=60)  # from everywhere
KNOWN = RateLimit("sign-in-known", 10, minutes=15)  # of one browser
# Codes, which nobody is asked for without the password.
CODE, CODE_DAY = RateLimit("sign-in-code", 5, minutes=15), RateLimit("sign-in-code-day", 30, minutes=24 * 60)
# The old password, where its owner changes it: whoever has a session does not have the password.
OLD_PASSWORD = RateLimit("old-password", 5, minutes=15)
# When people are told.
ALARM_ACCOUNT, ALARM_CODES, ALARM_ALL = 10, 5, 200  # in an hour; of codes in 15 minutes

Key = HttpRequest | str


@dataclass
class Refusal:
    """Why nothing was compared, and when it may be tried again."""

    until: dt.datetime
    is_code: bool = False

    @property
    def seconds(self) -> int:
        return max(1, int((self.until - clock.now()).total_seconds()) + 1)


@dataclass
class Tries:
    """What was counted for one try; ``release`` takes it back, for who is right is not counted."""

    taken: list[tuple[RateLimit, list[int]]] = field(default_factory=list)

    def take(self, rate_limit: RateLimit, key: Key) -> bool:
        rows = rate_limit.take(key)
        if rows:
            self.taken.append((rate_limit, rows))
        return bool(rows)

    def release(self) -> None:
        for rate_limit, rows in self.taken:
            rate_limit.release(rows)
        self.taken = []


def name_key(username: str) -> str:
    """The typed name as it is counted, whether or not there is such an account."""
    return fold(username).casefold()[:150]


def count_password(request: HttpRequest, username: str) -> Tries | Refusal:
    """Count one try to sign in, before the password is looked at."""
    user = _known_user(request, username)
    if mark := known_browsers.mark_of(request, user.pk if user else None):
        return _take([(KNOWN, mark)])
    name = name_key(username)
    here = f"{network_of(client_address(request))}|{name}"
    return _take([(HERE, here), (NETWORK, request), (ACCOUNT, name)])


def count_code(request: HttpRequest, user: User) -> Tries | Refusal:
    """Count one try of a code, before it is looked at."""
    key = browser_key(request, user)
    found = _take([(CODE, key), (CODE_DAY, key)])
    if isinstance(found, Refusal):
        found.is_code = True
    return found


def browser_key(request: HttpRequest, user: User) -> str:
    """The person in one known browser, or in all strange ones together."""
    return f"{user.pk}|{known_browsers.mark_of(request, user.pk)}"


def _take(limits: list[tuple[RateLimit, Key]]) -> Tries | Refusal:
    tries = Tries()
    for rate_limit, key in limits:
        if not tries.take(rate_limit, key):
            tries.release()
            return Refusal(max(each.free_at(of) for each, of in limits))
    return tries


def _known_user(request: HttpRequest, username: str) -> User | None:
    if not known_browsers.is_known(request):
        return None
    return User.objects.filter(username=User.normalize_username(username)).first()
