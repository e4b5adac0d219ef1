"""What the gateway was told of a parcel."""

from django.db import models

from checkout.models import Shipment

from .payment import Payment


class ToldParcel(models.Model):
    """A parcel as the gateway knows it: enough to take it back when it was told wrong."""

    shipment = models.OneToOneField(Shipment, models.CASCADE, related_name="told")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="told_parcels")
    tracker = models.CharField(max_length=100, blank=True)  # the gateway's name for it; empty: unknown
    stamp = models.CharField(max_length=16)  # of the parcel as it was told

    def __str__(self) -> str:
        return self.tracker
