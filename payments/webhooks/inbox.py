"""Notifications of gateways: stored first, never believed. A verified one only makes us ask the gateway."""

import datetime as dt
import logging
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q

from payments import disputes
from payments.attempts import settlement
from payments.gateways import get_gateway
from payments.gateways.base import GatewayError, Notification
from payments.models import GatewayEvent, Payment
from payments.models.gateway_event import RETRY_SECONDS
from payments.models.payment import UNANSWERED, alert_staff
from shop import clock
from shop.background import dispatch
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024
TRIED_FOR = dt.timedelta(days=3)  # then staff hear of it
UNKNOWN_FOR = dt.timedelta(hours=1)  # how long an event about something we do not know is kept trying
KEPT_HEADERS = ("paypal-", "content-type")


@retry_transaction
def receive(gateway: str, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
    """Store a notification; a repeat returns the row we have. Raises InvalidNotification.

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
            "headers": _kept_headers(headers),
            "body": b"" if is_local else body,
            "received_at": clock.now(),
            "is_verified": adapter.verify_notification(headers, body) if is_local else None,
            "kind": notification.kind[:60],
            "payment": _payment_of(notification),
        },
    )
    if not created and event.is_verified is False:  # a forgery under its name, or a wrong setting of ours
        created = _verify_again(event, headers, body)
    failpoint("before_notification_committed")
    if created and event.is_verified is not False:
        dispatch.after_commit("payments.tasks.follow_notices", gateway)
    return event


def _verify_again(event: GatewayEvent, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify a refused event that is delivered again, so that no genuine one is lost.

    Returns whether it counts as new.
    """
    if event.gateway == "unionpay":
        if not get_gateway("unionpay").verify_notification(headers, body):
            return False
        event.is_verified = True
    else:
        event.is_verified, event.headers, event.body = None, _kept_headers(headers), body
    event.received_at, event.processed_at, event.tries = clock.now(), None, 0
    event.save()
    return True


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower().startswith(KEPT_HEADERS)}


def process(event: GatewayEvent) -> bool:
    """Verify the event and ask the gateway for the facts; schedule another try if nothing was learnt.

    Another worker may hold the same event: each step is safe twice, and only one asks at a time. Returns
    False where the gateway was asked and did not answer.
    """
    if event.processed_at is not None:
        return True
    has_answered = True
    try:
        is_done = _verify(event) is False or _fetch_facts(event)
        has_answered = is_done or event.payment is None or not _is_unanswered(event.payment)
    except GatewayError as error:
        logger.warning("Gateway event %s: %s", event.pk, error.code)
        is_done = has_answered = False
    if not is_done and clock.now() - event.received_at > TRIED_FOR:
        with transaction.atomic():
            note = f"Notification {event.event_id} ({event.kind}) could not be followed up"
            alert_staff(note, key=f"event:{event.pk}")
        is_done = True
    if is_done:
        event.processed_at = clock.now()
        event.save(update_fields=["processed_at"])
    else:
        wait = RETRY_SECONDS[min(event.tries, len(RETRY_SECONDS) - 1)]
        event.tries, event.next_try_at = event.tries + 1, clock.now() + dt.timedelta(seconds=wait)
        event.save(update_fields=["tries", "next_try_at"])
    return has_answered


def _is_unanswered(payment: Payment) -> bool:
    payment.refresh_from_db(fields=["problem"])
    return payment.problem in UNANSWERED


def _verify(event: GatewayEvent) -> bool:
    if event.is_verified is None:
        adapter = get_gateway(event.gateway)
        event.is_verified = adapter.verify_notification(event.headers, bytes(event.body))
        event.save(update_fields=["is_verified"])
    return event.is_verified


def _fetch_facts(event: GatewayEvent) -> bool:
    """Ask the gateway for the facts. Returns False if nothing was learnt yet."""
    if event.body:
        notification = get_gateway(event.gateway).read_notification(event.headers, bytes(event.body))
        if notification.dispute:
            return disputes.update(notification.dispute) or clock.now() - event.received_at > UNKNOWN_FOR
        if event.payment is None:
            event.payment = _payment_of(notification)
            event.save(update_fields=["payment"])
    if event.payment is None:  # perhaps we have not recorded yet what it is about
        return clock.now() - event.received_at > UNKNOWN_FOR
    return settlement.ask(event.payment)


def _payment_of(notification: Notification) -> Payment | None:
    return Payment.objects.filter(
        Q(reference__in=notification.references)
        | Q(gateway_id__in=notification.gateway_ids)
        | Q(capture_reference__in=[name for name in notification.gateway_ids if name])
    ).first()
