"""Who may see what. Asked anew on every request: a revoked key, a refund or a dispute closes at once.

Whether something is paid for follows from the order's own columns, which are written together with the
ledger; nobody has to remember to lock or to unlock.
"""

import datetime as dt
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.translation import gettext as _

from checkout import order_access
from checkout.models import Order, OrderLine
from shop import clock

from .models import AccessLog, Case, OrderKey

SESSION_NAME = "report_grant"
IDLE = dt.timedelta(minutes=30)
LONGEST = dt.timedelta(hours=12)  # that one look-up of the key opens the reports, however busy
REMEMBERED = dt.timedelta(minutes=1)  # so seldom is the session written: it also holds the cart
WRITES = "consulting.change_report"  # the consultants' own permission
BY_KEY = dt.timedelta(hours=24)  # how long a key that was read out opens a case to a consultant


def line_is_open(line: OrderLine) -> bool:
    """Whether what the line pays for may be read."""
    return order_is_open(line.order) and not line.is_refunded


def order_is_open(order: Order) -> bool:
    """Whether anything of the order may be read, or written into it. Nothing once it is erased."""
    return order.is_paid and not order.is_disputed and not order.is_refunded and order.erased_at is None


def is_open(order_key: OrderKey) -> bool:
    return order_key.state == OrderKey.State.ACTIVE and order_is_open(order_key.order)


def active_key(order: Order) -> OrderKey | None:
    """The key as far as it may be shown: none before the order is paid."""
    if not order.is_paid:
        return None
    return order.keys.filter(state=OrderKey.State.ACTIVE).select_related("order").first()


# --- the client's door ---


@dataclass(frozen=True)
class Grant:
    """This browser has unlocked an order."""

    order: Order
    order_key: OrderKey


def grant(request: HttpRequest, order_key: OrderKey) -> None:
    """Remember the unlocked order in a session with a new name. The key itself is not kept."""
    request.session.cycle_key()
    _extend(request, order_key, since=clock.now().timestamp())


def _extend(request: HttpRequest, order_key: OrderKey, *, since: float) -> None:
    request.session[SESSION_NAME] = {
        "key": order_key.pk,
        "stamp": order_access.stamp(order_key.order),  # another e-mail address ends it too
        "since": since,
        "until": min((clock.now() + IDLE).timestamp(), since + LONGEST.total_seconds()),
    }


def current_grant(request: HttpRequest) -> Grant | None:
    """What this browser has unlocked, if it has not been idle for too long and the key still opens it."""
    granted = request.session.get(SESSION_NAME)
    if not granted:
        return None
    order_key = OrderKey.objects.select_related("order").filter(pk=granted["key"]).first()
    is_late = granted["until"] < clock.now().timestamp()
    if (
        order_key is None
        or is_late
        or not is_open(order_key)
        or not order_access.is_stamp(granted.get("stamp", ""), order_key.order)
    ):
        forget(request)
        _explain(request, order_key)
        return None
    since = granted.get("since", clock.now().timestamp())  # of before there was an end: it begins now
    if granted["until"] < (clock.now() + IDLE - REMEMBERED).timestamp():
        _extend(request, order_key, since=since)
    return Grant(order_key.order, order_key)


def _explain(request: HttpRequest, order_key: OrderKey | None) -> None:
    """Why it is closed, to a browser that had opened it; nobody else is told that there is such an order."""
    if order_key and order_key.order.erased_at:
        messages.info(
            request, _("Everything personal in this order was erased; its reports are gone for good.")
        )
        return
    order = order_key.order if order_key and order_key.state == OrderKey.State.ACTIVE else None
    if order and order.is_refunded:
        messages.warning(request, _("The reports of this order are locked, because its price was refunded."))
    elif order and order.is_disputed:
        messages.warning(
            request, _("The reports of this order are locked while the complaint about its payment is open.")
        )


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION_NAME, None)


# --- the consultants' door ---


def is_consultant(user: User | AnonymousUser) -> bool:
    """Whether the user may write reports at all: whoever does something else now, or left, may not."""
    return user.is_active and user.has_perm(WRITES)


def is_assigned(user: User | AnonymousUser, case: Case) -> bool:
    """Whether the user may write this case's report. Nobody may once its order is erased."""
    is_theirs = user.pk is not None and case.consultant_id == user.pk
    return is_theirs and case.order.erased_at is None and is_consultant(user)


def may_read(user: User | AnonymousUser, case: Case) -> bool:
    """Whether the user may see the answers and the report: assigned, or the client read out the key today."""
    return is_assigned(user, case) or _was_opened_by_key(user, case.order)


def may_take(user: User | AnonymousUser, case: Case) -> bool:
    """Whether the case is free, and was not taken off this consultant: whoever did so had a reason."""
    if not is_consultant(user) or not Case.objects.free().filter(pk=case.pk).exists():
        return False
    had_it = AccessLog.objects.filter(case=case, what=AccessLog.What.ASSIGNED, who=user.get_username())
    return not had_it.exists()


def may_withdraw(user: User | AnonymousUser, case: Case) -> bool:
    """The case's consultant, or who gives cases to consultants: the merchant."""
    if case.order.erased_at:
        return False
    return case.is_published and (is_assigned(user, case) or user.has_perm("consulting.assign_case"))


def _was_opened_by_key(user: User | AnonymousUser, order: Order) -> bool:
    order_key = order.keys.filter(state=OrderKey.State.ACTIVE).select_related("order").first()
    if order_key is None or not is_open(order_key) or user.pk is None or not is_consultant(user):
        return False
    since = max(clock.now() - BY_KEY, order_key.issued_at)  # a replaced key ends what it had opened
    opened = AccessLog.objects.filter(
        order=order, what=AccessLog.What.UNLOCKED_BY_STAFF, who=user.get_username(), at__gte=since
    )
    return opened.exists()
