"""Who may see what. Asked anew on every request, so a revoked key or a cancelled order closes at once."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from checkout.models import Order, OrderLine
from shop import clock

from .models import AccessLog, Case, OrderKey

SESSION_NAME = "report_grant"
IDLE = dt.timedelta(minutes=30)
REMEMBERED = dt.timedelta(minutes=1)  # so seldom is the session written: it also holds the cart
BY_KEY = dt.timedelta(hours=24)  # how long a key that was read out opens a case to a consultant


def line_is_open(line: OrderLine) -> bool:
    """Whether what the line pays for may be read."""
    return line.order.is_paid


def is_open(order_key: OrderKey) -> bool:
    return order_key.state == OrderKey.State.ACTIVE and order_key.order.is_paid


# --- the client's door ---


@dataclass(frozen=True)
class Grant:
    """This browser has unlocked an order."""

    order: Order
    order_key: OrderKey


def grant(request: HttpRequest, order_key: OrderKey) -> None:
    """Remember the unlocked order in a session with a new name. The key itself is not kept."""
    request.session.cycle_key()
    _extend(request, order_key)


def _extend(request: HttpRequest, order_key: OrderKey) -> None:
    request.session[SESSION_NAME] = {"key": order_key.pk, "until": (clock.now() + IDLE).timestamp()}


def current_grant(request: HttpRequest) -> Grant | None:
    """What this browser has unlocked, if it has not been idle for too long and the key still opens it."""
    kept = request.session.get(SESSION_NAME)
    if not kept:
        return None
    found = OrderKey.objects.select_related("order").filter(pk=kept["key"]).first()
    if found is None or kept["until"] < clock.now().timestamp() or not is_open(found):
        forget(request)
        return None
    if kept["until"] < (clock.now() + IDLE - REMEMBERED).timestamp():
        _extend(request, found)
    return Grant(found.order, found)


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION_NAME, None)


# --- the consultants' door ---


def is_assigned(user: User | AnonymousUser, case: Case) -> bool:
    """Whether the user may write this case's report."""
    return user.pk is not None and case.consultant_id == user.pk


def may_read(user: User | AnonymousUser, case: Case) -> bool:
    """Whether the user may see the answers and the report: assigned, or the client read out the key today."""
    return is_assigned(user, case) or _was_opened_by_key(user, case.order)


def _was_opened_by_key(user: User | AnonymousUser, order: Order) -> bool:
    order_key = order.keys.filter(state=OrderKey.State.ACTIVE).first()
    if order_key is None or user.pk is None:
        return False
    since = max(clock.now() - BY_KEY, order_key.issued_at)  # a replaced key ends what it had opened
    opened = AccessLog.objects.filter(
        order=order, what=AccessLog.What.UNLOCKED_BY_STAFF, who=user.get_username(), at__gte=since
    )
    return opened.exists()
