"""The page on which staff say that an order's mailbox may be in wrong hands, or that it is right again."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from checkout.models import Order
from checkout.privacy import mailbox_doubts
from shop.web.asks_again import asks_again

from .permissions import DOUBT_MAILBOX, order_for


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [path("<int:order_id>/mailbox/", site.admin_view(mailbox), name="checkout_order_mailbox")]


@asks_again
def mailbox(request: HttpRequest, order_id: int) -> HttpResponse:
    """Says what it stops, and does it at the press of the button."""
    order = order_for(request, order_id, DOUBT_MAILBOX)
    if request.method == "POST":
        is_doubted = request.POST.get("is_doubted") == "yes"
        mailbox_doubts.set_doubt(order.pk, is_doubted=is_doubted, actor=request.user.get_username())
        text = (
            _("The mailbox is in doubt: no link and no order key goes to it.")
            if is_doubted
            else _("The mailbox is trusted again.")
        )
        messages.success(request, text)
        return redirect("admin:checkout_order_change", order.pk)
    context = {
        **admin.site.each_context(request),
        "title": _("Mailbox of order %(number)s") % {"number": order.number},
        "order": order,
        "opts": Order._meta,
        "may_see_keys": request.user.has_perm("consulting.view_orderkey"),
    }
    return render(request, "admin/checkout/order/mailbox.html", context)
