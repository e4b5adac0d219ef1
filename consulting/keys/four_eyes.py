"""Giving an order to another mailbox needs a second member of staff: who reads it can open the reports."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consulting.models import OrderKey
from shop.audit import approvals, subjects
from shop.models import ApprovalRequest

from . import lifecycle

KIND = "mailbox"
PERMISSION = "consulting.readdress_orderkey"


def ask(order_key: OrderKey, email: str, *, actor: str, key: str) -> ApprovalRequest:
    """Write down which mailbox is asked for. Nothing changes, and nobody outside is told."""
    order = order_key.order
    subject = subjects.Subject("checkout.order", str(order.pk), order.number)
    payload = {"order_key": order_key.pk, "email": email, "was": order.email}
    return approvals.ask(KIND, subject, payload, key=f"mailbox:{key}", actor=actor)


def facts(wish: ApprovalRequest) -> approvals.Facts:
    return [
        (_("E-mail address until now"), wish.payload["was"]),
        (_("New e-mail address"), wish.payload["email"]),
    ]


def perform(wish: ApprovalRequest) -> OrderKey:
    """Raises NotPossible where the key or the mailbox is another one by now."""
    order_key = OrderKey.objects.select_related("order").get(pk=wish.payload["order_key"])
    if order_key.order.email != wish.payload["was"]:
        raise approvals.NotPossible("the mailbox has changed")
    try:
        return lifecycle.readdress(order_key, wish.payload["email"], actor=wish.asked_by, is_approved=True)
    except (lifecycle.KeyChanged, lifecycle.NothingToOpen) as error:
        raise approvals.NotPossible(type(error).__name__) from error


approvals.register(
    approvals.Kind(
        KIND, gettext_lazy("Another mailbox for an order"), PERMISSION, facts=facts, perform=perform
    )
)
