"""Mails because of orders that were never paid: few to one mailbox, for whoever orders types any address.

Counted by the worker when one really goes out, each kind on its own. Orders that were paid, or whose payment
is under review, are not counted: nobody can take from them what their buyers are told.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from checkout.models import Order
from shop.typed_values.email_addresses import identity
from shop.web.rate_limit import RateLimit

MAILED = RateLimit("unpaid-order-mail", limit=3, minutes=24 * 60)  # of one kind to one address


@contextmanager
def may_go(kind: str, order: Order) -> Iterator[bool]:
    """Context manager: whether a mail of this kind may go to the order's address. Given back if it fails."""
    if not order.was_never_paid:
        yield True
        return
    with MAILED.taken(f"{kind} {identity(order.email)}") as taken:
        yield bool(taken)
