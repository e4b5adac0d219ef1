"""What other apps have to say about an order."""

from typing import Any

from .models import Order
from .signals import Section, confirmation_sections, money_is_on_its_way


def sections(found: Order, *, reveal: bool) -> list[Section]:
    """What other apps add to the confirmation. ``reveal``: the reader is known to be the customer."""
    answers: list[tuple[Any, Any]] = confirmation_sections.send(sender=Order, order=found, reveal=reveal)
    return [section for _receiver, section in answers if isinstance(section, Section)]


def is_money_on_its_way(found: Order) -> bool:
    """Whether a payment of the order may have been made already."""
    return any(answer for _receiver, answer in money_is_on_its_way.send(sender=Order, order=found))
