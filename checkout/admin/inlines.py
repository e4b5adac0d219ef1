"""What the admin's page of an order lists below it: lines, parcels, history. Nothing of it is typed."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from checkout.models import Order, OrderEvent, OrderLine, Shipment
from shop.admin.read_only import ReadOnlyInline
from shop.l10n.money import formatted
from shop.l10n.staff_notes import in_words

from .permissions import SHIP


class LineInline(ReadOnlyInline[OrderLine, Order]):
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


class ShipmentInline(ReadOnlyInline[Shipment, Order]):
    model = Shipment
    fields = ["carrier", "tracking_number", "contents", "shipped_at", "shipped_by", "correct_link"]
    readonly_fields = ["contents", "correct_link"]

    def get_fields(self, request: HttpRequest, obj: Order | None = None) -> list[str]:  # type: ignore[override]
        """Who may send a parcel may correct what was recorded of it."""
        is_shipper = request.user.has_perm(SHIP)
        return [str(name) for name in self.fields if is_shipper or name != "correct_link"]

    @admin.display(description=_("contents"))
    def contents(self, shipment: Shipment) -> str:
        packed = shipment.items.select_related("line")
        return format_html_join("", "{} × {}<br>", ((item.line.name, item.quantity) for item in packed))

    @admin.display(description=_("correct"))
    def correct_link(self, shipment: Shipment) -> str:
        """What it was before stands behind the link too."""
        url = reverse("admin:checkout_order_parcel", args=[shipment.order_id, shipment.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Correct"))


class EventInline(ReadOnlyInline[OrderEvent, Order]):
    model = OrderEvent
    fields = ["at", "shown_old_status", "shown_new_status", "shown_note", "actor"]
    readonly_fields = ["shown_old_status", "shown_new_status", "shown_note"]

    @admin.display(description=_("old status"))
    def shown_old_status(self, event: OrderEvent) -> str:
        return _status_label(event.old_status)

    @admin.display(description=_("new status"))
    def shown_new_status(self, event: OrderEvent) -> str:
        return _status_label(event.new_status)

    @admin.display(description=_("note"))
    def shown_note(self, event: OrderEvent) -> str:
        return in_words(event.note)


def _status_label(status: str) -> str:
    return str(Order.Status(status).label) if status else "–"
