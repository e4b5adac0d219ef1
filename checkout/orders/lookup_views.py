"""Order look-up: a form that answers everybody alike, a mailed link, and the orders this browser may see."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from checkout import order_access
from checkout.models import Order
from checkout.signals import collect_sections
from shop.web.rate_limit import RateLimit

from . import lookup, mail_requests
from .forms import FindForm
from .history import progress_of
from .mailed_link import InvalidLink

ASKED = RateLimit("find-order", limit=10, minutes=15)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def find(request: HttpRequest) -> HttpResponse:
    """Asks for an e-mail address, and for an order number by choice. Every address gets the same answer."""
    form = FindForm(request.POST or None)
    accepted = mail_requests.accept(
        request,
        form,
        lookup.request_link,
        per_network=ASKED,
        next_page="checkout:link_sent",
    )
    context = {"form": form, "has_orders": bool(order_access.granted_ids(request))}
    return accepted or render(request, "checkout/find.html", context)


@never_cache
@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    minutes = int(lookup.LINK.lifetime.total_seconds() // 60)
    return render(request, "checkout/link_sent.html", {"minutes": minutes})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the mailed link. A GET does nothing: programs that read mail open links too."""
    try:
        found = lookup.open_link(token)
    except InvalidLink:
        return render(request, "checkout/link_over.html", status=410)
    if request.method != "POST":
        return render(request, "checkout/open_link.html")
    response = redirect("checkout:orders")
    paid = [order for order in found if not order.was_never_paid][: order_access.MAX_ORDERS]
    order_access.grant(request, response, *reversed(paid), if_room=[o for o in found if o.was_never_paid])
    return response


@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The orders this browser may see in full, newest first."""
    visible = Order.objects.filter(pk__in=order_access.granted_ids(request)).prefetch_related(
        "lines", "shipments", "cancellations"
    )
    shown = [(order, progress_of(order, collect_sections(order, reveal=False))) for order in visible]
    return render(request, "checkout/orders.html", {"orders": shown, "most": order_access.MAX_ORDERS})


@require_POST
def forget_orders(request: HttpRequest) -> HttpResponse:
    """For those who share a computer: this browser knows of no order any more."""
    response = redirect("checkout:orders")
    order_access.forget(request, response)
    text = _("This browser has forgotten your orders. The links in our e-mails open them again.")
    messages.success(request, text)
    return response
