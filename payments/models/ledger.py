"""The ledger: every movement of money, written once."""

import datetime as dt
from decimal import Decimal
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from .payment import Payment


class ReferenceTaken(Exception):
    """The gateway's reference is booked already, for another payment."""


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    def captures(self) -> Self:
        """Money that came in."""
        return self.filter(kind=LedgerEntry.Kind.CAPTURE)

    def book(
        self,
        payment: Payment,
        kind: "LedgerEntry.Kind",
        *,
        amount: Decimal,
        currency: str,
        reference: str,
        at: dt.datetime,
    ) -> tuple["LedgerEntry", bool]:
        """Write down that money moved, the only way to do so. ``amount`` is negative for what leaves us.

        Returns the entry and whether it is new: a repeat finds the first one. Raises ReferenceTaken where the
        gateway's reference belongs to another payment. Needs the order's lock.
        """
        entry, is_new = LedgerEntry.objects.get_or_create(
            gateway=payment.gateway,
            reference=reference,
            defaults={"payment": payment, "kind": kind, "amount": amount, "currency": currency, "at": at},
        )
        if entry.payment_id != payment.pk:
            raise ReferenceTaken(reference)
        return entry, is_new


class LedgerEntry(models.Model):
    """Money moved. Only ever added; what leaves us is negative."""

    class Kind(models.TextChoices):
        CAPTURE = "capture", _("payment")
        REFUND = "refund", _("refund")
        REVERSAL = "reversal", _("taken back by the gateway")

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="ledger", verbose_name=_("payment"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.CAPTURE)
    gateway = models.CharField(_("gateway"), max_length=10)
    reference = models.CharField(_("reference"), max_length=64)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    at = models.DateTimeField(_("at"))

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        constraints = [models.UniqueConstraint(fields=["gateway", "reference"], name="money_is_booked_once")]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount}"
