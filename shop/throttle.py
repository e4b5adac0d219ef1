"""Counting tries per client network, in the database: every process sees the same count."""

import datetime as dt
import ipaddress

from django.http import HttpRequest

from . import clock
from .models import Try
from .network import client_address


def network_of(address: str) -> str:
    """The network that one client can be assumed to own: /32 for IPv4, /64 for IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network(f"{parsed}/{32 if parsed.version == 4 else 64}", strict=False))


def count(request: HttpRequest, purpose: str) -> None:
    """Remember one more try."""
    Try.objects.create(purpose=purpose, network=network_of(client_address(request)), at=clock.now())


def is_exceeded(request: HttpRequest, purpose: str, *, limit: int, minutes: int) -> bool:
    """Whether the client has used up its tries."""
    since = clock.now() - dt.timedelta(minutes=minutes)
    network = network_of(client_address(request))
    return Try.objects.filter(purpose=purpose, network=network, at__gte=since).count() >= limit
