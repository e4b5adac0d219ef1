"""What a buyer asks for about orders: to find, to cancel, to correct, to copy or to erase."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shop.crypto import EncryptedJSONField

from .order import Order, OrderLine


class OrderSearch(models.Model):
    """Somebody asked for a link to the orders of an e-mail address, which is sealed. Kept for a day."""

    email = EncryptedJSONField()
    number = models.CharField(max_length=20, blank=True)  # only this order; empty: all of the address
    language = models.CharField(max_length=10)
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"search {self.pk}"


class CancellationRequest(models.Model):
    """The buyer of a paid order asks to cancel what is not shipped and not begun; the merchant answers."""

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for an answer")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")

    order = models.ForeignKey(Order, models.PROTECT, related_name="cancellations", verbose_name=_("order"))
    lines = models.ManyToManyField(OrderLine, related_name="cancellations")
    reason = EncryptedJSONField(default=str)  # in the buyer's words, which may be personal
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN, editable=False)
    asked_at = models.DateTimeField(_("asked at"))
    answer = models.CharField(_("answer"), max_length=1000, blank=True)  # for the buyer
    answered_at = models.DateTimeField(_("answered at"), null=True)
    answered_by = models.CharField(_("answered by"), max_length=150, blank=True)

    class Meta:
        ordering = ["asked_at", "id"]
        verbose_name = _("cancellation request")
        verbose_name_plural = _("cancellation requests")
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state="open"), name="one_open_cancellation_per_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether the buyer still waits for the merchant's answer."""
        return self.state == self.State.OPEN


class PrivacyRequest(models.Model):
    """The client asks for a copy of everything about an order, or its erasure; the mailbox confirms."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("copy")
        ERASURE = "erasure", _("erasure")

    order = models.ForeignKey(Order, models.PROTECT, related_name="privacy_requests")
    kind = models.CharField(max_length=8, choices=Kind)
    asked_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)  # the mailed link
    confirmed_at = models.DateTimeField(null=True)  # an erasure, by both confirmations
    email = EncryptedJSONField()  # of a confirmed erasure, until that mailbox is told
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


class EmailCorrection(models.Model):
    """The e-mail address an order had before its buyer corrected it, sealed, until that mailbox is told."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="email_corrections")
    old_email = EncryptedJSONField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.order_id} {self.at}"
