"""Where a request comes from."""

from django.conf import settings
from django.db import connections
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address. X-Forwarded-For counts only as far as ``TRUSTED_PROXIES`` vouch for it."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while address in settings.TRUSTED_PROXIES and hops:
        address = hops.pop()
    return address


class OpenTransaction(Exception):
    """A call to another machine was about to be made while a database transaction was open."""


def assert_no_transaction() -> None:
    """Raise where a transaction is open: a slow peer would hold its locks. Called before every outgoing call.

    The transaction that wraps a test does not count.
    """
    for connection in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise OpenTransaction
