"""A buyer's complaint at the gateway."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .payment import Payment


class Dispute(models.Model):
    """A buyer complains at the gateway. While it is open nothing is shipped and no report opens."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes", verbose_name=_("payment"))
    reference = models.CharField(_("reference at the gateway"), max_length=64)
    reason = models.CharField(_("reason"), max_length=60)
    status = models.CharField(_("status"), max_length=40)  # the gateway's own word
    outcome = models.CharField(_("outcome"), max_length=60, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    is_open = models.BooleanField(_("open"), default=True)
    opened_at = models.DateTimeField(_("opened at"))
    respond_until = models.DateTimeField(_("answer until"), null=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = [  # one complaint may be about several payments
            models.UniqueConstraint(fields=["reference", "payment"], name="one_row_per_dispute_and_payment")
        ]

    def __str__(self) -> str:
        return self.reference
