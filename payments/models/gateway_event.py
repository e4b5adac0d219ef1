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
    """What a gateway sent us, byte for byte. A hint to ask, never a fact."""

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

    objects = GatewayEventQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        verbose_name = _("gateway event")
        verbose_name_plural = _("gateway events")
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="one_row_per_event")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"
