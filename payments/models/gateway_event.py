"""The inbox: what gateways sent, as it came."""

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Case, F, Q, Value, When, Window
from django.db.models.functions import Greatest, RowNumber
from django.utils.translation import gettext_lazy as _

from shop import clock

from .payment import Payment

RETRY_SECONDS = [5, 10, 20, 30]  # the last one repeats


HAS_MONEY = Q(payment__capture_reference__gt="")


def _place_in(what: str) -> Window:
    """The how manieth of its kind."""
    return Window(RowNumber(), partition_by=[F("rank"), F("is_behind"), F(what)], order_by="received_at")


class GatewayEventQuerySet(models.QuerySet["GatewayEvent"]):
    def due(self) -> Self:
        """Events that nobody has acted on, or from which nothing was learnt yet, and whose time has come.

        First come those that are proven, or about money that is there; then those about payments that anybody
        can begin; then those about nothing we know. Of each kind those that were tried in vain come last:
        however many they are, a new one does not wait for them. And orders and networks take turns.
        """
        now = clock.now()
        too_far = now + dt.timedelta(seconds=RETRY_SECONDS[-1]) + clock.SKEW  # the clock was put back
        is_due = Q(next_try_at=None) | Q(next_try_at__lte=now) | Q(next_try_at__gt=too_far)
        is_safe = Q(is_verified=True) | HAS_MONEY
        rows = self.filter(is_due, processed_at=None).exclude(is_verified=False)
        rows = rows.annotate(
            rank=Case(When(is_safe, then=0), When(payment=None, then=2), default=1),
            is_behind=Case(When(tries__gt=0, then=1), default=0),
        )
        of_order = Case(When(payment=None, then=Value(1)), default=_place_in("payment__order"))
        turn = Greatest(of_order, _place_in("network"))
        return rows.order_by("rank", "is_behind", turn, "received_at")

    def waiting(self) -> Self:
        """Events that were not acted on yet, and not refused."""
        return self.filter(processed_at=None).exclude(is_verified=False)

    def about_unpaid(self) -> Self:
        """About payments of ours that have no money: they cost their buyer nothing."""
        return self.exclude(payment=None).exclude(HAS_MONEY)

    def about_money(self) -> Self:
        """About payments whose money has come, or is under review."""
        return self.filter(HAS_MONEY)

    def wake(self, gateway: str) -> int:
        """Make those due that were tried in vain; return how many. The gateway answers again."""
        waiting = self.filter(gateway=gateway, processed_at=None, next_try_at__gt=clock.now())
        return waiting.update(next_try_at=clock.now())


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
