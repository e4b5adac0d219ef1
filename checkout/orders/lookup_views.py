"""Find my order: a page that answers everybody alike, a mailed link, and the orders this browser may see."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from checkout import order_access
from checkout.models import Order
from checkout.signals import collect_sections
from shop.l10n.languages import current_language
from shop.web import rate_limit

from . import lookup
from .forms import FindForm
from .history import progress_of

PURPOSE = "find-order"
MAX_PER_NETWORK, MINUTES = 10, 15
MAX_PER_ADDRESS, ADDRESS_MINUTES = 3, 60


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def find(request: HttpRequest) -> HttpResponse:
    """Asks for an e-mail address, and for an order number by choice. Every address gets the same answer."""
    form = FindForm(request.POST or None)
    if request.method == "POST":
        if rate_limit.is_exceeded(request, PURPOSE, limit=MAX_PER_NETWORK, minutes=MINUTES):
            return render(request, "429.html", status=429)
        if form.is_valid():
            rate_limit.count(request, PURPOSE)
            _ask(form.cleaned_data["email"], form.cleaned_data["number"])
            return redirect("checkout:link_sent")
    return render(
        request, "checkout/find.html", {"form": form, "has_orders": bool(order_access.granted(request))}
    )


@sensitive_variables()
def _ask(email: str, number: str) -> None:
    """Nobody is sent more than a few mails an hour, whoever asks for them; the answer does not tell."""
    if rate_limit.take_about(email.casefold(), PURPOSE, limit=MAX_PER_ADDRESS, minutes=ADDRESS_MINUTES):
        lookup.request_link(email, number=number, language=current_language())


@never_cache
@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    minutes = int(lookup.LINK_LIFETIME.total_seconds() // 60)
    return render(request, "checkout/link_sent.html", {"minutes": minutes})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the mailed link: only its button does something, for programs that read mail open links too."""
    try:
        search = lookup.read_link(token)
    except lookup.InvalidLink:
        return render(request, "checkout/link_over.html", status=410)
    if request.method != "POST":
        return render(request, "checkout/open_link.html")
    response = redirect("checkout:orders")
    order_access.grant(request, response, *reversed(lookup.orders_of(search)[: order_access.MAX_ORDERS]))
    return response


@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The orders this browser may see in full, newest first."""
    found = Order.objects.filter(pk__in=order_access.granted(request)).prefetch_related(
        "lines", "shipments", "cancellations"
    )
    shown = [(order, progress_of(order, collect_sections(order, reveal=False))) for order in found]
    return render(request, "checkout/orders.html", {"orders": shown, "most": order_access.MAX_ORDERS})
