"""Money to give back, and what it is for."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models import OrderLine

from .ledger import LedgerEntry
from .payment import InvalidTransition, Payment, new_key


class Refund(models.Model):
    """Money given back, or to give back. Ours are stored, with their keys, before the gateway is asked."""

    class Status(models.TextChoices):
        CREATED = "created", _("to do")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    TRANSITIONS: dict[Status, set[Status]] = {
        Status.CREATED: {Status.DONE, Status.FAILED},
        Status.FAILED: {Status.DONE},  # the gateway has the last word
        Status.DONE: set(),
    }

    class Origin(models.TextChoices):
        STAFF = "staff", _("by the shop")
        AUTOMATIC = "automatic", _("automatic")  # money that matches but cannot be used
        GATEWAY = "gateway", _("made at the gateway")
        REVERSAL = "reversal", _("taken back by the gateway")

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    origin = models.CharField(_("origin"), max_length=9, choices=Origin, default=Origin.STAFF)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    shipping = models.DecimalField(_("of which shipping fee"), max_digits=12, decimal_places=2, default=0)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.CharField(_("by"), max_length=150, blank=True)  # user name; empty: the shop or the gateway
    status = models.CharField(
        _("status"), max_length=8, choices=Status, default=Status.CREATED, editable=False
    )
    key = models.CharField(max_length=36, unique=True, default=new_key, editable=False)
    reference = models.CharField(_("reference at the gateway"), max_length=64, blank=True)
    problem = models.CharField(_("problem"), max_length=60, blank=True)
    started_at = models.DateTimeField(_("started at"))
    done_at = models.DateTimeField(_("done at"), null=True, editable=False)

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(
                fields=["payment"], condition=Q(origin="automatic"), name="one_automatic_refund"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} {self.amount}"

    @property
    def ledger_kind(self) -> LedgerEntry.Kind:
        """As what its money stands in the ledger."""
        is_reversal = self.origin == self.Origin.REVERSAL
        return LedgerEntry.Kind.REVERSAL if is_reversal else LedgerEntry.Kind.REFUND

    def move_to(self, status: Status) -> None:
        """Change the status, the only way to do so. Raises InvalidTransition. Needs the order's lock."""
        if status not in self.TRANSITIONS[self.Status(self.status)]:
            raise InvalidTransition(f"refund {self.pk}: {self.status} -> {status}")
        self.status = status
        self.save(update_fields=["status"])


class RefundLine(models.Model):
    """What a refund is for: so many pieces, or so much, of an order line."""

    refund = models.ForeignKey(Refund, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="refund_lines")
    quantity = models.PositiveIntegerField(_("quantity"), default=0)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    # Pieces that are not shipped because of it: those that had been, and those of a retry, are none. Null: of
    # before this was kept, and taken for all of them.
    withdrawn = models.PositiveIntegerField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["refund", "line"], name="one_row_per_line_and_refund")]

    def __str__(self) -> str:
        return f"{self.line_id} {self.amount}"
