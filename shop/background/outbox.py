"""The transactional outbox: what must happen after a commit, and happens even if every process dies.

A message is a row written with the fact itself. It is delivered at least once: a worker claims it with a
lease longer than the slowest handler, runs the handlers, then marks it delivered. Handlers get ids and read
the rest. What a handler calls hopeless is given up, and waits for a person.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from shop import clock
from shop.background import outbound
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint
from shop.models import OutboxMessage

from . import dispatch

logger = logging.getLogger(__name__)

Handler = Callable[..., None]
LEASE = dt.timedelta(seconds=120)  # longer than the slowest handler: SMTP gives up after 20 s
RETRY_DELAYS = [10, 30, 60, 300, 900, 3600, 4 * 3600]  # seconds; the last one repeats

_handlers: dict[str, list[Handler]] = defaultdict(list)
_delays: dict[str, list[int]] = {}


class GiveUp(Exception):
    """Raised by a handler: no further try helps. ``concerns``: the order whose people should hear of it."""

    def __init__(self, reason: str, *, concerns: str = "") -> None:
        super().__init__(reason)
        self.reason, self.concerns = reason, concerns


class Passing(Exception):
    """Raised by a handler: not now. It is given up ``longest`` after the message was made."""

    def __init__(self, reason: str, *, longest: dt.timedelta, concerns: str = "") -> None:
        super().__init__(reason)
        self.reason, self.longest, self.concerns = reason, longest, concerns


def subscribe(topic: str, *, delays: list[int] | None = None) -> Callable[[Handler], Handler]:
    """Register a handler; it receives the payload as keyword arguments and may run more than once.

    ``delays``: seconds between tries of this topic instead of ``RETRY_DELAYS``.
    """

    def register(handler: Handler) -> Handler:
        _handlers[topic].append(handler)
        if delays:
            _delays[topic] = delays
        return handler

    return register


def publish(topic: str, *, key: str, due_in: dt.timedelta = dt.timedelta(0), **payload: Any) -> None:
    """Record a message, delivered only if the surrounding transaction commits. A known key changes nothing.

    Needs: an open transaction, else RuntimeError.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("publish() belongs inside the transaction that makes it true")
    _, created = OutboxMessage.objects.get_or_create(
        key=f"{topic}:{key}", defaults={"topic": topic, "payload": payload, "due_at": clock.now() + due_in}
    )
    if created and not due_in:
        transaction.on_commit(_wake_worker, robust=True)


def hasten(topic: str, key: str) -> None:
    """Make a message due now that was to wait, if it was not tried yet: what it waited for is known."""
    waiting = OutboxMessage.objects.filter(
        key=f"{topic}:{key}", delivered_at=None, attempts=0, due_at__gt=clock.now()
    )
    if waiting.update(due_at=clock.now()):
        transaction.on_commit(_wake_worker, robust=True)


def next_key(topic: str, subject: str) -> str:
    """Return a key for a fact that may be true of the subject again later: its number in order.

    Needs a lock under which no other message about the subject is published.
    """
    before = OutboxMessage.objects.filter(key__startswith=f"{topic}:{subject}:").count()
    return f"{subject}:{before + 1}"


def _wake_worker() -> None:
    failpoint("before_worker_woken")
    dispatch.now("shop.tasks.deliver_outbox")


def deliver_next() -> bool:
    """Deliver one due message. False when nothing is due, or nothing may leave."""
    if outbound.is_off():
        return False
    message = _claim()
    if message is None:
        return False
    failpoint("after_message_claimed")
    try:
        for handler in _handlers[message.topic]:
            handler(**message.payload)
    except GiveUp as error:
        _give_up(message, error.reason, error.concerns)
    except Passing as error:
        if clock.now() - message.created_at > error.longest:
            _give_up(message, error.reason, error.concerns)
        else:
            _postpone(message, error.reason)
    except Exception as error:
        _postpone(message, type(error).__name__)  # its text may quote personal data
    else:
        failpoint("before_delivery_recorded")
        _note_delivery(message)
        failpoint("after_delivery_recorded")
    return True


def _claim() -> OutboxMessage | None:
    now = clock.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    with transaction.atomic():
        rows = OutboxMessage.objects.filter(
            free, delivered_at__isnull=True, given_up_at__isnull=True, due_at__lte=now
        )
        rows = rows.order_by("due_at")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        message = rows.first()
        if message is not None:
            message.claimed_until = now + LEASE
            message.attempts += 1
            message.save(update_fields=["claimed_until", "attempts"])
    return message


@retry_transaction
def _note_delivery(message: OutboxMessage) -> None:
    """Mark the message delivered. Retried: a connection lost after the mail left must not send it again."""
    OutboxMessage.objects.filter(pk=message.pk).update(
        delivered_at=clock.now(), claimed_until=None, last_error=""
    )


@retry_transaction
def _give_up(message: OutboxMessage, reason: str, concerns: str) -> None:
    """End the tries. A person may begin anew, with ``try_again``."""
    logger.error("Outbox message %s is given up: %s", message.key, reason)
    OutboxMessage.objects.filter(pk=message.pk).update(
        given_up_at=clock.now(), claimed_until=None, last_error=reason[:300], concerns=concerns
    )


def try_again(messages: QuerySet[OutboxMessage]) -> int:
    """Make undelivered messages due now; return how many. A running delivery keeps its claim."""
    due = messages.filter(delivered_at__isnull=True).update(due_at=clock.now(), given_up_at=None)
    dispatch.after_commit("shop.tasks.deliver_outbox")
    return due


@retry_transaction
def _postpone(message: OutboxMessage, reason: str) -> None:
    """Schedule the next try."""
    delays = _delays.get(message.topic, RETRY_DELAYS)
    delay = delays[min(message.attempts, len(delays)) - 1]
    logger.error("Outbox message %s failed (%s); next try in %s s", message.key, reason, delay)
    OutboxMessage.objects.filter(pk=message.pk).update(
        due_at=clock.now() + dt.timedelta(seconds=delay), claimed_until=None, last_error=reason
    )
