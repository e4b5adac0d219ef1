"""The money: attempts to pay, what was taken and given back, and what gateways told us."""

import datetime as dt
import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models import Order, OrderLine
from shop import clock

LEFT_BEHIND_AFTER = dt.timedelta(seconds=20)


def new_key() -> str:
    return uuid.uuid4().hex


class PaymentQuerySet(models.QuerySet["Payment"]):
    def live(self) -> Self:
        return self.filter(status__in=Payment.LIVE)

    def due(self) -> Self:
        """Attempts whose outcome is unknown and whose time to ask again has come."""
        return self.filter(next_check_at__lte=clock.now()).exclude(status=Payment.Status.CAPTURED)


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
        # Superseded only once the gateway has said that nothing was taken.
        Status.CAPTURING: {Status.AWAITING, Status.CAPTURED, Status.DECLINED, Status.SUPERSEDED},
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
    captured_at = models.DateTimeField(_("captured at"), null=True, editable=False)
    pays_order = models.BooleanField(
        _("pays the order"), default=False, editable=False
    )  # its money made it paid

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
            models.UniqueConstraint(
                fields=["order"], condition=Q(pays_order=True), name="one_payment_pays_an_order"
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

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        constraints = [models.UniqueConstraint(fields=["gateway", "reference"], name="money_is_booked_once")]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount}"


class Refund(models.Model):
    """Money given back, or to give back. Ours are stored, with their keys, before the gateway is asked."""

    class Status(models.TextChoices):
        CREATED = "created", _("to do")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

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


class RefundLine(models.Model):
    """What a refund is for: so many pieces, or so much, of an order line."""

    refund = models.ForeignKey(Refund, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="refund_lines")
    quantity = models.PositiveIntegerField(_("quantity"), default=0)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["refund", "line"], name="one_row_per_line_and_refund")]

    def __str__(self) -> str:
        return f"{self.line_id} {self.amount}"


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
