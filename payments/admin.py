"""Money in the admin: to look at, never to edit. One button: ask the gateway."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from . import services
from .models import GatewayEvent, LedgerEntry, Payment, Refund


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = [
        "reference",
        "order",
        "method",
        "status",
        "amount",
        "currency",
        "started_at",
        "needs_attention",
    ]
    list_filter = ["status", "method", "needs_attention"]
    search_fields = ["reference", "gateway_id", "capture_reference", "order__number"]
    fields = [
        "order", "method", "status", "amount", "currency", "reference", "started_at", "gateway_id",
        "capture_reference", "last4", "problem", "needs_attention", "next_check_at", "checks",
    ]  # fmt: skip
    actions = ["ask_gateway"]

    @admin.action(description=_("Ask the gateway now"), permissions=["view"])
    def ask_gateway(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        for payment in queryset:
            services.settle(payment)
        self.message_user(request, _("The gateway has been asked."))


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ["at", "gateway", "reference", "payment", "amount", "currency"]
    list_filter = ["gateway", "currency"]
    search_fields = ["reference", "payment__reference", "payment__order__number"]


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "payment", "amount", "reason", "status", "reference", "problem"]
    list_filter = ["status"]


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "gateway", "event_id", "is_verified", "processed_at", "payment"]
    list_filter = ["gateway", "is_verified"]
    fields = ["gateway", "event_id", "received_at", "is_verified", "processed_at", "payment"]
