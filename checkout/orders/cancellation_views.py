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
from shop.web.unsent import takes_text

from . import cancellations
from .forms import CancellationForm


@takes_text
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def request_cancellation(request: HttpRequest, token: str) -> HttpResponse:
    """The form, and what may be cancelled. Only for browsers that may see the order in full."""
    order = get_object_or_404(Order, token=token)
    if not order_access.is_granted(request, order):
        return order_access.ask_who_it_is(request, order)
    if not order.is_paid or order.awaits_cancellation:
        return redirect(order)
    form = CancellationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cancellations.request_cancellation(order.pk, reason=form.cleaned_data["reason"])
        except cancellations.NotCancellable:
            messages.warning(request, _("Nothing in this order can be cancelled any more."))
        else:
            messages.success(request, _("The merchant has your request and will answer by e-mail."))
            return redirect(order)
    context = {"order": order, "form": form, "offer": cancellations.offer_of(order)}
    return render(request, "checkout/request_cancellation.html", context)
