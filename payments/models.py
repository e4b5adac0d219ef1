"""The money: attempts to pay, what was taken and given back, and what gateways told us."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models import Order
from shop import clock


def new_key() -> str:
    return uuid.uuid4().hex


class PaymentQuerySet(models.QuerySet["Payment"]):
    def live(self) -> Self:
        return self.filter(status__in=Payment.LIVE)

    def due(self) -> Self:
        """Attempts whose outcome is unknown and whose time to ask again has come."""
        return self.filter(next_check_at__lte=clock.now())


class Payment(models.Model):
    """One attempt to pay an order. Stored, with its idempotency keys, before the first byte goes out."""

    class Status(models.TextChoices):
        CREATED = "created", _("created")
        AWAITING = "awaiting", _("awaiting the buyer or the bank")
        CAPTURING = "capturing", _("taking the money")
        CAPTURED = "captured", _("captured")
        DECLINED = "declined", _("declined")
        SUPERSEDED = "superseded", _("superseded")
        EXPIRED = "expired", _("expired")

    LIVE = [Status.CREATED, Status.AWAITING, Status.CAPTURING]
    TRANSITIONS: dict[Status, set[Status]] = {
        Status.CREATED: {
            Status.AWAITING,
            Status.CAPTURING,
            Status.CAPTURED,
            Status.DECLINED,
            Status.SUPERSEDED,
            Status.EXPIRED,
        },
        Status.AWAITING: {
            Status.CAPTURING,
            Status.CAPTURED,
            Status.DECLINED,
            Status.SUPERSEDED,
            Status.EXPIRED,
        },
        Status.CAPTURING: {Status.AWAITING, Status.CAPTURED, Status.DECLINED},
        Status.CAPTURED: set(),
        Status.DECLINED: {Status.CAPTURED},  # the gateway has the last word
        Status.SUPERSEDED: {Status.CAPTURED},
        Status.EXPIRED: {Status.CAPTURED},
    }

    class Method(models.TextChoices):
        PAYPAL = "paypal", "PayPal"
        UNIONPAY_CARD = "unionpay-card", _("UnionPay credit card")
        UNIONPAY_PAGE = "unionpay-page", _("UnionPay credit card (UnionPay's page)")

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("order"))
    method = models.CharField(_("method"), max_length=20, choices=Method)
    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.CREATED, editable=False
    )
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)

    # Our reference at the gateway (PayPal custom_id and invoice_id, UnionPay orderId): 8-32 characters.
    reference = models.CharField(_("our reference"), max_length=32, unique=True)
    create_key = models.CharField(
        max_length=36, default=new_key, editable=False
    )  # PayPal-Request-Id of create
    capture_key = models.CharField(
        max_length=36, default=new_key, editable=False
    )  # PayPal-Request-Id of capture
    started_at = models.DateTimeField(_("started at"))  # UnionPay txnTime is this moment in Beijing time
    gateway_id = models.CharField(_("reference at the gateway"), max_length=64, blank=True, db_index=True)
    approve_url = models.CharField(max_length=500, blank=True, editable=False)
    capture_reference = models.CharField(_("capture"), max_length=64, blank=True)
    last4 = models.CharField(_("card ends in"), max_length=4, blank=True)
    problem = models.CharField(
        _("problem"), max_length=60, blank=True
    )  # the gateway's issue or response code
    needs_attention = models.BooleanField(_("needs a person"), default=False)  # money that does not match
    next_check_at = models.DateTimeField(_("ask again at"), null=True, blank=True, db_index=True)
    checks = models.PositiveSmallIntegerField(_("times asked"), default=0)
    claimed_until = models.DateTimeField(null=True, editable=False)  # someone is talking to the gateway

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=["created", "awaiting", "capturing"]),
                name="one_live_payment_per_order",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def gateway(self) -> str:
        return "paypal" if self.method == self.Method.PAYPAL else "unionpay"

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE


class LedgerEntry(models.Model):
    """Money moved. Only ever added; refunds are negative."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="ledger", verbose_name=_("payment"))
    gateway = models.CharField(_("gateway"), max_length=10)
    reference = models.CharField(_("reference"), max_length=64)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        constraints = [models.UniqueConstraint(fields=["gateway", "reference"], name="money_is_booked_once")]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount}"


class Refund(models.Model):
    """Money to give back. Stored, with its idempotency key, before the gateway is asked."""

    class Status(models.TextChoices):
        CREATED = "created", _("to do")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    reason = models.CharField(_("reason"), max_length=40)
    status = models.CharField(
        _("status"), max_length=8, choices=Status, default=Status.CREATED, editable=False
    )
    key = models.CharField(max_length=36, unique=True, default=new_key, editable=False)
    reference = models.CharField(_("reference at the gateway"), max_length=64, blank=True)
    problem = models.CharField(_("problem"), max_length=60, blank=True)
    started_at = models.DateTimeField(_("started at"))
    next_check_at = models.DateTimeField(_("ask again at"), null=True, blank=True)
    checks = models.PositiveSmallIntegerField(_("times asked"), default=0)

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "reason"], condition=Q(reason="unusable"), name="one_automatic_refund"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} {self.amount}"


class GatewayEvent(models.Model):
    """What a gateway sent us, byte for byte. A hint to ask, never a fact."""

    gateway = models.CharField(_("gateway"), max_length=10)
    event_id = models.CharField(_("event"), max_length=128)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()  # at most 64 KiB
    received_at = models.DateTimeField(_("received at"))
    is_verified = models.BooleanField(_("verified"), null=True)
    processed_at = models.DateTimeField(_("processed at"), null=True)
    payment = models.ForeignKey(
        Payment, models.SET_NULL, null=True, related_name="events", verbose_name=_("payment")
    )

    class Meta:
        ordering = ["-received_at"]
        verbose_name = _("gateway event")
        verbose_name_plural = _("gateway events")
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="one_row_per_event")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"
