"""Four eyes: one member of staff asks, another one agrees, and only then it is done, once.

An app registers what can be asked for (``register``) and calls ``ask`` instead of doing it. Nothing is done
before, so what would happen is judged anew when it is approved: what has changed meanwhile ends the request.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.functional import Promise

from shop import clock
from shop.background import outbox
from shop.crypto import unopened
from shop.models import ApprovalRequest

from . import trail
from .subjects import Subject

LIFETIME = dt.timedelta(days=7)
State = ApprovalRequest.State
ENDED_WITHOUT = {State.DECLINED, State.TAKEN_BACK, State.VOID, State.EXPIRED}
Facts = list[tuple[str, str]]


class NotPossible(Exception):
    """What was asked for cannot be done (any more); the text says why, for the person who approved."""


class NotYours(Exception):
    """The person may not decide: it is their own request, or they lack the permission."""


class Decided(Exception):
    """It was decided before, or its time is over."""


@dataclass(frozen=True)
class Kind:
    """What can be asked for. ``perform`` runs in the transaction of the approval and raises NotPossible."""

    name: str
    label: "str | Promise"
    permission: str  # of the one who asks and of the one who approves
    facts: Callable[[ApprovalRequest], Facts]  # label and value of what will happen
    perform: Callable[[ApprovalRequest], object]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def kind_of(request: ApprovalRequest) -> Kind:
    return _kinds[request.kind]


def kinds_of(user: User) -> list[Kind]:
    """What the user may ask for and approve."""
    return [kind for kind in _kinds.values() if user.has_perm(kind.permission)]


def seen_by(user: User) -> QuerySet[ApprovalRequest]:
    """What the user may look at."""
    kinds = [kind.name for kind in kinds_of(user)]
    return ApprovalRequest.objects.filter(Q(kind__in=kinds) | Q(asked_by=user.get_username()))


def waiting_for(user: User) -> int:
    """How many requests of others the user could decide."""
    kinds = [kind.name for kind in kinds_of(user)]
    if not kinds:
        return 0
    waiting = ApprovalRequest.objects.filter(state=State.WAITING, expires_at__gt=clock.now(), kind__in=kinds)
    return waiting.exclude(asked_by=user.get_username()).count()


def waiting_about(order_number: str) -> QuerySet[ApprovalRequest]:
    """What is asked for about an order."""
    return ApprovalRequest.objects.filter(
        state=State.WAITING, expires_at__gt=clock.now(), order_number=order_number
    )


def others_who_may(kind: str, actor: str) -> QuerySet[User]:
    """Who could approve what ``actor`` asks for."""
    app, _, codename = _kinds[kind].permission.partition(".")
    named = Permission.objects.filter(content_type__app_label=app, codename=codename)
    may = Q(is_superuser=True) | Q(user_permissions__in=named) | Q(groups__permissions__in=named)
    return User.objects.filter(may, is_active=True, is_staff=True).exclude(username=actor).distinct()


def state_of(request: ApprovalRequest) -> str:
    """A request nobody decided in time is over without anybody writing it down."""
    is_late = request.state == State.WAITING and request.expires_at <= clock.now()
    return State.EXPIRED if is_late else request.state


@transaction.atomic
def ask(kind: str, subject: Subject, payload: dict[str, object], *, key: str, actor: str) -> ApprovalRequest:
    """Write the request down and tell those who may approve. The same ``key`` is the same request.

    One that ended without a yes gives its key up: whoever asks again is heard again.
    """
    now = clock.now()
    before = ApprovalRequest.objects.select_for_update().filter(key=key).first()
    if before and state_of(before) in ENDED_WITHOUT:
        ApprovalRequest.objects.filter(pk=before.pk).update(key=f"{key}:{before.pk}")
    request, is_new = ApprovalRequest.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "order_number": subject.order_number,
            "payload": payload,
            "asked_by": actor,
            "asked_at": now,
            "expires_at": now + LIFETIME,
        },
    )
    if is_new:
        trail.record(trail.Deed.REQUESTED, subject, actor=actor, detail=f"{kind} {request.pk}")
        outbox.publish("mail.approval_asked", key=str(request.pk), request_id=request.pk)
    return request


@transaction.atomic
def approve(request_id: int, *, user: User) -> ApprovalRequest:
    """Do what was asked for. Of several at once one does it. Raises Decided, NotYours and NotPossible.

    Where it is not possible any more the request ends, and nothing else has changed.
    """
    request = _waiting(request_id)
    kind = kind_of(request)
    asker = User.objects.filter(username=request.asked_by, is_active=True).first()
    if request.asked_by == user.get_username() or not user.has_perm(kind.permission):
        raise NotYours
    try:
        if asker is None or not asker.has_perm(kind.permission):
            raise NotPossible(f"{request.asked_by} may not ask for this any more")
        with transaction.atomic():
            kind.perform(request)
    except NotPossible:
        _end(request, State.VOID, user.get_username())
        return request
    _end(request, State.APPROVED, user.get_username())
    return request


@transaction.atomic
def decline(request_id: int, *, user: User, note: str) -> ApprovalRequest:
    """Another person says no, or the one who asked takes it back. Raises Decided and NotYours."""
    request = _waiting(request_id)
    is_own = request.asked_by == user.get_username()
    if not (is_own or user.has_perm(kind_of(request).permission)):
        raise NotYours
    request.note = note[:200]
    _end(request, State.TAKEN_BACK if is_own else State.DECLINED, user.get_username())
    return request


def _waiting(request_id: int) -> ApprovalRequest:
    request = ApprovalRequest.objects.select_for_update().get(pk=request_id)
    if state_of(request) != State.WAITING:
        raise Decided
    return request


def _end(request: ApprovalRequest, state: str, actor: str) -> None:
    request.state, request.decided_by, request.decided_at = state, actor, clock.now()
    request.payload = {}
    request.save()
    deed = trail.Deed.APPROVED if state == State.APPROVED else trail.Deed.DECLINED
    subject = Subject("shop.approvalrequest", str(request.pk), request.order_number)
    trail.record(deed, subject, actor=actor, detail=f"{request.kind} {state}")
    if actor != request.asked_by:
        outbox.publish("mail.approval_decided", key=str(request.pk), request_id=request.pk)


# --- what is kept ---


def forget_order(order_number: str) -> None:
    """The order is erased: what is asked for about it ends, and nothing that was typed stays."""
    requests = ApprovalRequest.objects.filter(order_number=order_number)
    requests.filter(state=State.WAITING).update(state=State.VOID, decided_at=clock.now())
    requests.update(payload={}, note="")


def overdue(kept: dt.timedelta) -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.filter(asked_at__lt=clock.now() - kept)


def late() -> QuerySet[ApprovalRequest]:
    """Those whose time ended without an answer: what they hold is of no use any more."""
    return ApprovalRequest.objects.filter(state=State.WAITING, expires_at__lt=clock.now())


def forget(kept: dt.timedelta) -> None:
    late().update(state=State.EXPIRED, payload={})
    unopened(overdue(kept)).delete()
