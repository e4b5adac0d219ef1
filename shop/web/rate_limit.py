"""Rate limits per client network or per subject, counted in the database: all processes share the count.

One row of ``Try`` is one hit; retention removes old ones.
"""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from shop import clock
from shop.crypto import keyed_digests
from shop.models import Try

from .client_address import client_address


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

    A key is a request, which stands for the client's network, or a text such as an e-mail address, of which
    only a keyed digest is stored. ``limit_around`` also limits the surroundings of a request's network.
    """

    scope: str
    limit: int
    minutes: int
    limit_around: int | None = None

    def hit(self, key: HttpRequest | str) -> None:
        """Count one hit of the key, whether or not it is within the limit."""
        Try.objects.create(purpose=self.scope, network=self._stored(key), at=clock.now())

    def is_exceeded(self, key: HttpRequest | str) -> bool:
        """Whether the key has used up its hits."""
        return self.count(key) >= self.limit

    def count(self, key: HttpRequest | str) -> int:
        """The key's hits within the window."""
        return self._hits().filter(network=self._stored(key)).count()

    def is_exceeded_by_all(self) -> bool:
        """Whether the hits of all keys together have used up the limit."""
        return self.total() >= self.limit

    def total(self) -> int:
        """The hits of all keys within the window; a hit that counts in two networks is one."""
        return self._hits().exclude(Q(network__endswith="/24") | Q(network__endswith="/48")).count()

    def take(self, key: HttpRequest | str) -> list[int]:
        """Count one hit if it is within the limits. Returns its rows for ``release``, none if it is not.

        It is stored before it is compared: of several at once each sees the others, so together they never
        pass the limits.
        """
        limits = self._limits(key)
        now = clock.now()
        rows = [Try.objects.create(purpose=self.scope, network=network, at=now).pk for network in limits]
        hits = self._hits().filter(network__in=limits).order_by()
        counts = dict(hits.values_list("network").annotate(Count("pk")))
        if any(counts[network] > limit for network, limit in limits.items()):
            self.release(rows)
            return []
        return rows

    def release(self, rows: Sequence[int]) -> None:
        """Take back a hit that ``take`` has counted."""
        Try.objects.filter(pk__in=rows).delete()

    def free_at(self, key: HttpRequest | str) -> dt.datetime:
        """When the key's next hit is within the limits: now, or when its oldest one has left the window."""
        free = clock.now()
        for network, limit in self._limits(key).items():
            newest = self._hits().filter(network=network).order_by("-at").values_list("at", flat=True)[:limit]
            if len(newest) == limit:
                free = max(free, newest[limit - 1] + dt.timedelta(minutes=self.minutes))
        return free

    def _limits(self, key: HttpRequest | str) -> dict[str, int]:
        limits = {self._stored(key): self.limit}
        if self.limit_around is not None and isinstance(key, HttpRequest):
            surroundings = surroundings_of(client_address(key))
            limits = {surroundings: self.limit_around} | limits  # one key if there is no address
        return limits

    def _hits(self) -> QuerySet[Try]:
        since = clock.now() - dt.timedelta(minutes=self.minutes)
        return Try.objects.filter(purpose=self.scope, at__gte=since)

    def _stored(self, key: HttpRequest | str) -> str:
        if isinstance(key, HttpRequest):
            return network_of(client_address(key))
        salt = f"shop.throttle.{self.scope}"  # older than the name of this module: rows of before still count
        # Under the oldest secret that is known: a rotation empties no count. No such row outlives a day.
        return f"about {keyed_digests(salt, key, length=32)[-1]}"
