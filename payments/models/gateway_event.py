"""The inbox: what gateways sent, as it came."""

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shop import clock

from .payment import Payment

LEFT_BEHIND_AFTER = dt.timedelta(seconds=20)


class GatewayEventQuerySet(models.QuerySet["GatewayEvent"]):
    def left_behind(self) -> Self:
        """Events whose worker died or learnt nothing, and whose time has come."""
        now = clock.now()
        is_due = Q(next_try_at__lte=now) | Q(next_try_at=None, received_at__lt=now - LEFT_BEHIND_AFTER)
        return self.filter(is_due, processed_at=None).exclude(is_verified=False)


class GatewayEvent(models.Model):
    """What a gateway sent us, byte for byte, as long as it is not refused. A hint to ask, never a fact."""

    gateway = models.CharField(_("gateway"), max_length=10)
    event_id = models.CharField(_("event"), max_length=128)
    kind = models.CharField(_("kind"), max_length=60, blank=True)  # the gateway's own word for what happened
    headers = models.JSONField(default=dict)
    body = models.BinaryField()  # at most 64 KiB
    received_at = models.DateTimeField(_("received at"))
    is_verified = models.BooleanField(_("verified"), null=True)
    processed_at = models.DateTimeField(_("processed at"), null=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"), null=True)
    payment = models.ForeignKey(
        Payment, models.SET_NULL, null=True, related_name="events", verbose_name=_("payment")
    )

    # Of what was refused no more is kept than a repetition is known by, and whoever looks into it needs.
    digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    network = models.CharField(max_length=50, blank=True, default="", db_default="")
    refused_for = models.CharField(max_length=40, blank=True, default="", db_default="")

    objects = GatewayEventQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        verbose_name = _("gateway event")
        verbose_name_plural = _("gateway events")
        indexes = [
            models.Index(
                fields=["payment"],
                name="events_not_verified",
                condition=Q(is_verified__isnull=True, processed_at__isnull=True),
            )
        ]
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="one_row_per_event")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"
