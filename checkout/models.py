"""The order: a snapshot that nothing re-prices, its stock movements, its parcels, its history."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from catalog.models import Product, Variant, in_language
from shop import clock
from shop.crypto import EncryptedJSONField


class InvalidTransition(Exception):
    """The order cannot move from its state to the wanted one."""


class Draft(models.Model):
    """What a visitor has typed at checkout, sealed; also the lock that makes one cart one order."""

    token = models.CharField(max_length=40, unique=True)  # the cart's token, from the session
    data = EncryptedJSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"draft {self.pk}"


class OrderQuerySet(models.QuerySet["Order"]):
    def unpaid(self) -> Self:
        return self.filter(status=Order.Status.PENDING)

    def past_hold(self) -> Self:
        return self.unpaid().filter(hold_until__lt=clock.now())


class Order(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending", _("Awaiting payment")
        UNDER_REVIEW = "under_review", _("Payment under review")
        PAID = "paid", _("Paid")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    TRANSITIONS: dict[Status, set[Status]] = {
        Status.PENDING: {Status.UNDER_REVIEW, Status.PAID, Status.CANCELLED, Status.EXPIRED},
        Status.UNDER_REVIEW: {Status.PAID, Status.PENDING, Status.CANCELLED},
        Status.PAID: set(),
        Status.CANCELLED: {Status.PAID},  # the money arrived after we gave up waiting
        Status.EXPIRED: {Status.PAID},
    }

    number = models.CharField(_("order number"), max_length=20, unique=True, editable=False)
    token = models.CharField(max_length=60, unique=True, editable=False)  # opens the order's pages
    draft = models.ForeignKey(Draft, models.SET_NULL, null=True, editable=False, related_name="orders")
    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.PENDING, editable=False
    )
    is_superseded = models.BooleanField(default=False, editable=False)  # by a newer order of its cart
    revision = models.PositiveIntegerField(default=1, editable=False)
    submission_digest = models.CharField(max_length=64, editable=False)  # same form, same order

    language = models.CharField(_("language"), max_length=10)
    email = models.EmailField(_("e-mail"))
    currency = models.CharField(_("currency"), max_length=3)
    goods_total = models.DecimalField(_("goods"), max_digits=12, decimal_places=2)
    services_total = models.DecimalField(_("services"), max_digits=12, decimal_places=2)
    shipping_total = models.DecimalField(_("shipping fee"), max_digits=12, decimal_places=2)
    total = models.DecimalField(_("total amount"), max_digits=12, decimal_places=2)
    terms_version = models.CharField(_("accepted terms"), max_length=20)

    needs_shipping = models.BooleanField(_("is shipped"), default=False)
    recipient = models.CharField(_("recipient"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    region = models.CharField(_("region"), max_length=2, blank=True)  # ISO 3166 alpha-2
    address = models.JSONField(_("delivery address"), default=dict, blank=True)
    delivery_note = models.CharField(_("delivery note"), max_length=300, blank=True)
    shipping_method = models.CharField(_("delivery method"), max_length=40, blank=True)

    placed_at = models.DateTimeField(_("placed at"), editable=False)
    hold_until = models.DateTimeField(_("stock held until"), editable=False)
    hold_extended = models.BooleanField(default=False, editable=False)
    payment_started_at = models.DateTimeField(null=True, editable=False)
    paid_at = models.DateTimeField(_("paid at"), null=True, editable=False)
    paid_with = models.CharField(_("paid with"), max_length=20, blank=True, editable=False)
    paid_card_last4 = models.CharField(max_length=4, blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(
                fields=["draft"], condition=Q(status="pending"), name="one_pending_order_per_cart"
            ),
            models.CheckConstraint(condition=Q(total__gt=0), name="order_total_is_positive"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_paid(self) -> bool:
        return self.status == self.Status.PAID

    @property
    def has_services(self) -> bool:
        return self.services_total > 0

    @property
    def hold_is_over(self) -> bool:
        return clock.now() >= self.hold_until

    def get_absolute_url(self) -> str:
        """The order page, reachable without a session."""
        return reverse("checkout:order", args=[self.token])

    def move_to(self, status: Status, *, note: str = "", actor: str = "") -> None:
        """The only way to change a status. The caller holds the row lock."""
        if status not in self.TRANSITIONS[self.Status(self.status)]:
            raise InvalidTransition(f"{self.number}: {self.status} -> {status}")
        self.log(note, old_status=self.status, new_status=status, actor=actor)
        self.status = status
        self.save(update_fields=["status"])

    def log(self, note: str, *, old_status: str = "", new_status: str = "", actor: str = "") -> None:
        """Add to the history. The note names facts and references, never personal data."""
        self.events.create(
            at=clock.now(), old_status=old_status, new_status=new_status, note=note, actor=actor
        )


class OrderLine(models.Model):
    """One thing ordered, as it was named and priced when the order was placed."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Product.Kind)
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="+")
    sku = models.CharField(_("SKU"), max_length=30)
    name_zh_hant = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)
    unit_price = models.DecimalField(_("unit price"), max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField(_("quantity"))
    ships = models.BooleanField()
    weight_g = models.PositiveIntegerField()
    working_days = models.PositiveSmallIntegerField(null=True)  # services: the promise as ordered
    report_due_on = models.DateField(_("report promised for"), null=True)

    class Meta:
        ordering = ["position"]
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_quantity_at_least_one")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity

    @property
    def is_service(self) -> bool:
        return self.kind == Product.Kind.SERVICE


class Intake(models.Model):
    """The answers about one subject of a line (1…quantity), or the line's contact block (subject 0). Sealed.

    ``answers`` is a list of {"key", "label_zh_hant", "label_en", "value", "shown_zh_hant",
    "shown_en"}: the questions as they were asked, so a question edited later does not change an old answer.
    """

    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="intakes")
    subject = models.PositiveSmallIntegerField()
    answers = EncryptedJSONField(default=list)

    class Meta:
        ordering = ["line", "subject"]
        verbose_name = _("consultation details")
        verbose_name_plural = _("consultation details")
        constraints = [models.UniqueConstraint(fields=["line", "subject"], name="one_intake_per_subject")]

    def __str__(self) -> str:
        return f"{self.line_id}/{self.subject}"

    @property
    def shown(self) -> list[tuple[str, str]]:
        """(question, answer) pairs in the reader's language."""
        language = "en" if (get_language() or "").startswith("en") else "zh_hant"
        answers: list[dict[str, Any]] = self.answers
        return [(answer[f"label_{language}"], answer[f"shown_{language}"]) for answer in answers]


