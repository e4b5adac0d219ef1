"""The merchant's work list: find orders, see everything about one, send its parcels."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from . import addresses, services
from .models import Order, OrderEvent, OrderLine, Shipment, StockMovement


class ShipForm(forms.Form):
    """One parcel: carrier, number, and how many of each line are in it."""

    carrier = forms.ChoiceField(label=_("Carrier"), choices=Shipment.Carrier.choices)
    tracking_number = forms.RegexField(
        label=_("Tracking number"),
        regex=r"^[A-Za-z0-9][A-Za-z0-9 -]{3,38}$",
        required=False,
        strip=True,
        error_messages={"invalid": _("Please enter 4 to 39 letters and digits, as printed on the waybill.")},
    )

    def __init__(self, *args: object, left: dict[OrderLine, int], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.left = left
        for line, quantity in left.items():
            self.fields[f"line_{line.pk}"] = forms.IntegerField(
                label=f"{line.sku} {line.name}",
                min_value=0,
                max_value=quantity,
                initial=quantity,
                help_text=_("%(left)s left to ship") % {"left": quantity},
            )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        is_missing = not cleaned.get("tracking_number") and "tracking_number" not in self.errors
        if is_missing and cleaned.get("carrier") != Shipment.Carrier.HAND:
            self.add_error("tracking_number", _("Please enter the tracking number of the parcel."))
        if not self.errors and not any(self.quantities().values()):
            raise forms.ValidationError(_("The parcel is empty. Please enter at least one quantity."))
        return cleaned

    def quantities(self) -> dict[int, int]:
        return {line.pk: self.cleaned_data.get(f"line_{line.pk}", 0) for line in self.left}


class FulfilmentFilter(admin.SimpleListFilter):
    title = _("work")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, object]]:  # type: ignore[override]
        return [("to-ship", _("To ship")), ("shipped", _("Shipped")), ("consulting", _("With consulting"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        parcels = Exists(Shipment.objects.filter(order=OuterRef("pk")))
        match self.value():
            case "to-ship":
                return queryset.filter(~parcels, status=Order.Status.PAID, needs_shipping=True)
            case "shipped":
                return queryset.filter(parcels)
            case "consulting":
                return queryset.filter(services_total__gt=0)
        return queryset


def status_name(status: str) -> str:
    """The status as people call it."""
    return str(Order.Status(status).label) if status else "–"


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows to look at: they are made by what happens, not by hand."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields = ["sku", "shown_name", "unit_price", "quantity", "shown_total", "report_due_on"]
    readonly_fields = ["shown_name", "shown_total"]

    @admin.display(description=_("name"))
    def shown_name(self, line: OrderLine) -> str:
        return line.name

    @admin.display(description=_("amount"))
    def shown_total(self, line: OrderLine) -> str:
        return str(line.total)


class ShipmentInline(ReadOnlyInline):
    model = Shipment
    fields = ["carrier", "tracking_number", "shipped_at", "shipped_by"]


class EventInline(ReadOnlyInline):
    model = OrderEvent
    fields = ["at", "shown_old_status", "shown_new_status", "note", "actor"]
    readonly_fields = ["shown_old_status", "shown_new_status"]

    @admin.display(description=_("old status"))
    def shown_old_status(self, event: OrderEvent) -> str:
        return status_name(event.old_status)

    @admin.display(description=_("new status"))
    def shown_new_status(self, event: OrderEvent) -> str:
        return status_name(event.new_status)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = [
        "number",
        "placed_at",
        "status",
        "recipient",
        "email",
        "shown_total",
        "paid_at",
        "ship_link",
    ]
    list_filter = [FulfilmentFilter, "status", "placed_at", "region", "language", "paid_with"]
    search_fields = ["number", "email", "recipient", "phone", "lines__sku", "shipments__tracking_number"]
    date_hierarchy = "placed_at"
    list_per_page = 50
    inlines = [LineInline, ShipmentInline, EventInline]
    fields = [
        "number", "status", "placed_at", "paid_at", "paid_with", "hold_until", "email", "language", "label",
        "phone", "delivery_note", "goods_total", "services_total", "shipping_total", "shown_total",
        "ship_link", "payments_link",
    ]  # fmt: skip
    readonly_fields = fields  # type: ignore[assignment]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        ship = path(
            "<int:order_id>/ship/", self.admin_site.admin_view(self.ship_view), name="checkout_order_ship"
        )
        return [ship, *super().get_urls()]

    @admin.display(description=_("total amount"), ordering="total")
    def shown_total(self, order: Order) -> str:
        return f"{order.currency} {order.total}"

    @admin.display(description=_("delivery address"))
    def label(self, order: Order) -> str:
        lines = addresses.label(recipient=order.recipient, region=order.region, address=order.address)
        return format_html_join("", "{}<br>", ((line,) for line in lines)) if order.needs_shipping else "–"

    @admin.display(description=_("delivery"))
    def ship_link(self, order: Order) -> str:
        if not order.needs_shipping or not order.is_paid:
            return "–"
        if not services.left_to_ship(order):
            return str(_("Shipped"))
        return format_html(
            '<a class="button" href="{}">{}</a>',
            reverse("admin:checkout_order_ship", args=[order.pk]),
            _("Ship"),
        )

    @admin.display(description=_("payments"))
    def payments_link(self, order: Order) -> str:
        url = reverse("admin:payments_payment_changelist")
        return format_html('<a href="{}?q={}">{}</a>', url, order.number, _("Show the payments"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Nothing on the page is typed, so it has nothing to save."""
        nothing = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **nothing})

    def ship_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """The page behind "Ship"."""
        order = get_object_or_404(Order, pk=order_id)
        if not self.has_change_permission(request, order):
            raise PermissionDenied
        left = services.left_to_ship(order) if order.is_paid else {}
        back = HttpResponseRedirect(reverse("admin:checkout_order_change", args=[order.pk]))
        if not left:
            messages.warning(request, _("There is nothing left to ship in this order."))
            return back
        form = ShipForm(request.POST or None, left=left)
        if form.is_valid():
            try:
                services.ship(
                    order.pk,
                    carrier=form.cleaned_data["carrier"],
                    tracking_number=form.cleaned_data["tracking_number"].upper(),
                    quantities=form.quantities(),
                    actor=request.user.get_username(),
                )
            except services.NothingToShip:
                messages.warning(request, _("Part of this order has just been shipped. Please look again."))
                return back
            messages.success(request, _("The parcel is recorded; the customer receives the shipping e-mail."))
            return back
        context = {
            **self.admin_site.each_context(request),
            "title": _("Ship order %(number)s") % {"number": order.number},
            "order": order,
            "form": form,
            "label": addresses.label(recipient=order.recipient, region=order.region, address=order.address),
            "opts": self.opts,
        }
        return render(request, "admin/checkout/order/ship.html", context)


@admin.register(StockMovement)
class StockMovementAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["at", "variant", "kind", "quantity", "order"]
    list_filter = ["kind"]
    search_fields = ["variant__sku", "order__number"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
