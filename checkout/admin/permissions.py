"""Who may use the pages about one order that the admin adds, and which links to them they see."""

from typing import cast

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from checkout.models import Order

CORRECT = "checkout.change_order"  # what the customer gave, and what was promised
SHIP = "checkout.ship_order"
HOLD = "checkout.hold_order"
ANSWER_CANCELLATION = "checkout.answer_cancellation"
DOUBT_MAILBOX = "checkout.doubt_mailbox"
NEEDED = {  # what a field of the order's page leads to -> who may go there
    "ship_link": SHIP,
    "correct_link": CORRECT,
    "promise_link": CORRECT,
    "hold_link": HOLD,
    "cancellation_link": ANSWER_CANCELLATION,
    "mailbox_link": DOUBT_MAILBOX,
    "refund_link": "payments.add_refund",
    "payments_link": "payments.view_payment",
}


def order_for(request: HttpRequest, order_id: int, permission: str) -> Order:
    """The order, if the member of staff has the permission. Raises Http404 and PermissionDenied."""
    order = get_object_or_404(Order, pk=order_id)
    if not cast("User", request.user).has_perm(permission):
        raise PermissionDenied
    return order


def shown_to(user: User | AnonymousUser, names: list[str]) -> list[str]:
    """The fields without those that lead where the user may not go."""
    return [name for name in names if name not in NEEDED or user.has_perm(NEEDED[name])]
