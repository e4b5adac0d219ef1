"""The transactional outbox: what must happen after a commit, and happens even if every process dies.

A message is a row written with the fact itself. It is delivered at least once: a worker claims it with a
lease longer than the slowest handler, runs the handlers, then marks it delivered. Handlers get ids and read
the rest. What a handler calls hopeless is given up, and waits for a person.

Each topic declares the peer that its handlers talk to, or a function of the payload that tells it. Messages
of a peer that does not answer stay as they are, and all go out once it does (``breakers``).
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, When

from shop import clock
from shop.database import retry_transaction
from shop.devstack.failpoints import failpoint
from shop.models import OutboxMessage

from . import breakers, dispatch, outbound, peers

logger = logging.getLogger(__name__)

Handler = Callable[..., None]
Peer = str | Callable[..., str]
LEASE = dt.timedelta(seconds=120)  # longer than the slowest handler: ``.smtp`` ends within 110 s
OVERDUE = dt.timedelta(hours=1)  # then a message that was tried before is as urgent as a fresh one
RETRY_DELAYS = [10, 30, 60, 300, 900, 3600, 4 * 3600]  # seconds; the last one repeats

_handlers: dict[str, list[Handler]] = {}
_peers: dict[str, Peer] = {}
_delays: dict[str, list[int]] = {}
_delivering: ContextVar[OutboxMessage | None] = ContextVar("delivering", default=None)


class GiveUp(Exception):
    """Raised by a handler: no further try helps. ``concerns``: the order whose people should hear of it."""

    def __init__(self, reason: str, *, concerns: str = "") -> None:
        super().__init__(reason)
        self.reason, self.concerns = reason, concerns


class Passing(peers.Silence):
    """Raised by a handler: the peer answers that this message has to wait. Nothing is said of the others.

    It is given up ``longest`` after the message was made.
    """

    about_one = True

    def __init__(self, reason: str, *, longest: dt.timedelta, concerns: str = "") -> None:
        super().__init__(reason)
        self.reason, self.longest, self.concerns = reason, longest, concerns


class Unheard(Passing):
    """Raised by a handler: no answer came. That may lie in this message, or not."""

    about_one = False


class Away(Unheard):
    """Raised by a handler: the peer cannot be reached at all. That is no try of this message."""


def subscribe(topic: str, *, peer: Peer, delays: list[int] | None = None) -> Callable[[Handler], Handler]:
    """Register a handler; it receives the payload as keyword arguments and may run more than once.

    ``peer``: whom it talks to, by name, or told by a function of the payload. ``delays``: seconds between
    tries of this topic instead of ``RETRY_DELAYS``, never longer than those.
    """
    if isinstance(peer, str):
        peers.known(peer)
    if _peers.setdefault(topic, peer) != peer:
        raise peers.WrongPeer(f"{topic} has handlers of two peers: publish two messages")

    def register(handler: Handler) -> Handler:
        _handlers.setdefault(topic, []).append(handler)
        if delays:
            _delays[topic] = delays
        return handler

    return register


def publish(topic: str, *, key: str, due_in: dt.timedelta = dt.timedelta(0), **payload: Any) -> None:
    """Record a message, delivered only if the surrounding transaction commits. A known key changes nothing.

    Needs: an open transaction, else RuntimeError; a topic that somebody has subscribed to, else WrongPeer.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("publish() belongs inside the transaction that makes it true")
    peer, now = _peer_of(topic, payload), clock.now()
    _, created = OutboxMessage.objects.get_or_create(
        key=f"{topic}:{key}",
        defaults={
            "topic": topic, "payload": payload, "peer": peer, "created_at": now, "due_at": now + due_in,
        },
    )  # fmt: skip
    if created and not due_in:
        _wake_worker_after_commit([peer])


def split(receivers: Iterable[str]) -> None:
    """Replace the message being delivered by one for each receiver, each delivered and tried apart.

    A repeat changes nothing. Raises RuntimeError outside of a delivery.
    """
    message = _delivering.get()
    if message is None or message.receiver:
        raise RuntimeError("only a message being delivered can be split, and only once")
    with transaction.atomic():
        for receiver in receivers:
            OutboxMessage.objects.get_or_create(
                key=f"{message.key}/{receiver}",
                defaults={
                    "topic": message.topic, "payload": message.payload, "peer": message.peer,
                    "receiver": receiver, "created_at": message.created_at, "due_at": clock.now(),
                },
            )  # fmt: skip
        _wake_worker_after_commit([message.peer])


def receiver() -> str:
    """The one receiver whom the message being delivered is for; empty where it was not split."""
    message = _delivering.get()
    return message.receiver if message else ""


def _peer_of(topic: str, payload: dict[str, Any]) -> str:
    peer = _peers.get(topic, "")
    return peers.known(peer if isinstance(peer, str) else peer(**payload))


def hasten(topic: str, key: str) -> None:
    """Make a message due now that was to wait, if it was not tried yet: what it waited for is known."""
    waiting = OutboxMessage.objects.filter(
        key=f"{topic}:{key}", delivered_at=None, attempts=0, due_at__gt=clock.now()
    )
    names = list(waiting.values_list("peer", flat=True))
    if waiting.update(due_at=clock.now()):
        _wake_worker_after_commit(names)


def next_key(topic: str, subject: str) -> str:
    """Return a key for a fact that may be true of the subject again later: its number in order.

    Needs a lock under which no other message about the subject is published.
    """
    before = OutboxMessage.objects.filter(key__startswith=f"{topic}:{subject}:").count()
    return f"{subject}:{before + 1}"


