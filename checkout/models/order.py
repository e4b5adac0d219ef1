"""The order and its lines: a snapshot that nothing re-prices, and its history."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.models import Product, Variant, in_language
from shop import clock, crypto
from shop.typed_values.email_addresses import normalise, shown
from shop.typed_values.phone_numbers import PhoneNumber

from .draft import Draft

PAYMENT_METHODS = {"paypal": "PayPal", "unionpay": _("UnionPay credit card")}  # Order.paid_with -> name


@dataclass(frozen=True)
class Delivery:
    """One parcel: the last day on which it leaves, and about when it arrives."""

    ships_by: dt.date
    arrives_from: dt.date
    arrives_until: dt.date


class InvalidTransition(Exception):
    """Raised when the order cannot move from its status to the requested one."""


class OrderQuerySet(models.QuerySet["Order"]):
    def unpaid(self) -> Self:
        return self.filter(status=Order.Status.PENDING)

    def of_address(self, email: str) -> Self:
        """Orders placed with this e-mail address, however it was typed."""
        return self.filter(email__iexact=normalise(email))

    def past_hold(self) -> Self:
        return self.unpaid().filter(hold_until__lt=clock.now())

    def lock(self, order_id: int) -> Order:
        """Lock the order, and first its cart's draft, until the transaction ends; return the fresh row.

        Placing locks in the same sequence, so no two orders of one cart change at once. Raises
        Order.DoesNotExist. Needs a transaction.
        """
        Draft.objects.select_for_update(of=("self",)).filter(orders=order_id).only("pk").first()
        return self.select_for_update().get(pk=order_id)


class Order(models.Model):
    """What was bought, by whom and for how much, as it was when the order was placed."""

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
    is_given_up = models.BooleanField(default=False, editable=False)  # cancelled by its buyer: never revived
    revision = models.PositiveIntegerField(default=1, editable=False)
    submission_digest = models.CharField(max_length=64, editable=False)  # same form, same order

    language = models.CharField(_("language"), max_length=10)
    email = models.EmailField(_("e-mail"))
    currency = models.CharField(_("currency"), max_length=3)
    goods_total = models.DecimalField(_("goods"), max_digits=12, decimal_places=2)
    services_total = models.DecimalField(_("services"), max_digits=12, decimal_places=2)
    shipping_total = models.DecimalField(_("shipping fee"), max_digits=12, decimal_places=2)
    discount_total = models.DecimalField(_("discount"), max_digits=12, decimal_places=2, default=0)
    promo_code = models.CharField(_("promo code"), max_length=20, blank=True)
    promo_name_zh_hant = models.CharField(max_length=80, blank=True)
    promo_name_en = models.CharField(max_length=80, blank=True)
    total = models.DecimalField(_("total amount"), max_digits=12, decimal_places=2)
    # What its buyer agreed to, in ``language``: these versions of the texts, at that moment.
    terms_version = models.CharField(_("accepted terms"), max_length=20)
    refund_version = models.CharField(_("accepted rules for refunds"), max_length=20, blank=True)
    privacy_version = models.CharField(_("privacy notice read"), max_length=20, blank=True)
    agreed_at = models.DateTimeField(_("agreed at"), null=True, editable=False)

    needs_shipping = models.BooleanField(_("is shipped"), default=False)
    recipient = models.CharField(_("recipient"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)  # E.164
    phone_extension = models.CharField(_("extension"), max_length=10, blank=True)
    region = models.CharField(_("region"), max_length=2, blank=True)  # ISO 3166 alpha-2
    address = models.JSONField(_("delivery address"), default=dict, blank=True)
    delivery_note = models.CharField(_("delivery note"), max_length=300, blank=True)
    is_gift = models.BooleanField(_("gift: no prices in the parcel"), default=False)
    card_text = models.CharField(_("text of the card"), max_length=200, blank=True)
    shipping_method = models.CharField(_("delivery method"), max_length=40, blank=True)
    # What was promised of the parcel, in Hong Kong's and in the destination's working days.
    ships_by = models.DateField(_("leaves by"), null=True, editable=False)
    arrives_from = models.DateField(_("arrives from"), null=True, editable=False)
    arrives_until = models.DateField(_("arrives until"), null=True, editable=False)

    placed_at = models.DateTimeField(_("placed at"), editable=False)
    hold_until = models.DateTimeField(_("stock held until"), editable=False)
    hold_extended = models.BooleanField(default=False, editable=False)
    payment_started_at = models.DateTimeField(null=True, editable=False)
    paid_at = models.DateTimeField(_("paid at"), null=True, editable=False)
    paid_with = models.CharField(_("paid with"), max_length=20, blank=True, editable=False)
    paid_card_last4 = models.CharField(max_length=4, blank=True, editable=False)
    # What has gone back to the buyer, whoever sent it. Written with the ledger entry, in one transaction.
    refunded_total = models.DecimalField(
        _("refunded"), max_digits=12, decimal_places=2, default=0, editable=False
    )
    refunded_at = models.DateTimeField(null=True, editable=False)  # when money went back last
    on_hold = models.BooleanField(_("on hold"), default=False, editable=False)  # staff: ship nothing for now
    is_disputed = models.BooleanField(_("disputed"), default=False, editable=False)  # at the gateway
    erased_at = models.DateTimeField(_("erased at"), null=True, editable=False)  # everything personal
    # Staff: it may be in wrong hands, so no link and no order key goes to it. See ``privacy.mailbox_doubts``.
    mailbox_doubted_at = models.DateTimeField(_("mailbox in doubt since"), null=True, editable=False)
    grants_ended = models.PositiveIntegerField(default=0, editable=False)  # how often: see ``order_access``

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        permissions = [
            ("ship_order", "Can send parcels and correct what was recorded of them"),
            ("hold_order", "Can put orders on hold and release them"),
            ("answer_cancellation", "Can answer a request to cancel"),
            ("doubt_mailbox", "Can stop links and order keys to a mailbox that is in doubt"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["draft"], condition=Q(status="pending"), name="one_pending_order_per_cart"
            ),
            models.CheckConstraint(condition=Q(total__gt=0), name="order_total_is_positive"),
            models.CheckConstraint(condition=Q(discount_total__gte=0), name="order_discount_not_negative"),
            models.CheckConstraint(
                condition=Q(refunded_total__gte=0, refunded_total__lte=models.F("total")),
                name="order_refunds_within_total",
            ),
        ]
        indexes = [models.Index(Upper("email"), name="orders_of_an_address")]

    def __str__(self) -> str:
        return self.number

    @property
    def is_paid(self) -> bool:
        return self.status == self.Status.PAID

    @property
    def was_never_paid(self) -> bool:
        return is_never_paid(self.status, self.paid_at)

    @property
    def is_refunded(self) -> bool:
        """Nothing of the buyer's money is left with us."""
        return self.refunded_total >= self.total

    @property
    def kept_total(self) -> Decimal:
        """What of the total has not gone back."""
        return self.total - self.refunded_total

    @property
    def shown_status(self) -> str:
        """The status as people call it, refunds included."""
        if self.is_paid and self.refunded_total:
            return str(_("Refunded") if self.is_refunded else _("Partly refunded"))
        return str(self.get_status_display())

    @property
    def promo_name(self) -> str:
        return in_language(self, "promo_name")

    @property
    def ships_free(self) -> bool:
        """Whether it was the code that made the shipping free."""
        return bool(self.promo_code) and not self.discount_total

    @property
    def has_services(self) -> bool:
        return self.services_total > 0

    @property
    def is_held(self) -> bool:
        """Whether nothing may leave: staff say so, a complaint is open, or a request waits for its answer."""
        return self.on_hold or self.is_disputed or self.awaits_cancellation

    @property
    def awaits_cancellation(self) -> bool:
        """Whether its buyer has asked to cancel and has no answer yet."""
        return any(request.is_open for request in self.cancellations.all())

    @property
    def address_stamp(self) -> str:
        """Another one after every change of what stands on the label; says nothing about it."""
        return self._address_stamps()[0]

    def has_address_as_seen(self, stamp: str) -> bool:
        """Whether the stamp is of the label as it is now."""
        return crypto.is_one_of(stamp, self._address_stamps())

    def _address_stamps(self) -> list[str]:
        phone = f"{self.phone}{self.phone_extension}"
        label = [self.recipient, phone, self.region, self.address, self.delivery_note]
        plain = json.dumps(label, sort_keys=True)
        return crypto.keyed_digests("checkout.address", plain, length=16)

    @property
    def shown_paid_with(self) -> str:
        """The payment method in words; empty before the order is paid."""
        return str(PAYMENT_METHODS.get(self.paid_with, self.paid_with))

    @property
    def shown_email(self) -> str:
        """The e-mail address as people write it; ``email`` has the domain as mail servers want it."""
        return shown(self.email)

    @property
    def shown_phone(self) -> str:
        """The telephone number as people write it, with its extension, in the active language."""
        return PhoneNumber(self.phone, self.phone_extension).shown

    @property
    def delivery(self) -> Delivery | None:
        """What was promised of the parcel; None where nothing is shipped."""
        if self.ships_by and self.arrives_from and self.arrives_until:
            return Delivery(self.ships_by, self.arrives_from, self.arrives_until)
        return None

    @property
    def hold_is_over(self) -> bool:
        return clock.now() >= self.hold_until

    def get_absolute_url(self) -> str:
        """The order page, reachable without a session."""
        return reverse("checkout:order", args=[self.token])

    def move_to(self, status: Status, *, note: str = "", actor: str = "") -> None:
        """The only way to change a status. Logs it. Raises InvalidTransition. Needs the row lock."""
        if status not in self.TRANSITIONS[self.Status(self.status)]:
            raise InvalidTransition(f"{self.number}: {self.status} -> {status}")
        self.log(note, old_status=self.status, new_status=status, actor=actor)
        self.status = status
        self.save(update_fields=["status"])

    def log(
        self, note: str, *, old_status: str = "", new_status: str = "", actor: str = "", fact: str = ""
    ) -> OrderEvent:
        """Add to the history. The note is for staff: facts and references, never personal data.

        ``fact`` (an OrderEvent.Fact) is what the customer is told of it.
        """
        return self.events.create(
            at=clock.now(), old_status=old_status, new_status=new_status, note=note, actor=actor, fact=fact
        )


