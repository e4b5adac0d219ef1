from dataclasses import dataclass
from decimal import Decimal

from catalog.models import Variant


@dataclass(frozen=True)
class CartLine:
    variant: Variant
    quantity: int
    unit_price: Decimal
    most: int  # how many of it this cart can hold
    problem: str  # a sentence; while a line has one, nothing can be ordered

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity
