"""The page on which the merchant answers a request to cancel."""

from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from checkout.models import CancellationRequest, Order
from checkout.orders import cancellations
from checkout.orders.forms import AnswerForm
from checkout.shipping.fulfilment import left_to_ship
from shop.web.unsent import refuse

from .permissions import ANSWER_CANCELLATION, order_for


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [path("<int:order_id>/cancellation/", site.admin_view(answer), name="checkout_order_cancellation")]


def answer(request: HttpRequest, order_id: int) -> HttpResponse:
    """Accepting leads to the refund form, already filled in; declining needs a text for the customer."""
    order = order_for(request, order_id, ANSWER_CANCELLATION)
    back = redirect("admin:checkout_order_change", order.pk)
    open_request = order.cancellations.filter(state=CancellationRequest.State.OPEN).first()
    read = request.POST.get("asked", "")  # it is answered, whatever was asked since
    if open_request is None or (read and read != str(open_request.pk)):
        return _answered_before(request, order)
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _answer(request, open_request, form) or back
        except cancellations.AlreadyAnswered:
            return _answered_before(request, order)
    title = _("Request to cancel order %(number)s") % {"number": order.number}
    context = {
        **admin.site.each_context(request),
        "title": title,
        "order": order,
        "form": form,
        "asked": open_request,
        "opts": Order._meta,
    }
    return render(request, "admin/checkout/order/cancellation.html", context)


def _answered_before(request: HttpRequest, order: Order) -> HttpResponse:
    then = reverse("admin:checkout_order_change", args=[order.pk])
    return refuse(request, then=then, why=_("This request has been answered already."))


def _answer(request: HttpRequest, cancellation: CancellationRequest, form: AnswerForm) -> HttpResponse | None:
    actor, text = request.user.get_username(), form.cleaned_data["answer"]
    if form.cleaned_data["action"] == "decline":
        cancellations.decline(cancellation, actor=actor, answer=text)
        messages.success(request, _("The customer is told that it cannot be cancelled. The order goes on."))
        return None
    filled_in = refund_values(cancellation)
    cancellations.accept(cancellation, actor=actor, answer=text)
    messages.success(
        request,
        _("The customer is told that you agree. The order is on hold; please refund it now."),
    )
    if not request.user.has_perm("payments.add_refund"):
        return None
    url = reverse("admin:payments_refund_order", args=[cancellation.order_id])
    return redirect(f"{url}?{urlencode(filled_in)}")


def refund_values(cancellation: CancellationRequest) -> dict[str, str]:
    """Initial values of the refund form: the pieces, and the shipping fee if nothing will be sent."""
    order = cancellation.order
    left = {line.pk: quantity for line, quantity in left_to_ship(order).items()}
    lines = list(cancellation.lines.all())
    values = {f"quantity_{line.pk}": str(left.get(line.pk, line.quantity)) for line in lines}
    stays = left.keys() - {line.pk for line in lines}
    if order.shipping_total and not stays and not order.shipments.exists():
        values["shipping"] = str(order.shipping_total)
    return values
