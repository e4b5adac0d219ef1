"""Rate limits per client network or per subject, counted in the database: all processes share the count.

A hit is taken before the work that it allows is begun, and given back where that work does not count. One row
of ``Try`` is one hit; retention removes old ones.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest

from shop import clock
from shop.crypto import keyed_digests
from shop.database import name_locks
from shop.models import Try

from .client_address import client_address

AROUND = 3  # times the limit of one network: what its surroundings may do together

_TAKE = """
WITH asked (network, most) AS (VALUES {asked})
INSERT INTO shop_try (purpose, network, at)
SELECT %s, network, %s FROM asked WHERE NOT EXISTS (
    SELECT 1 FROM asked AS one WHERE one.most <= (
        SELECT COUNT(*) FROM shop_try AS hit
        WHERE hit.purpose = %s AND hit.network = one.network AND hit.at >= %s
    )
) RETURNING id
"""


def network_of(address: str) -> str:
    """The network that one client can be assumed to own: /32 for IPv4, /64 for IPv6."""
    return _network(address, 32, 64)


def surroundings_of(address: str) -> str:
    """The network that one customer of a provider may own: /24 for IPv4, /48 for IPv6."""
    return _network(address, 24, 48)


def _network(address: str, ipv4: int, ipv6: int) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped  # all of them are one /64
    return str(ipaddress.ip_network(f"{parsed}/{ipv4 if parsed.version == 4 else ipv6}", strict=False))


@dataclass(frozen=True)
class RateLimit:
    """At most ``limit`` hits per key within ``minutes``; each ``scope`` is counted on its own.

    A key is a request, which stands for the client's network, or a text such as an order's number, of which
    only a keyed digest is stored. The surroundings of a request's network have ``AROUND`` times the limit.

    Each is a constant of its module: a test finds them all and has many take from each at once.
    """

    scope: str
    limit: int
    minutes: int

    def take(self, key: HttpRequest | str) -> list[int]:
        """Count one hit if it is within the limits. Returns its rows for ``release``, none if it is not.

        Exact: of many at once as many get one as there are left. Those about one key wait for each other,
        and not for more than the server's own work: locks, count and row are one round trip.
        """
        limit_of = self._limits(key)
        locks = name_locks(*(f"rate limit {self.scope} {stored}" for stored in limit_of))
        asked = ", ".join(["(%s, %s)"] * len(limit_of))
        now, since = map(connection.ops.adapt_datetimefield_value, (clock.now(), self._since(self.minutes)))
        of_keys = [value for pair in limit_of.items() for value in pair]
        with connection.cursor() as cursor:
            cursor.execute(locks + _TAKE.format(asked=asked), [*of_keys, self.scope, now, self.scope, since])
            return [pk for (pk,) in cursor.fetchall()]

    @contextmanager
    def taken(self, key: HttpRequest | str) -> Iterator[list[int]]:
        """Context manager: what ``take`` returns, for the work of the block; given back if that raises."""
        rows = self.take(key)
        try:
            yield rows
        except BaseException:
            self.release(rows)
            raise

    def release(self, rows: Sequence[int]) -> None:
        """Take back a hit that ``take`` has counted."""
        Try.objects.filter(pk__in=rows).delete()

    def count(self, key: HttpRequest | str) -> int:
        """The key's hits within the window, for alarms and words on pages: nothing is allowed by it."""
        hits = Try.objects.filter(purpose=self.scope, at__gte=self._since(self.minutes))
        return hits.filter(network=self._stored(key)).count()

    def free_at(self, key: HttpRequest | str) -> dt.datetime:
        """When the key's next hit is within the limits: now, or when its oldest one has left the window."""
        free = clock.now()
        hits = Try.objects.filter(purpose=self.scope, at__gte=self._since(self.minutes))
        for network, limit in self._limits(key).items():
            newest = hits.filter(network=network).order_by("-at").values_list("at", flat=True)[:limit]
            if len(newest) == limit:
                free = max(free, newest[limit - 1] + dt.timedelta(minutes=self.minutes))
        return free

    def _limits(self, key: HttpRequest | str) -> dict[str, int]:
        limit_of = {self._stored(key): self.limit}
        if isinstance(key, HttpRequest):
            surroundings = surroundings_of(client_address(key))
            limit_of = {surroundings: AROUND * self.limit} | limit_of  # one key if there is no address
        return limit_of

    def total(self, *, minutes: int) -> int:
        """The hits of all keys within so many minutes; a hit that counts in two networks is one."""
        is_around = Q(network__endswith="/24") | Q(network__endswith="/48")
        hits = Try.objects.filter(purpose=self.scope, at__gte=self._since(minutes))
        return hits.exclude(is_around).count()

    @staticmethod
    def _since(minutes: int) -> dt.datetime:
        return clock.now() - dt.timedelta(minutes=minutes)

    def _stored(self, key: HttpRequest | str) -> str:
        if isinstance(key, HttpRequest):
            return network_of(client_address(key))
        salt = f"shop.throttle.{self.scope}"  # older than the name of this module: rows of before still count
        # Under the oldest secret that is known: a rotation empties no count. No such row outlives a day.
        return f"about {keyed_digests(salt, key, length=32)[-1]}"
