"""One line of the cart."""

from dataclasses import dataclass
from decimal import Decimal

from catalog.models import Variant


@dataclass(frozen=True)
class CartLine:
    """So many of one variant, at today's price."""

    variant: Variant
    quantity: int
    unit_price: Decimal
    most: int  # how many of it this cart can hold
    problem: str  # a sentence; while a line has one, nothing can be ordered

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity
