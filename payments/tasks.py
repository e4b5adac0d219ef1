"""Background work about money. Every task may run twice, late, or never: the rows say what is left to do."""

import logging
from collections import Counter

from celery import shared_task

from checkout.models import Order
from payments.attempts import closing, settlement
from payments.gateways import unionpay
from payments.gateways.base import GatewayError
from payments.health import alerts
from payments.models import GatewayEvent, Payment
from payments.models.payment import UNANSWERED
from payments.webhooks import inbox
from shop.devstack.failpoints import failpoint

logger = logging.getLogger(__name__)

MAX_SILENCE = 3  # tries in vain before a sweep leaves a gateway alone


@shared_task(ignore_result=True)
def process_event(event_id: int) -> None:
    """Act on one notification."""
    failpoint("before_event_processed")
    inbox.process(GatewayEvent.objects.select_related("payment").get(pk=event_id))


@shared_task(ignore_result=True)
def settle_payment(payment_id: int) -> None:
    """Ask about one attempt."""
    settlement.settle(Payment.objects.get(pk=payment_id))


@shared_task(ignore_result=True)
def sweep() -> None:
    """Ask again about every attempt whose outcome is unknown, and about notifications left behind.

    A gateway that does not answer is left alone after a few tries: those it concerns are due again soon.
    """
    silent: Counter[str] = Counter()
    for payment in Payment.objects.due().order_by("next_check_at")[:200]:
        if silent[payment.gateway] < MAX_SILENCE:
            _guarded(settle_payment, payment.pk)
            payment.refresh_from_db()
            silent[payment.gateway] += payment.problem in UNANSWERED
    for event in GatewayEvent.objects.left_behind().order_by("received_at")[:200]:
        if silent[event.gateway] < MAX_SILENCE:
            _guarded(process_event, event.pk)
            event.refresh_from_db()
            silent[event.gateway] += event.processed_at is None


@shared_task(ignore_result=True)
def expire_orders() -> None:
    """Release the stock of orders that nobody paid in time, after asking the gateway.

    A gateway that does not answer is left alone after a few tries; chance decides whose turn it is.
    """
    silent: Counter[str] = Counter()
    for order in Order.objects.past_hold().order_by("?")[:200]:
        if any(silent[payment.gateway] >= MAX_SILENCE for payment in order.payments.live()):
            continue
        try:
            closing.expire_order(order.pk)
        except Exception:
            logger.exception("Order %s could not be expired", order.pk)
        silent.update(each.gateway for each in order.payments.live() if each.problem in UNANSWERED)


@shared_task(ignore_result=True)
def renew_encryption_certificate() -> None:
    """UnionPay's encryption certificate of the day."""
    try:
        unionpay.renew_encryption_certificate()
    except GatewayError as error:
        logger.error("UnionPay's encryption certificate could not be renewed: %s", error.code)


@shared_task(ignore_result=True)
def watch_certificates() -> None:
    """Staff hear in time of UnionPay's certificates that end."""
    alerts.watch_certificates()


@shared_task(ignore_result=True)
def watch_money() -> None:
    """Staff hear of what has turned red: one mail a day for each check."""
    alerts.watch_money()


def _guarded(task: object, row_id: int) -> None:
    """One broken row must not stop the others."""
    try:
        task(row_id)  # type: ignore[operator]
    except Exception:
        logger.exception("%s failed for row %s", getattr(task, "name", task), row_id)
