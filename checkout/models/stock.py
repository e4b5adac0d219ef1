"""The stock ledger: every movement of stock, with its reason."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Variant

from .order import Order


class StockMovement(models.Model):
    """What an order did to the stock, one row per fact.

    The columns on ``Variant`` are sums: reserved = reserve - release - sell, and, with what came in besides
    orders (``catalog.StockReceipt``), on_hand = receipts + return - sell.
    """

    class Kind(models.TextChoices):
        RESERVE = "reserve", _("reserved")
        RELEASE = "release", _("released")
        SELL = "sell", _("sold")
        RETURN = "return", _("returned")

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="movements", verbose_name=_("variant"))
    order = models.ForeignKey(Order, models.PROTECT, related_name="stock_movements", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    hold = models.PositiveIntegerField(_("order revision"), default=0)  # of a return: the refund's id
    quantity = models.IntegerField(_("quantity"))
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "variant", "kind", "hold"], name="one_stock_movement_per_fact"
            )
        ]

    def __str__(self) -> str:
        return f"{self.variant_id} {self.kind} {self.quantity}"


class HoldOrigin(models.Model):
    """Where a visitor placed an order from: two digests, kept for a day."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="hold_origin")
    network = models.CharField(max_length=32)
    surroundings = models.CharField(max_length=32, db_index=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.order_id} {self.at}"
