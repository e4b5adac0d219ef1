"""The page on which the buyer corrects the e-mail address and the delivery details of a paid order."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from checkout import order_access
from checkout.addresses.forms import ShippingForm
from checkout.forms.contact import OrderEmailForm
from checkout.models import Order
from shop.web.unsent import refuse, takes_text

from . import corrections
from .forms import CorrectionForms


@takes_text(OrderEmailForm, ShippingForm)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("forms")
def correct(request: HttpRequest, token: str) -> HttpResponse:
    """Only for the browser that placed the order, and only for a short time."""
    order = get_object_or_404(Order, token=token)
    forms = CorrectionForms(order, request.POST if request.method == "POST" else None)
    if not order_access.is_granted(request, order):
        return order_access.ask_who_it_is(request, order, filled=forms.all)
    if not order_access.is_placed_here(request, order):
        return _not_here(request, order, forms)
    until = corrections.correctable_until(order)
    if until is None:
        return _too_late(request, order, forms)
    if request.method != "POST" or not forms.is_valid():
        return render(request, "checkout/correct.html", {"order": order, "forms": forms, "until": until})
    try:
        corrected = corrections.correct(order.pk, forms.correction())
    except (corrections.TooLate, corrections.OtherZone):
        return _too_late(request, order, forms)
    messages.success(request, _("Thank you. The order now says what you entered."))
    response = redirect(order)
    order_access.grant(request, response, corrected, is_placed=True)  # as it was before the correction
    return response


def _not_here(request: HttpRequest, order: Order, filled: CorrectionForms) -> HttpResponse:
    """Whoever named the e-mail address may own a mistyped mailbox, and must not redirect the parcel."""
    text = _(
        "Only the browser in which the order was placed can correct it. Please contact customer service."
    )
    return refuse(request, then=order.get_absolute_url(), why=text, filled=filled.all)


def _too_late(request: HttpRequest, order: Order, filled: CorrectionForms) -> HttpResponse:
    """What was typed can be copied into a letter to customer service."""
    text = _("It is too late to correct this order here. Please contact customer service.")
    return refuse(request, then=order.get_absolute_url(), why=text, filled=filled.all)
