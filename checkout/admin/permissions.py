"""Who may use the pages about one order that the admin adds."""

from typing import cast

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from checkout.models import Order


def changeable_order(request: HttpRequest, order_id: int) -> Order:
    """The order, if the member of staff may change orders. Raises Http404 and PermissionDenied."""
    order = get_object_or_404(Order, pk=order_id)
    if not cast("User", request.user).has_perm("checkout.change_order"):
        raise PermissionDenied
    return order
