"""Changes of the stock outside orders."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .product import Variant


class StockReceipt(models.Model):
    """One row per change of the stock outside orders: goods that came in, or a count put right."""

    class Kind(models.TextChoices):
        RECEIVE = "receive", _("received")
        CORRECT = "correct", _("corrected")

    variant = models.ForeignKey(
        Variant, models.CASCADE, related_name="receipts", verbose_name=_("variant")
    )  # what was never ordered may be deleted, with its past
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    quantity = models.IntegerField(_("quantity"))
    at = models.DateTimeField(_("at"))
    by = models.CharField(_("by"), max_length=150, blank=True)  # user name; empty: the shop itself
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("stock receipt")
        verbose_name_plural = _("stock receipts")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0) | Q(kind="correct", quantity__lt=0),
                name="receipt_moves_something",
            )
        ]

    def __str__(self) -> str:
        return f"{self.variant_id} {self.kind} {self.quantity}"