def _wake_worker_after_commit(names: list[str]) -> None:
    for peer in filter(None, set(names)):
        transaction.on_commit(lambda peer=peer: _wake_worker(peer), robust=True)  # type: ignore[misc]


def _wake_worker(peer: str) -> None:
    failpoint("before_worker_woken")
    dispatch.now("shop.tasks.deliver_outbox", peer)


def deliver_next(peer: str = "") -> bool:
    """Deliver one due message, of the named peer only. False when there is none, or none may be asked."""
    if outbound.is_off():
        return False
    if peer and not breakers.of(peer).may_ask():
        return False
    if peer in {"", peers.LOCAL}:
        _file()
    message = _claim(peer)
    if message is None:
        if peer:
            breakers.of(peer).unasked()
        return False
    failpoint("after_message_claimed")
    token = _delivering.set(message)
    try:
        with peers.working_for(message.peer):
            _deliver(message, breakers.of(message.peer))
    finally:
        _delivering.reset(token)
    return True


def _deliver(message: OutboxMessage, breaker: breakers.Breaker) -> None:
    try:
        for handler in _handlers[message.topic]:
            handler(**message.payload)
    except GiveUp as error:
        _give_up(message, error.reason, error.concerns)
        breaker.answered()
    except Passing as error:
        _note_silence(breaker, error)
        if clock.now() - message.created_at > error.longest:
            _give_up(message, error.reason, error.concerns)
        elif isinstance(error, Away):
            _leave(message, error.reason)
        else:
            _postpone(message, error.reason)
    except peers.Silence as error:
        _note_silence(breaker, error)
        _postpone(message, type(error).__name__)
    except Exception as error:
        breaker.unasked()
        _postpone(message, type(error).__name__)  # its text may quote personal data
    else:
        failpoint("before_delivery_recorded")
        _note_delivery(message)
        failpoint("after_delivery_recorded")
        breaker.answered()


def _note_silence(breaker: breakers.Breaker, error: peers.Silence) -> None:
    """An answer about one message is an answer: however many are refused, the others do not wait for them."""
    if error.about_one:
        breaker.answered()
    else:
        breaker.silent(for_all=isinstance(error, Away))


@retry_transaction
def _file() -> None:
    """Give each message its peer that code from before there were shares has written."""
    for message in OutboxMessage.objects.filter(peer="", delivered_at=None, topic__in=_peers):
        peer = _peer_of(message.topic, message.payload)
        OutboxMessage.objects.filter(pk=message.pk, peer="").update(peer=peer)


def _is_due(now: dt.datetime) -> Q:
    """Due by the clock, or further ahead than such a wait can be: then the clock was put back."""
    last = len(RETRY_DELAYS)
    is_due = Q(due_at__lte=now)
    is_due |= Q(due_at__lte=F("created_at"), created_at__gt=now, attempts=0, last_error="")
    is_due |= Q(attempts__gte=last, due_at__gt=now + clock.SKEW + dt.timedelta(seconds=RETRY_DELAYS[-1]))
    for attempts, delay in enumerate([breakers.PAUSE.total_seconds(), *RETRY_DELAYS[:-1]]):
        too_far = now + clock.SKEW + dt.timedelta(seconds=delay)
        is_due |= Q(attempts=attempts, due_at__gt=too_far) & ~Q(last_error="")
    return is_due


def _is_behind(now: dt.datetime) -> Case:
    """Those that were tried in vain come after the fresh ones, however many they are, but not for ever."""
    return Case(When(attempts__gt=0, due_at__gt=now - OVERDUE, then=1), default=0)


def _claim(peer: str = "") -> OutboxMessage | None:
    now = clock.now()
    is_free = (
        Q(claimed_until__isnull=True)
        | Q(claimed_until__lt=now)
        | Q(claimed_until__gt=now + LEASE + clock.SKEW)
    )
    with transaction.atomic():
        rows = OutboxMessage.objects.filter(
            is_free, _is_due(now), delivered_at__isnull=True, given_up_at__isnull=True
        )
        rows = rows.filter(peer=peer) if peer else rows.exclude(peer="")
        rows = rows.order_by(_is_behind(now), "due_at")
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
    _wake_worker_after_commit(list(peers.ALL))
    return due


def _wake(peer: str) -> None:
    """The peer answers again: what was tried in vain is due now. What waits for a day of its own waits."""
    tried = OutboxMessage.objects.filter(
        peer=peer, delivered_at=None, given_up_at=None, due_at__gt=clock.now()
    )
    if tried.exclude(last_error="").update(due_at=clock.now()):
        dispatch.now("shop.tasks.deliver_outbox", peer)


for _peer in peers.ALL:
    breakers.when_back(_peer)(lambda peer=_peer: _wake(peer))  # type: ignore[misc]


@retry_transaction
def _postpone(message: OutboxMessage, reason: str) -> None:
    """Schedule the next try."""
    delays = _delays.get(message.topic, RETRY_DELAYS)
    delay = delays[min(message.attempts, len(delays)) - 1]
    logger.error("Outbox message %s failed (%s); next try in %s s", message.key, reason, delay)
    OutboxMessage.objects.filter(pk=message.pk).update(
        due_at=clock.now() + dt.timedelta(seconds=delay), claimed_until=None, last_error=reason
    )


@retry_transaction
def _leave(message: OutboxMessage, reason: str) -> None:
    """Nobody could be asked, so it was no try. Others are taken for the next look at the peer first."""
    OutboxMessage.objects.filter(pk=message.pk).update(
        due_at=clock.now() + breakers.PAUSE,
        claimed_until=None,
        last_error=reason,
        attempts=F("attempts") - 1,
    )
