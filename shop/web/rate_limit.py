"""Counting tries per client network, in the database: every process sees the same count."""

import datetime as dt
import ipaddress

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from shop import clock
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


def count(request: HttpRequest, purpose: str) -> None:
    """Remember one more try."""
    Try.objects.create(purpose=purpose, network=network_of(client_address(request)), at=clock.now())


def is_exceeded(request: HttpRequest, purpose: str, *, limit: int, minutes: int) -> bool:
    """Whether the client has used up its tries."""
    since = clock.now() - dt.timedelta(minutes=minutes)
    network = network_of(client_address(request))
    return Try.objects.filter(purpose=purpose, network=network, at__gte=since).count() >= limit


def take(
    request: HttpRequest, purpose: str, *, limit: int, limit_around: int, minutes: int
) -> list[int] | None:
    """Count one more try of the client, before it is made. None, and nothing counted, if they are used up.

    Of several at once each sees the others, so together they never pass the limits.
    """
    address, now = client_address(request), clock.now()
    limits = {surroundings_of(address): limit_around, network_of(address): limit}
    taken = [Try.objects.create(purpose=purpose, network=network, at=now).pk for network in limits]
    since = now - dt.timedelta(minutes=minutes)
    counted = Try.objects.filter(purpose=purpose, network__in=limits, at__gte=since).order_by()
    counts = dict(counted.values_list("network").annotate(Count("pk")))
    if any(counts[network] > most for network, most in limits.items()):
        give_back(taken)
        return None
    return taken


def give_back(taken: list[int]) -> None:
    Try.objects.filter(pk__in=taken).delete()


def count_of_all(purpose: str, *, minutes: int) -> int:
    """How many tries all clients together have taken."""
    since = clock.now() - dt.timedelta(minutes=minutes)
    tries = Try.objects.filter(purpose=purpose, at__gte=since)
    return tries.exclude(Q(network__endswith="/24") | Q(network__endswith="/48")).count()


def is_exceeded_by_all(purpose: str, *, limit: int, minutes: int) -> bool:
    """Whether the tries of all clients together are used up."""
    since = clock.now() - dt.timedelta(minutes=minutes)
    return Try.objects.filter(purpose=purpose, at__gte=since).count() >= limit


def count_about(subject: str, purpose: str) -> None:
    """Remember one more try about something, such as an e-mail address; only a keyed digest of it is kept."""
    Try.objects.create(purpose=purpose, network=_digest(subject, purpose), at=clock.now())


def is_exceeded_about(subject: str, purpose: str, *, limit: int, minutes: int) -> bool:
    """Whether the tries about it are used up, wherever they come from."""
    since = clock.now() - dt.timedelta(minutes=minutes)
    tries = Try.objects.filter(purpose=purpose, network=_digest(subject, purpose), at__gte=since)
    return tries.count() >= limit


def take_about(subject: str, purpose: str, *, limit: int, minutes: int) -> bool:
    """Count one more try about it. False, and nothing counted, if they are used up."""
    if is_exceeded_about(subject, purpose, limit=limit, minutes=minutes):
        return False
    count_about(subject, purpose)
    return True


def _digest(subject: str, purpose: str) -> str:
    return f"about {salted_hmac(f'shop.throttle.{purpose}', subject, algorithm='sha256').hexdigest()[:32]}"
