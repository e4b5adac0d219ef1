"""For the audit trail: which order a case, a key or an open report belongs to."""

from django.http import HttpRequest
from django.urls import ResolverMatch

from shop.audit import subjects

from .access import SESSION_NAME
from .models import OrderKey

subjects.declare("consulting.case", "line__order__number", pages="consulting:")
subjects.declare("consulting.orderkey", "order__number", pages="admin:consulting_orderkey")
subjects.declare("consulting.accesslog", "order__number")


def by_open_reports(request: HttpRequest, match: ResolverMatch) -> subjects.Subject | None:
    """A page of the client whose order this browser has unlocked, without an id in its address."""
    if (
        match.namespace != "consulting"
        or match.kwargs
        or not match.func.__module__.startswith("consulting.client")
    ):
        return None
    granted = request.session.get(SESSION_NAME)
    order_key = (
        OrderKey.objects.select_related("order").filter(pk=granted["key"]).first() if granted else None
    )
    if order_key is None:
        return None
    return subjects.Subject("checkout.order", str(order_key.order_id), order_key.order.number)


subjects.declare_finder(by_open_reports)
