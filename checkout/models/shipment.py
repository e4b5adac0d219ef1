"""Parcels and what is in them."""

from __future__ import annotations

from urllib.parse import quote

from django.db import models
from django.utils.translation import gettext_lazy as _

from shop import crypto
from shop.typed_values.tracking_numbers import bare

from .order import Order, OrderLine


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
    def stamp(self) -> str:
        """Another one after every correction; says nothing about what is in it."""
        return self._stamps()[0]

    def is_as_seen(self, stamp: str) -> bool:
        """Whether the stamp is of the parcel as it is now."""
        return crypto.is_one_of(stamp, self._stamps())

    def _stamps(self) -> list[str]:
        items = sorted((item.line_id, item.quantity) for item in self.items.all())
        plain = f"{self.pk}|{self.carrier}|{self.tracking_number}|{items}"
        return crypto.keyed_digests("checkout.parcel", plain, length=16)

    @property
    def tracking_url(self) -> str:
        """Where the carrier shows the parcel; empty where there is nothing to follow."""
        pattern = self.TRACKING_URLS.get(self.Carrier(self.carrier), "")
        return pattern.format(number=quote(self.bare_number, safe="")) if self.tracking_number else ""

    @property
    def bare_number(self) -> str:
        """The tracking number as the carrier knows it, without the blanks and hyphens of the waybill."""
        return bare(self.tracking_number)


class ShipmentCorrection(models.Model):
    """What was recorded of a parcel before staff put it right."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="corrections")
    old_carrier = models.CharField(_("carrier"), max_length=10, choices=Shipment.Carrier)
    old_tracking_number = models.CharField(_("tracking number"), max_length=40, blank=True)
    old_items = models.JSONField(default=dict)  # id of the order line, as text: pieces
    at = models.DateTimeField(_("at"))
    actor = models.CharField(_("by"), max_length=150)

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("correction of a parcel")
        verbose_name_plural = _("corrections of parcels")

    def __str__(self) -> str:
        return f"{self.old_carrier} {self.old_tracking_number}".strip()


class ShipmentItem(models.Model):
    """Pieces of an order line in a parcel."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="items")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="shipped_items")
    quantity = models.PositiveIntegerField(_("quantity"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment", "line"], name="one_item_per_line_and_parcel")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"
