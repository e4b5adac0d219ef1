"""Mails of an order that could not be delivered: shown to whoever can put the address right."""

from django.db.models import Exists, OuterRef, QuerySet

from checkout.models import EmailCorrection, Order
from shop.models import OutboxMessage


def failed_mails(order: Order | None = None) -> QuerySet[OutboxMessage]:
    """Mails that were given up, of one order or of all, unless the address was corrected since."""
    corrected = EmailCorrection.objects.filter(
        order__number=OuterRef("concerns"), at__gt=OuterRef("given_up_at")
    )
    failed = OutboxMessage.objects.filter(~Exists(corrected), given_up_at__isnull=False, delivered_at=None)
    return failed.filter(concerns=order.number) if order else failed
