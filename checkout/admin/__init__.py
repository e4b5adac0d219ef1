"""The merchant's work list: find orders, see everything about one, send its parcels."""

from contextlib import suppress

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from checkout import order_numbers
from checkout.addresses import formats
from checkout.models import CancellationRequest, Order, OrderEvent, OrderLine, Shipment, StockMovement
from checkout.promotions.admin import PromotionAdmin  # noqa: F401 - registers it
from checkout.shipping import fulfilment
from checkout.shipping.rates import TARIFFS
from shop.money import formatted

from .cancellation_views import answer_page
from .filters import NamedValues


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
        return [
            ("to-ship", _("To ship")),
            ("shipped", _("Shipped")),
            ("consulting", _("With consulting")),
            ("on-hold", _("On hold")),
            ("cancellation", _("Cancellation requested")),
            ("disputed", _("Disputed")),
            ("refunded", _("Partly or fully refunded")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        parcels = Exists(Shipment.objects.filter(order=OuterRef("pk")))
        asked = Exists(CancellationRequest.objects.filter(order=OuterRef("pk"), state="open"))
        match self.value():
            case "to-ship":
                return queryset.filter(
                    ~parcels,
                    ~asked,
                    status=Order.Status.PAID,
                    needs_shipping=True,
                    on_hold=False,
                    is_disputed=False,
                    refunded_total__lt=F("total"),
                )
            case "shipped":
                return queryset.filter(parcels)
            case "consulting":
                return queryset.filter(services_total__gt=0)
            case "on-hold":
                return queryset.filter(on_hold=True)
            case "cancellation":
                return queryset.filter(asked)
            case "disputed":
                return queryset.filter(is_disputed=True)
            case "refunded":
                return queryset.filter(refunded_total__gt=0)
        return queryset


def status_name(status: str) -> str:
    """The status as people call it."""
    return str(Order.Status(status).label) if status else "–"


def why_not_shipped(order: Order) -> str:
    """Why nothing of this order may leave now; empty when it may."""
    if order.is_disputed:
        return str(
            _("The buyer has opened a dispute at PayPal. Nothing may be shipped until it is resolved.")
        )
    if order.awaits_cancellation:
        return str(_("The customer has asked to cancel. Nothing may be shipped until that is answered."))
    return str(_("This order is on hold. Nothing may be shipped.")) if order.on_hold else ""


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
    fields = [
        "sku", "shown_name", "shown_price", "quantity", "shown_total", "shown_discount", "shown_refunded",
        "withdrawn_quantity", "report_due_on", "waits_for_details",
    ]  # fmt: skip
    readonly_fields = [
        "shown_name", "shown_price", "shown_total", "shown_discount", "shown_refunded", "withdrawn_quantity",
        "waits_for_details",
    ]  # fmt: skip

    @admin.display(description=_("name"))
    def shown_name(self, line: OrderLine) -> str:
        return line.name

    @admin.display(description=_("unit price"))
    def shown_price(self, line: OrderLine) -> str:
        return formatted(line.unit_price, line.order.currency)

    @admin.display(description=_("amount"))
    def shown_total(self, line: OrderLine) -> str:
        return formatted(line.total, line.order.currency)

    @admin.display(description=_("discount"))
    def shown_discount(self, line: OrderLine) -> str:
        return formatted(-line.discount_total, line.order.currency) if line.discount_total else "–"

    @admin.display(description=_("refunded"))
    def shown_refunded(self, line: OrderLine) -> str:
        return formatted(line.refunded_total, line.order.currency) if line.refunded_total else "–"


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
        "shown_state",
        "recipient",
        "email",
        "shown_total",
        "paid_at",
        "ship_link",
    ]
    list_filter = [
        FulfilmentFilter,
        "status",
        "placed_at",
        ("region", NamedValues),
        "language",
        ("paid_with", NamedValues),
    ]
    search_fields = [
        "number",
        "email",
        "recipient",
        "phone",
        "lines__sku",
        "shipments__tracking_number",
        "=promo_code",
    ]
    date_hierarchy = "placed_at"
    list_per_page = 50
    inlines = [LineInline, ShipmentInline, EventInline]
    fields = [
        "number", "shown_state", "placed_at", "paid_at", "paid_with", "hold_until", "email", "language",
        "label", "phone", "shown_method", "delivery_note", "is_gift", "card_text", "ships_by", "shown_total",
        "shown_sums", "shown_refunded", "shown_consents",
        "ship_link", "hold_link", "cancellation_link", "refund_link", "payments_link",
    ]  # fmt: skip
    readonly_fields = fields  # type: ignore[assignment]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[str]:  # type: ignore[override]
        may_refund = request.user.has_perm("payments.add_refund")
        return [str(name) for name in self.fields if may_refund or name != "refund_link"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).prefetch_related("cancellations")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """An order number is found however it was read out or typed."""
        with suppress(order_numbers.TypingError):  # else whatever can be searched for
            search_term = order_numbers.parse(search_term)
        return super().get_search_results(request, queryset, search_term)

    def get_urls(self) -> list[URLPattern]:
        ship = path(
            "<int:order_id>/ship/", self.admin_site.admin_view(self.ship_view), name="checkout_order_ship"
        )
        hold = path(
            "<int:order_id>/hold/", self.admin_site.admin_view(self.hold_view), name="checkout_order_hold"
        )
        answer = path(
            "<int:order_id>/cancellation/",
            self.admin_site.admin_view(self.cancellation_view),
            name="checkout_order_cancellation",
        )
        return [ship, hold, answer, *super().get_urls()]

    @admin.display(description=_("status"), ordering="status")
    def shown_state(self, order: Order) -> str:
        """The status, and the flags that stop the order."""
        flags = [
            (_("Disputed"), order.is_disputed),
            (_("On hold"), order.on_hold),
            (_("Cancellation requested"), order.awaits_cancellation),
        ]
        return " · ".join([order.shown_status, *(str(name) for name, is_set in flags if is_set)])

    @admin.display(description=_("of which"))
    def shown_sums(self, order: Order) -> str:
        sums = [
            (_("goods"), order.goods_total),
            (_("services"), order.services_total),
            (_("discount (%(code)s)") % {"code": order.promo_code}, -order.discount_total),
            (_("shipping fee"), order.shipping_total),
        ]
        parts = [(name, formatted(amount, order.currency)) for name, amount in sums if amount]
        if order.ships_free:
            parts.append((_("shipping fee"), _("free with %(code)s") % {"code": order.promo_code}))
        return format_html_join("", "{}: {}<br>", parts)

    @admin.display(description=_("total amount"), ordering="total")
    def shown_total(self, order: Order) -> str:
        return formatted(order.total, order.currency)

    @admin.display(description=_("agreed to"))
    def shown_consents(self, order: Order) -> str:
        """Which versions of our texts, in which language, when."""
        texts = [
            (_("Terms"), order.terms_version),
            (_("Returns and refunds"), order.refund_version),
            (_("Privacy"), order.privacy_version),
        ]
        versions = " · ".join(f"{name} {version}" for name, version in texts if version)
        at = date_format(localtime(order.agreed_at), "DATETIME_FORMAT") if order.agreed_at else ""
        return " · ".join(part for part in (versions, order.language, at) if part)

    @admin.display(description=_("refunded"), ordering="refunded_total")
    def shown_refunded(self, order: Order) -> str:
        return formatted(order.refunded_total, order.currency) if order.refunded_total else "–"

    @admin.display(description=_("delivery address"))
    def label(self, order: Order) -> str:
        lines = formats.label(recipient=order.recipient, region=order.region, address=order.address)
        return format_html_join("", "{}<br>", ((line,) for line in lines)) if order.needs_shipping else "–"

    @admin.display(description=_("delivery method"))
    def shown_method(self, order: Order) -> str:
        tariff = TARIFFS.get(order.shipping_method)
        return str(tariff.label) if tariff else order.shipping_method or "–"

    @admin.display(description=_("delivery"))
    def ship_link(self, order: Order) -> str:
        if not order.needs_shipping or not order.is_paid:
            return "–"
        if not fulfilment.left_to_ship(order):
            return str(_("Shipped") if order.shipments.exists() else _("Nothing to ship any more"))
        if why_not_shipped(order):
            return why_not_shipped(order)
        return format_html(
            '<a class="button" href="{}">{}</a>',
            reverse("admin:checkout_order_ship", args=[order.pk]),
            _("Ship"),
        )

    @admin.display(description=_("hold"))
    def hold_link(self, order: Order) -> str:
        if not order.is_paid:
            return "–"
        return format_html(
            '<a class="button" href="{}">{}</a>',
            reverse("admin:checkout_order_hold", args=[order.pk]),
            _("Release from hold") if order.on_hold else _("Put on hold"),
        )

    @admin.display(description=_("cancellation"))
    def cancellation_link(self, order: Order) -> str:
        """What the customer asked, and what was answered."""
        if order.awaits_cancellation:
            url = reverse("admin:checkout_order_cancellation", args=[order.pk])
            return format_html('<a class="button" href="{}">{}</a>', url, _("Answer the request to cancel"))
        last = order.cancellations.last()
        return f"{last.get_state_display()}: {last.answer}".removesuffix(": ") if last else "–"

    @admin.display(description=_("refund"))
    def refund_link(self, order: Order) -> str:
        """The page belongs to the payments, which know the money; there is none before the first attempt."""
        if order.payment_started_at is None or order.is_refunded:
            return "–"
        url = reverse("admin:payments_refund_order", args=[order.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Refund"))

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
        left = fulfilment.left_to_ship(order) if order.is_paid else {}
        back = HttpResponseRedirect(reverse("admin:checkout_order_change", args=[order.pk]))
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
                    tracking_number=form.cleaned_data["tracking_number"].upper(),
                    quantities=form.quantities(),
                    actor=request.user.get_username(),
                    seen=request.POST.get("seen"),
                )
            except fulfilment.AddressChanged:
                text = _("The customer has corrected the address. Nothing was shipped; please look again.")
                messages.warning(request, text)
                return HttpResponseRedirect(request.path)
            except fulfilment.OnHold:
                messages.warning(request, _("This order has just been put on hold. Nothing was shipped."))
                return back
            except fulfilment.NothingToShip:
                messages.warning(request, _("Part of this order has just been shipped. Please look again."))
                return back
            messages.success(request, _("The parcel is recorded; the customer receives the shipping e-mail."))
            return back
        context = {
            **self.admin_site.each_context(request),
            "title": _("Ship order %(number)s") % {"number": order.number},
            "order": order,
            "form": form,
            "label": formats.label(recipient=order.recipient, region=order.region, address=order.address),
            "tariff": TARIFFS.get(order.shipping_method),
            "opts": self.opts,
        }
        return render(request, "admin/checkout/order/ship.html", context)

    def hold_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """The page behind "Put on hold" and "Release from hold"."""
        order = get_object_or_404(Order, pk=order_id)
        if not self.has_change_permission(request, order):
            raise PermissionDenied
        if request.method == "POST":
            on_hold = request.POST.get("on_hold") == "yes"
            note = " ".join(request.POST.get("note", "").split())[:200]
            fulfilment.set_hold(order.pk, on_hold=on_hold, actor=request.user.get_username(), note=note)
            text = (
                _("The order is on hold: nothing is shipped.") if on_hold else _("The order can be shipped.")
            )
            messages.success(request, text)
            return HttpResponseRedirect(reverse("admin:checkout_order_change", args=[order.pk]))
        title = (
            _("Release order %(number)s from hold") if order.on_hold else _("Put order %(number)s on hold")
        )
        context = {
            **self.admin_site.each_context(request),
            "title": title % {"number": order.number},
            "order": order,
            "opts": self.opts,
        }
        return render(request, "admin/checkout/order/hold.html", context)

    def cancellation_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """The page behind "Answer the request to cancel"."""
        order = get_object_or_404(Order, pk=order_id)
        if not self.has_change_permission(request, order):
            raise PermissionDenied
        return answer_page(request, order, {**self.admin_site.each_context(request), "opts": self.opts})


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
