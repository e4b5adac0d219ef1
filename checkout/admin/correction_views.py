"""The admin's pages on which staff put right what was recorded: a parcel, an address, an e-mail address."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.models import Delivery, Order
from checkout.orders import corrections
from checkout.orders.forms import CorrectionForms
from checkout.shipping import fulfilment
from shop.typed_values.fields import DayField
from shop.typed_values.promised_days import check_promised
from shop.web.asks_again import asks_again
from shop.web.unsent import refuse

from .fulfilment_views import ShipForm
from .permissions import CORRECT, SHIP, order_for


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path(
            "<int:order_id>/parcel/<int:shipment_id>/", site.admin_view(parcel), name="checkout_order_parcel"
        ),
        path("<int:order_id>/correct/", site.admin_view(correct), name="checkout_order_correct"),
        path("<int:order_id>/promise/", site.admin_view(promise), name="checkout_order_promise"),
    ]


def parcel(request: HttpRequest, order_id: int, shipment_id: int) -> HttpResponse:
    """The page behind "Correct" of a parcel: carrier, tracking number, contents."""
    order = order_for(request, order_id, SHIP)
    shipments = order.shipments.prefetch_related("items", "corrections").select_related("order")
    shipment = get_object_or_404(shipments, pk=shipment_id)
    packed = {item.line_id: item.quantity for item in shipment.items.all()}
    left = fulfilment.left_for(shipment)
    initial: dict[str, object] = {"carrier": shipment.carrier, "tracking_number": shipment.tracking_number}
    initial |= {f"line_{line.pk}": packed.get(line.pk, 0) for line in left}
    form = ShipForm(request.POST or None, left=left, parcel=shipment, initial=initial)
    if form.is_valid():
        try:
            fulfilment.correct_parcel(
                shipment.pk,
                carrier=form.cleaned_data["carrier"],
                tracking_number=form.cleaned_data["tracking_number"],
                quantities=form.quantities(),
                actor=request.user.get_username(),
                seen=request.POST.get("seen", ""),
            )
        except (fulfilment.ParcelChanged, fulfilment.NothingToShip):
            text = _("The parcel has just been corrected by somebody else. Nothing was changed; look again.")
            messages.warning(request, text)
            return redirect(request.path)
        messages.success(request, _("The parcel is corrected."))
        return redirect("admin:checkout_order_change", order.pk)
    title = _("Correct the parcel of order %(number)s") % {"number": order.number}
    context = {"form": form, "shipment": shipment, "corrections": shipment.corrections.all()}
    return _page(request, "parcel.html", order, title, context)


class PromiseForm(forms.Form):
    """The days that are promised of the parcel."""

    ships_by = DayField(label=gettext_lazy("Leaves by"), validators=[check_promised])
    arrives_from = DayField(label=gettext_lazy("Arrives from"), validators=[check_promised])
    arrives_until = DayField(label=gettext_lazy("Arrives until"), validators=[check_promised])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        days: list[dt.date] = [cleaned[name] for name in self.fields if cleaned.get(name)]
        if len(days) == len(self.fields) and days != sorted(days):
            self.add_error("arrives_until", _("The parcel leaves first, then it arrives."))
        return cleaned


def promise(request: HttpRequest, order_id: int) -> HttpResponse:
    """The page behind "Move the promised date" of a parcel that has not left."""
    order = order_for(request, order_id, CORRECT)
    initial = {name: getattr(order, name) for name in PromiseForm.base_fields}
    form = PromiseForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            fulfilment.move_promise(
                order.pk, Delivery(**form.cleaned_data), actor=request.user.get_username()
            )
        except fulfilment.NothingToShip:
            messages.warning(request, _("There is nothing left to ship in this order."))
        else:
            messages.success(request, _("The date is moved; the customer is being told by e-mail."))
        return redirect("admin:checkout_order_change", order.pk)
    title = _("Move the promised date of order %(number)s") % {"number": order.number}
    return _page(request, "promise.html", order, title, {"form": form})


@asks_again
def correct(request: HttpRequest, order_id: int) -> HttpResponse:
    """The page behind "Correct address or e-mail"; with reports, the e-mail address has a page of its own."""
    order = order_for(request, order_id, CORRECT)
    is_redraw = request.POST.get("action") == "redraw"
    seen = (request.POST.get("seen", order.address_stamp), request.POST.get("seen_email", order.email))
    forms = CorrectionForms(order, request.POST if request.method == "POST" else None)
    if forms.shipping:
        forms.shipping.fields["region"].help_text = _("Only where the shipping fee is the same.")
    if is_redraw and forms.shipping:
        forms.shipping.suit(request.POST)
    elif request.method == "POST" and forms.is_valid():
        back = reverse("admin:checkout_order_change", args=[order.pk])
        try:
            actor = request.user.get_username()
            corrections.correct_for(order.pk, forms.correction(), actor=actor, seen=seen)
        except corrections.CorrectedMeanwhile:
            why = _("It has just been corrected by somebody else. Nothing was changed; please look again.")
            return refuse(request, then=request.path, why=why, filled=forms.all)
        except corrections.TooLate:
            why = _("This cannot be corrected any more: nothing is left to be sent.")
            return refuse(request, then=back, why=why, filled=forms.all)
        except corrections.OtherZone:
            why = _("The shipping fee there is another one. Nothing was changed.")
            return refuse(request, then=back, why=why, filled=forms.all)
        messages.success(request, _("The order is corrected; the customer is being told by e-mail."))
        return redirect(back)
    title = _("Correct order %(number)s") % {"number": order.number}
    return _page(request, "correct.html", order, title, {"forms": forms, "seen": seen})


def _page(
    request: HttpRequest, template: str, order: Order, title: str, context: dict[str, object]
) -> HttpResponse:
    common = {**admin.site.each_context(request), "title": title, "order": order, "opts": Order._meta}
    return render(request, f"admin/checkout/order/{template}", common | context)
