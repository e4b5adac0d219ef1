"""The page on which the buyer of a paid order asks to cancel it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from checkout import order_access
from checkout.models import Order
from shop.web.unsent import give_back, holds_text, takes_text

from . import cancellations
from .forms import CancellationForm


@takes_text(CancellationForm)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form", "reason")
def request_cancellation(request: HttpRequest, token: str) -> HttpResponse:
    """The form, and what may be cancelled. Only for browsers that may see the order in full."""
    order = get_object_or_404(Order, token=token)
    if not order_access.is_granted(request, order):
        return order_access.ask_who_it_is(request, order)
    back = order.get_absolute_url()
    if not order.is_paid:
        return give_back(request, then=back, why=_("This order is not paid."))
    form = CancellationForm(request.POST or None)
    asked_before = _("The merchant has a request of yours already and will answer by e-mail.")
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            asked = cancellations.request_cancellation(order.pk, reason=reason)
        except cancellations.NotCancellable:
            why = _("Nothing in this order can be cancelled any more.")
            if holds_text(request):
                return give_back(request, then=back, why=why)
            messages.warning(request, why)
        else:
            if reason not in ("", asked.reason):  # asked from another tab, with other words
                return give_back(request, then=back, why=asked_before)
            messages.success(request, _("The merchant has your request and will answer by e-mail."))
            return redirect(order)
    elif order.awaits_cancellation:
        return give_back(request, then=back, why=asked_before)
    context = {"order": order, "form": form, "offer": cancellations.offer_of(order)}
    return render(request, "checkout/request_cancellation.html", context)
