"""The client looks after the order key: has it sent again, or has it replaced.

No page here shows a key. A new one goes to the mailbox of the order, whoever asked for it.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from checkout import order_access
from checkout.models import Order
from checkout.orders import mail_requests
from consulting import access
from consulting.keys import lifecycle
from consulting.models import OrderKey
from shop.web.rate_limit import RateLimit

from .forms import LostKeyForm

ASKED = RateLimit("lost-key", limit=10, minutes=15)
PER_ORDER = RateLimit("key-button", limit=3, minutes=60)  # of its own: it cannot silence the form


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def lost_key(request: HttpRequest) -> HttpResponse:
    """Asks for order number and e-mail address. Whether there is such an order only the mailbox learns."""
    form = LostKeyForm(request.POST or None)
    accepted = mail_requests.accept(
        request,
        form,
        lifecycle.request_key,
        per_network=ASKED,
        next_page="consulting:key_sent",
    )
    return accepted or render(request, "consulting/lost_key.html", {"form": form})


@never_cache
@require_safe
def key_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "consulting/key_sent.html")


@never_cache
@require_POST
def send_key(request: HttpRequest, token: str) -> HttpResponse:
    """The button on the order's page: its mailbox gets the key once more. Others name number and address."""
    order = get_object_or_404(Order, token=token)
    order_key = order.keys.filter(state=OrderKey.State.ACTIVE).first()
    if not order_access.is_granted(request, order) or order_key is None:
        return redirect("consulting:lost_key")
    if not PER_ORDER.take(order.number):
        text = _("It was sent several times already. Please look into your mailbox, or try again in an hour.")
        messages.warning(request, text)
        return redirect(order)
    try:
        lifecycle.resend(order_key, actor="")
    except (lifecycle.KeyChanged, lifecycle.NothingToOpen):
        messages.warning(request, _("There is no order key at present that opens the reports of this order."))
    else:
        messages.success(request, _("The order key is on its way to the e-mail address of this order."))
    return redirect(order)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_key(request: HttpRequest) -> HttpResponse:
    """The client replaces the key: this browser is shut out too, and only the mailbox gets the new one."""
    grant = access.current_grant(request)
    if grant is None:
        return redirect("consulting:unlock")
    if request.method != "POST":
        return render(request, "consulting/new_key.html", {"order": grant.order})
    try:
        lifecycle.replace(grant.order_key)
    except (lifecycle.KeyChanged, lifecycle.NothingToOpen):  # a second click, or a refund this very moment
        pass
    else:
        text = _("The old order key opens nothing any more. The new one is on its way to your mailbox.")
        messages.success(request, text)
    access.forget(request)
    return redirect("consulting:unlock")
