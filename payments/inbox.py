"""What gateways send us: stored first, believed never. A verified event only makes us ask the gateway."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q

from shop import clock

from . import services
from .gateways import get_gateway
from .models import GatewayEvent, Payment

MOST_BYTES = 64 * 1024
KEPT_HEADERS = ("paypal-", "content-type")


def receive(gateway: str, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
    """Store a notification; a repeat is the row we have. Raises InvalidNotification. Needs a transaction.

    UnionPay's signature is checked at once: that needs no network. Its body, which may name the card,
    is not kept.
    """
    adapter = get_gateway(gateway)
    notification = adapter.read_notification(headers, body)
    is_local = gateway == "unionpay"
    event, created = GatewayEvent.objects.get_or_create(
        gateway=gateway,
        event_id=notification.event_id,
        defaults={
            "headers": {k: v for k, v in headers.items() if k.lower().startswith(KEPT_HEADERS)},
            "body": b"" if is_local else body,
            "received_at": clock.now(),
            "is_verified": adapter.verify_notification(headers, body) if is_local else None,
            "payment": Payment.objects.filter(
                Q(reference__in=notification.references)
                | Q(gateway_id__in=notification.gateway_ids)
                | Q(capture_reference__in=[name for name in notification.gateway_ids if name])
            ).first(),
        },
    )
    if is_local and not created and event.is_verified is False and adapter.verify_notification(headers, body):
        # A forgery came first under this name; the genuine one is not to be lost because of it.
        event.is_verified, event.processed_at = True, None
        event.save(update_fields=["is_verified", "processed_at"])
        created = True
    if created and event.is_verified is not False:
        from .tasks import process_event

        transaction.on_commit(lambda: process_event.delay(event.pk), robust=True)
    return event


def process(event: GatewayEvent) -> None:
    """Verify and act: ask the gateway about the attempt. Safe to repeat. GatewayError: try again later."""
    if event.processed_at is not None:
        return
    adapter = get_gateway(event.gateway)
    if event.is_verified is None:
        event.is_verified = adapter.verify_notification(event.headers, bytes(event.body))
        event.save(update_fields=["is_verified"])
    if event.is_verified and event.payment is not None:
        services.settle(event.payment)
    event.processed_at = clock.now()
    event.save(update_fields=["processed_at"])
