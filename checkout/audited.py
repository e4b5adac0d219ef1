"""For the audit trail: which pages are about which order."""

from django.http import HttpRequest
from django.urls import ResolverMatch

from shop.audit import subjects

from .models import Order

subjects.declare("checkout.order", "number", part="order_id")
subjects.declare("checkout.stockmovement", "order__number")


def by_token(request: HttpRequest, match: ResolverMatch) -> subjects.Subject | None:
    """A page of the order's client, which staff may have opened with its link."""
    token = match.kwargs.get("token")
    order = Order.objects.filter(token=token).only("pk", "number").first() if token else None
    return subjects.Subject("checkout.order", str(order.pk), order.number) if order else None


subjects.declare_finder(by_token)
