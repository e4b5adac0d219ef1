"""The admin's pages "Ship" and "Put on hold" of an order."""

from typing import cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from checkout.addresses import formats
from checkout.models import Order, OrderLine, Shipment
from checkout.shipping import fulfilment, waybills
from checkout.shipping.rates import TARIFFS
from shop.typed_values import tracking_numbers
from shop.typed_values.fields import CodeField, LineField, WholeNumberField

from .permissions import HOLD, SHIP, order_for


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path("<int:order_id>/ship/", site.admin_view(ship), name="checkout_order_ship"),
        path("<int:order_id>/hold/", site.admin_view(hold), name="checkout_order_hold"),
    ]


class ShipForm(forms.Form):
    """One parcel: carrier, number, and how many of each line are in it."""

    carrier = forms.ChoiceField(label=_("Carrier"), choices=Shipment.Carrier.choices)
    tracking_number = CodeField(
        label=_("Tracking number"),
        required=False,
        max_length=500,
        help_text=_("As it is printed on the waybill. Only a delivery by hand has none."),
    )
    sure = forms.CharField(required=False, widget=forms.HiddenInput)  # what was asked about, to be confirmed

    def __init__(
        self,
        *args: object,
        left: dict[OrderLine, int],
        parcel: Shipment | None = None,
        **kwargs: object,
    ) -> None:
        """``parcel`` is the one that is corrected."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.left, self.parcel = left, parcel
        self.fields["tracking_number"].is_needed = True  # type: ignore[attr-defined]  # by every carrier
        for line, quantity in left.items():
            self.fields[f"line_{line.pk}"] = WholeNumberField(
                label=f"{line.sku} {line.name}",
                min_value=0,
                max_value=quantity,
                initial=quantity,
                help_text=(_("At most %(left)s in this parcel") if parcel else _("%(left)s left to ship"))
                % {"left": quantity},
            )

    def clean_tracking_number(self) -> str:
        typed: str = self.cleaned_data["tracking_number"]
        try:
            return tracking_numbers.normalise(typed) if typed else ""
        except tracking_numbers.SeveralNumbers:
            raise forms.ValidationError(
                _("These are several numbers. Each parcel has its own: record one, then ship the rest.")
            ) from None
        except tracking_numbers.NotANumber:
            raise forms.ValidationError(
                _("“%(text)s” is no tracking number. It has 4 to 39 letters and digits: SF1234567890123."),
                params={"text": typed},
            ) from None

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        is_missing = not cleaned.get("tracking_number") and "tracking_number" not in self.errors
        if is_missing and cleaned.get("carrier") != Shipment.Carrier.HAND:
            self.add_error("tracking_number", _("Please enter the tracking number of the parcel."))
        if not self.errors and not any(self.quantities().values()):
            raise forms.ValidationError(_("The parcel is empty. Please enter at least one quantity."))
        if not self.errors:
            self._ask_once(cleaned["carrier"], cleaned["tracking_number"])
        return cleaned

    def _ask_once(self, carrier: str, number: str) -> None:
        """A number that is probably wrong is taken when it is sent again."""
        shown = f"{carrier} {tracking_numbers.bare(number)}"
        if shown == self.cleaned_data["sure"]:
            return
        if self.parcel and (carrier, number) == (self.parcel.carrier, self.parcel.tracking_number):
            return
        if doubts := list(waybills.doubts(carrier, number, parcel=self.parcel)):
            way_on = str(_("If it is right, send it once more; else correct it."))
            self.add_error("tracking_number", " ".join([*doubts, way_on]))
            self.data = cast("QueryDict", self.data).copy()
            self.data["sure"] = shown

    def quantities(self) -> dict[int, int]:
        return {line.pk: self.cleaned_data.get(f"line_{line.pk}", 0) for line in self.left}


def why_not_shipped(order: Order) -> str:
    """The reason why no parcel of the order may leave now, in words; empty if one may."""
    if order.is_disputed:
        return str(
            _("The buyer has opened a dispute at PayPal. Nothing may be shipped until it is resolved.")
        )
    if order.awaits_cancellation:
        return str(_("The customer has asked to cancel. Nothing may be shipped until that is answered."))
    return str(_("This order is on hold. Nothing may be shipped.")) if order.on_hold else ""


def ship(request: HttpRequest, order_id: int) -> HttpResponse:
    """The page behind "Ship"."""
    order = order_for(request, order_id, SHIP)
    left = fulfilment.left_to_ship(order) if order.is_paid else {}
    back = redirect("admin:checkout_order_change", order.pk)
    if why_not_shipped(order):
        messages.warning(request, why_not_shipped(order))
        return back
    if not left:
        messages.warning(request, _("There is nothing left to ship in this order."))
        return back
    form = ShipForm(request.POST or None, left=left)
    if form.is_valid():
        try:
            fulfilment.ship(
                order.pk,
                carrier=form.cleaned_data["carrier"],
                tracking_number=form.cleaned_data["tracking_number"],
                quantities=form.quantities(),
                actor=request.user.get_username(),
                seen=request.POST.get("seen"),
            )
        except fulfilment.AddressChanged:
            text = _("The customer has corrected the address. Nothing was shipped; please look again.")
            messages.warning(request, text)
            return redirect(request.path)
        except fulfilment.OnHold:
            messages.warning(request, _("This order has just been put on hold. Nothing was shipped."))
            return back
        except fulfilment.NothingToShip:
            messages.warning(request, _("Part of this order has just been shipped. Please look again."))
            return back
        messages.success(request, _("The parcel is recorded; the customer receives the shipping e-mail."))
        return back
    context = {
        **admin.site.each_context(request),
        "title": _("Ship order %(number)s") % {"number": order.number},
        "order": order,
        "form": form,
        "label": formats.label(recipient=order.recipient, region=order.region, address=order.address),
        "tariff": TARIFFS.get(order.shipping_method),
        "opts": Order._meta,
    }
    return render(request, "admin/checkout/order/ship.html", context)


class HoldForm(forms.Form):
    note = LineField(
        label=_("Note for the history of the order"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


def hold(request: HttpRequest, order_id: int) -> HttpResponse:
    """The page behind "Put on hold" and "Release from hold"."""
    order = order_for(request, order_id, HOLD)
    form = HoldForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        on_hold = request.POST.get("on_hold") == "yes"
        actor = request.user.get_username()
        fulfilment.set_hold(order.pk, on_hold=on_hold, actor=actor, note=form.cleaned_data["note"])
        text = _("The order is on hold: nothing is shipped.") if on_hold else _("The order can be shipped.")
        messages.success(request, text)
        return redirect("admin:checkout_order_change", order.pk)
    title = _("Release order %(number)s from hold") if order.on_hold else _("Put order %(number)s on hold")
    context = {
        **admin.site.each_context(request),
        "title": title % {"number": order.number},
        "order": order,
        "form": form,
        "opts": Order._meta,
    }
    return render(request, "admin/checkout/order/hold.html", context)
