"""The page behind "Cancel the order", while the order is not paid."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from checkout import grants
from checkout.models import Order

from . import cancelling


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_order(request: HttpRequest, token: str) -> HttpResponse:
    """Asks once more, then cancels. Only for browsers that may see the order in full."""
    order = get_object_or_404(Order, token=token)
    if order.status != Order.Status.PENDING or not grants.is_granted(request, order):
        return redirect(order)
    if request.method != "POST":
        return render(request, "payments/cancel_order.html", {"order": order})
    try:
        cancelling.cancel_unpaid(order.pk)
    except cancelling.MayBePaid:
        messages.warning(
            request,
            _("Not cancelled: a payment of this order may be on its way. Please look again in a minute."),
        )
    else:
        messages.success(request, _("The order is cancelled. Nothing is charged."))
    return redirect(order)
