"""What staff may mean who search for an order, wherever orders are listed."""

from collections.abc import Iterable
from contextlib import suppress

from checkout import order_numbers
from shop.admin.search import in_every_list


@in_every_list
def order_number(typed: str) -> Iterable[str]:
    """However it was read out or typed."""
    with suppress(order_numbers.TypingError):
        yield order_numbers.parse(typed)