class OrderEvent(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    at = models.DateTimeField(_("at"))
    old_status = models.CharField(_("old status"), max_length=12, blank=True)
    new_status = models.CharField(_("new status"), max_length=12, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    actor = models.CharField(_("by"), max_length=150, blank=True)  # user name; empty: the shop itself

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("history entry")
        verbose_name_plural = _("history")

    def __str__(self) -> str:
        return f"{self.order_id} {self.new_status} {self.note}"


class StockMovement(models.Model):
    """One row per movement; the columns on ``Variant`` are its sums."""

    class Kind(models.TextChoices):
        RECEIVE = "receive", _("received")
        RESERVE = "reserve", _("reserved")
        RELEASE = "release", _("released")
        SELL = "sell", _("sold")
        RETURN = "return", _("returned")
        CORRECT = "correct", _("corrected")

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="movements", verbose_name=_("variant"))
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, related_name="stock_movements", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    hold = models.PositiveIntegerField(_("order revision"), default=0)  # the order's revision
    quantity = models.IntegerField(_("quantity"))
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "variant", "kind", "hold"], name="one_stock_movement_per_fact"
            )
        ]

    def __str__(self) -> str:
        return f"{self.variant_id} {self.kind} {self.quantity}"


class Shipment(models.Model):
    """One parcel."""

    class Carrier(models.TextChoices):
        SF = "sf", _("SF Express")
        HKPOST = "hkpost", _("Hongkong Post")
        DHL = "dhl", "DHL"
        HAND = "hand", _("Delivered by hand")

    TRACKING_URLS = {
        Carrier.SF: "https://www.sf-express.com/chn/tc/waybill/waybill-detail/{number}",
        Carrier.HKPOST: "https://www.hongkongpost.hk/en/mail_tracking/index.html?trackcode={number}",
        Carrier.DHL: "https://www.dhl.com/hk-en/home/tracking.html?tracking-id={number}",
    }

    order = models.ForeignKey(Order, models.PROTECT, related_name="shipments")
    carrier = models.CharField(_("carrier"), max_length=10, choices=Carrier)
    tracking_number = models.CharField(_("tracking number"), max_length=40, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"))
    shipped_by = models.CharField(_("shipped by"), max_length=150)

    class Meta:
        ordering = ["shipped_at", "id"]
        verbose_name = _("parcel")
        verbose_name_plural = _("parcels")

    def __str__(self) -> str:
        return f"{self.get_carrier_display()} {self.tracking_number}"

    @property
    def tracking_url(self) -> str:
        """Where the carrier shows the parcel; empty where there is nothing to follow."""
        pattern = self.TRACKING_URLS.get(self.Carrier(self.carrier), "")
        return pattern.format(number=quote(self.tracking_number, safe="")) if self.tracking_number else ""


class ShipmentItem(models.Model):
    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="items")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="shipped_items")
    quantity = models.PositiveIntegerField(_("quantity"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment", "line"], name="one_item_per_line_and_parcel")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"
