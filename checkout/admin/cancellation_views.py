"""The page on which the merchant answers a request to cancel."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from checkout.models import CancellationRequest, Order
from checkout.orders import cancellations
from checkout.orders.forms import AnswerForm
from checkout.shipping.fulfilment import left_to_ship


def answer_page(request: HttpRequest, order: Order, context: dict[str, Any]) -> HttpResponse:
    """Accepting leads to the refund, already filled in; declining needs a text for the customer."""
    back = HttpResponseRedirect(reverse("admin:checkout_order_change", args=[order.pk]))
    waiting = order.cancellations.filter(state=CancellationRequest.State.OPEN).first()
    if waiting is None:
        messages.warning(request, _("This request has been answered already."))
        return back
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _answer(request, waiting, form) or back
        except cancellations.AlreadyAnswered:
            messages.warning(request, _("This request has been answered already."))
            return back
    title = _("Request to cancel order %(number)s") % {"number": order.number}
    shown = {**context, "title": title, "order": order, "form": form, "asked": waiting}
    return render(request, "admin/checkout/order/cancellation.html", shown)


def _answer(request: HttpRequest, waiting: CancellationRequest, form: AnswerForm) -> HttpResponse | None:
    actor, text = request.user.get_username(), form.cleaned_data["answer"]
    if form.cleaned_data["action"] == "decline":
        cancellations.decline(waiting, actor=actor, answer=text)
        messages.success(request, _("The customer is told that it cannot be cancelled. The order goes on."))
        return None
    filled_in = refund_values(waiting)
    cancellations.accept(waiting, actor=actor, answer=text)
    messages.success(
        request,
        _("The customer is told that you agree. The order is on hold; please refund it now."),
    )
    if not request.user.has_perm("payments.add_refund"):
        return None
    url = reverse("admin:payments_refund_order", args=[waiting.order_id])
    return HttpResponseRedirect(f"{url}?{urlencode(filled_in)}")


def refund_values(waiting: CancellationRequest) -> dict[str, str]:
    """What the refund page's form is to hold: the pieces, and the shipping fee if nothing will be sent."""
    order = waiting.order
    left = {line.pk: quantity for line, quantity in left_to_ship(order).items()}
    lines = list(waiting.lines.all())
    values = {f"quantity_{line.pk}": str(left.get(line.pk, line.quantity)) for line in lines}
    stays = left.keys() - {line.pk for line in lines}
    if order.shipping_total and not stays and not order.shipments.exists():
        values["shipping"] = str(order.shipping_total)
    return values