def is_never_paid(status: str, paid_at: dt.datetime | None) -> bool:
    """Whether anybody could have made such an order in somebody's name: a payment under review is one."""
    return paid_at is None and status != Order.Status.UNDER_REVIEW


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
    discount_total = models.DecimalField(
        _("discount"), max_digits=12, decimal_places=2, default=0
    )  # its share of the order's
    ships = models.BooleanField()
    weight_g = models.PositiveIntegerField()
    working_days = models.PositiveSmallIntegerField(null=True)  # services: the promise as ordered
    report_due_on = models.DateField(_("report promised for"), null=True)
    # Ordered without a required answer: the working days are counted from when the details are complete.
    waits_for_details = models.BooleanField(_("waits for details"), default=False, editable=False)
    refunded_total = models.DecimalField(
        _("refunded"), max_digits=12, decimal_places=2, default=0, editable=False
    )
    # Refunded:
    withdrawn_quantity = models.PositiveIntegerField(_("not delivered"), default=0, editable=False)

    class Meta:
        ordering = ["position"]
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_quantity_at_least_one"),
            models.CheckConstraint(condition=Q(discount_total__gte=0), name="line_discount_not_negative"),
            models.CheckConstraint(
                condition=Q(withdrawn_quantity__lte=models.F("quantity")),
                name="line_withdrawn_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def total(self) -> Decimal:
        """As the list shows it, before the discount."""
        return self.unit_price * self.quantity

    @property
    def net_total(self) -> Decimal:
        """What was paid for it."""
        return self.total - self.discount_total

    @property
    def is_refunded(self) -> bool:
        """What a code made free has nothing to give back: it goes with its order."""
        return self.refunded_total >= self.net_total > 0

    @property
    def is_service(self) -> bool:
        return self.kind == Product.Kind.SERVICE


class OrderEvent(models.Model):
    """An entry in the history of an order."""

    class Fact(models.TextChoices):
        """What the customer reads in the order's history, besides its statuses, parcels, reports, refunds."""

        CHANGED = "changed", _("You changed the order.")
        ON_HOLD = "on_hold", _("The order is on hold; nothing is sent for now.")
        RESUMED = "resumed", _("The order is no longer on hold.")
        EMAIL_CORRECTED = "email_corrected", _("You corrected the e-mail address.")
        ADDRESS_CORRECTED = "address_corrected", _("You corrected the delivery details.")
        STAFF_CORRECTED = "staff_corrected", _("We corrected the delivery details as you asked.")
        DATE_MOVED = "date_moved", _("We promised the parcel for another day.")
        PARCEL_CORRECTED = "parcel_corrected", _("We corrected what we wrote about a parcel.")
        CANCELLATION_ASKED = "cancellation_asked", _("You asked to cancel.")
        CANCELLATION_ACCEPTED = "cancellation_accepted", _("Your request to cancel was accepted.")
        CANCELLATION_DECLINED = "cancellation_declined", _("Your request to cancel was declined.")
        OPENED = "opened", _("Another browser opened the order by naming its e-mail address.")
        ERASURE_ASKED = "erasure_asked", _("You asked us to erase what is personal in this order.")
        ANSWERS_FORGOTTEN = "answers_forgotten", _("Your answers were deleted, as the order was not paid.")
        ERASED = "erased", _("Everything personal in this order was erased.")

    BY_BUYER = [
        Fact.EMAIL_CORRECTED,
        Fact.ADDRESS_CORRECTED,
        Fact.CANCELLATION_ASKED,
        Fact.CANCELLATION_ACCEPTED,
        Fact.CANCELLATION_DECLINED,
        Fact.OPENED,
    ]

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    at = models.DateTimeField(_("at"))
    old_status = models.CharField(_("old status"), max_length=12, blank=True)
    new_status = models.CharField(_("new status"), max_length=12, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    actor = models.CharField(_("by"), max_length=150, blank=True)  # user name; empty: the shop itself
    fact = models.CharField(max_length=24, blank=True, editable=False)  # a Fact, or nothing

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("history entry")
        verbose_name_plural = _("history")

    def __str__(self) -> str:
        return f"{self.order_id} {self.new_status} {self.note}"
