"""Background work about money. Every task may run twice, late, or never: the rows say what is left to do."""

import datetime as dt
import logging

from celery import shared_task

from checkout.models import Order
from shop import clock

from . import inbox, services
from .gateways import unionpay
from .gateways.base import GatewayError
from .models import GatewayEvent, Payment

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def process_event(event_id: int) -> None:
    """Act on one notification."""
    try:
        inbox.process(GatewayEvent.objects.select_related("payment").get(pk=event_id))
    except GatewayError as error:  # the sweep tries again
        logger.warning("Gateway event %s: %s", event_id, error.code)


@shared_task(ignore_result=True)
def settle_payment(payment_id: int) -> None:
    """Ask about one attempt."""
    services.settle(Payment.objects.get(pk=payment_id))


@shared_task(ignore_result=True)
def sweep() -> None:
    """Ask again about every attempt whose outcome is unknown, and about notifications left behind."""
    for payment in Payment.objects.due().order_by("next_check_at")[:200]:
        _guarded(settle_payment, payment.pk)
    left_behind = GatewayEvent.objects.filter(
        processed_at__isnull=True, received_at__lt=clock.now() - dt.timedelta(seconds=20)
    ).exclude(is_verified=False)
    for event in left_behind.order_by("received_at")[:200]:
        _guarded(process_event, event.pk)


@shared_task(ignore_result=True)
def expire_orders() -> None:
    """Release the stock of orders that nobody paid in time, after asking the gateway."""
    for order_id in Order.objects.past_hold().values_list("pk", flat=True)[:200]:
        try:
            services.expire_order(order_id)
        except Exception:
            logger.exception("Order %s could not be expired", order_id)


@shared_task(ignore_result=True)
def renew_encryption_certificate() -> None:
    """UnionPay's encryption certificate of the day."""
    try:
        unionpay.renew_encryption_certificate()
    except GatewayError as error:
        logger.error("UnionPay's encryption certificate could not be renewed: %s", error.code)


def _guarded(task: object, row_id: int) -> None:
    """One broken row must not stop the others."""
    try:
        task(row_id)  # type: ignore[operator]
    except Exception:
        logger.exception("%s failed for row %s", getattr(task, "name", task), row_id)
