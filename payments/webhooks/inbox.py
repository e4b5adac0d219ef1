"""Notifications of gateways: judged, stored, never believed. A verified one only makes us ask the gateway."""

import datetime as dt
import logging
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from checkout.models import Order
from payments import disputes
from payments.attempts import settlement
from payments.gateways import get_gateway
from payments.gateways.base import GatewayError, InvalidNotification, Notification
from payments.models import GatewayEvent, Payment
from payments.models.gateway_event import RETRY_SECONDS
from payments.models.payment import UNANSWERED, alert_staff
from shop import clock
from shop.background import dispatch
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint

from . import reception

logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024
TRIED_FOR = dt.timedelta(days=3)  # then staff hear of it
UNKNOWN_FOR = dt.timedelta(hours=1)  # how long an event about something we do not know is kept trying


@retry_transaction
def receive(
    gateway: str, headers: Mapping[str, str], body: bytes, *, sender: HttpRequest | None = None
) -> GatewayEvent | None:
    """Store a notification; a repeat returns the row we have, and what is about no money of ours none.

    UnionPay's signature is checked at once: that needs no network. Its body, which may name the card,
    is not kept. Raises InvalidNotification and TooManyWait: then nothing is kept.
    """
    adapter = get_gateway(gateway)
    notification = adapter.read_notification(headers, body)
    is_local = gateway == "unionpay"
    if not is_local and not reception.concerns_us(notification.kind):
        return None
    kept = adapter.judge_notification(headers, body)
    event = GatewayEvent.objects.filter(gateway=gateway, event_id=notification.event_id).first()
    if event and event.is_verified is not False:
        return event
    payment = _payment_of(notification)
    if event:  # a forgery under its name, or a wrong setting of ours: no genuine one may be lost for that
        reception.check_repetition(event, reception.digest_of(kept, body))
    if not is_local:
        reception.admit(payment, sender)
    values = {
        "headers": kept,
        "body": b"" if is_local else body,
        "received_at": clock.now(),
        "is_verified": True if is_local else None,
        "processed_at": None,
        "tries": 0,
        "next_try_at": None,
        "kind": notification.kind[:60],
        "payment": payment,
        "network": reception.network_told(sender),
        "refused_for": "",
    }
    if event:
        GatewayEvent.objects.filter(pk=event.pk, is_verified=False).update(**values)
        event.refresh_from_db()
    else:
        event, is_new = GatewayEvent.objects.get_or_create(
            gateway=gateway, event_id=notification.event_id, defaults=values
        )
        if not is_new:
            return event
    failpoint("before_notification_committed")
    dispatch.after_commit("payments.tasks.follow_notices", gateway)
    return event


def process(event: GatewayEvent) -> bool:
    """Verify the event and ask the gateway for the facts; schedule another try if nothing was learnt.

    Another worker may hold the same event: each step is safe twice, and only one asks at a time. Returns
    False where the gateway was asked and did not answer. What cannot be read ends at once.
    """
    if event.processed_at is not None:
        return True
    has_answered, reason = True, "PayPal did not say"
    try:
        is_done = _verify(event) is False or _fetch_facts(event)
        has_answered = is_done or event.payment is None or not _is_unanswered(event.payment)
    except GatewayError as error:
        logger.warning("Gateway event %s: %s", event.pk, error.code)
        is_done, has_answered = False, error.about_one
    except InvalidNotification as error:  # it was emptied or damaged since it came
        logger.warning("Gateway event %s cannot be read: %s", event.pk, error)
        is_done, reason = _give_up(event), "it cannot be read"
    if not is_done and clock.now() - event.received_at > TRIED_FOR:
        is_done = _give_up(event)
    if is_done:
        event.processed_at = clock.now()
        event.save(update_fields=["processed_at"])
        if event.is_verified is None:
            reception.refuse(event, reason)
        elif event.payment_id and Order.objects.get(payments=event.payment_id).erased_at:
            event.headers, event.body = {}, b""
            event.save(update_fields=["headers", "body"])
    else:
        wait = RETRY_SECONDS[min(event.tries, len(RETRY_SECONDS) - 1)]
        event.tries, event.next_try_at = event.tries + 1, clock.now() + dt.timedelta(seconds=wait)
        event.save(update_fields=["tries", "next_try_at"])
    return has_answered


def _give_up(event: GatewayEvent) -> bool:
    """Staff hear of what nobody will follow up any more. Returns True: it is done."""
    with transaction.atomic():
        note = f"Notification {event.event_id} ({event.kind}) could not be followed up"
        alert_staff(note, key=f"event:{event.pk}")
    return True


def _is_unanswered(payment: Payment) -> bool:
    payment.refresh_from_db(fields=["problem"])
    return payment.problem in UNANSWERED


def _verify(event: GatewayEvent) -> bool:
    if event.is_verified is None:
        adapter = get_gateway(event.gateway)
        event.is_verified = adapter.verify_notification(event.headers, bytes(event.body))
        if event.is_verified:
            event.save(update_fields=["is_verified"])
        else:
            reception.refuse(event, "PayPal has not sent it")
    return event.is_verified


def _fetch_facts(event: GatewayEvent) -> bool:
    """Ask the gateway for the facts. Returns False if nothing was learnt yet.

    Which dispute it is about stands in the body alone; all else is learnt from the payment.
    """
    if event.body or event.kind.startswith(reception.DISPUTES):
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
