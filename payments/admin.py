"""Money in the admin: to look at, never to edit. One button: ask the gateway."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from checkout.admin.filters import MethodValues
from checkout.models.order import PAYMENT_METHODS
from payments.attempts import admin_views as decision_views
from payments.attempts import settlement
from payments.attempts.explanations import explanation
from payments.health import admin_views as health_views
from payments.models import GatewayEvent, LedgerEntry, Payment, Refund
from payments.refunds import admin_views as refund_views
from payments.refunds.plan import is_explained, is_unexplained
from payments.refunds.services import can_be_retried
from payments.refunds.summaries import note_of
from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch, email_address
from shop.l10n.money import formatted
from shop.l10n.staff_notes import in_words
from shop.web.once import safe_to_repeat


@admin.register(Payment)
class PaymentAdmin(TolerantSearch, ReadOnlyAdmin[Payment]):
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
    more_lookups = ("problem",)  # money health leads here
    readings = (email_address,)
    search_fields = [
        "reference", "gateway_id", "capture_reference", "order__number", "order__email", "order__recipient",
    ]  # fmt: skip
    fields = [
        "order", "method", "status", "amount", "currency", "reference", "started_at", "gateway_id",
        "capture_reference", "last4", "shown_problem", "told_buyer", "approval_declined_at",
        "needs_attention", "next_check_at", "checks", "unused_money", "decision",
    ]  # fmt: skip
    readonly_fields = ["shown_problem", "told_buyer", "unused_money", "decision"]
    actions = ["ask_gateway"]

    @safe_to_repeat("its one action asks the gateways, and settles nothing twice")
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, extra_context)

    def get_urls(self) -> list[URLPattern]:
        own = [*health_views.urls(self.admin_site), *decision_views.urls(self.admin_site)]
        return [*own, *super().get_urls()]

    @admin.action(description=_("Ask the gateway now"), permissions=["view"])
    def ask_gateway(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        for payment in queryset:
            settlement.settle(payment)
        self.message_user(request, _("The gateway has been asked."))

    @admin.display(description=_("problem"))
    def shown_problem(self, payment: Payment) -> str:
        return in_words(payment.problem) or "–"

    @admin.display(description=_("the buyer reads"))
    def told_buyer(self, payment: Payment) -> str:
        """For whoever is asked about it: the gateway's code says less."""
        return str(explanation(payment) or "–")

    @admin.display(description=_("money that pays no order"))
    def unused_money(self, payment: Payment) -> str:
        if not payment.is_unused:
            return "–"
        url = reverse("admin:payments_return_payment", args=[payment.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Give it back"))

    @admin.display(description=_("decision of a person"))
    def decision(self, payment: Payment) -> str:
        if not payment.needs_attention:
            return "–"
        url = reverse("admin:payments_payment_decide", args=[payment.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Decide"))


class NamesGateway:
    """Mixin: the gateway by its name, not by the code in its column."""

    @admin.display(description=_("gateway"), ordering="gateway")
    def shown_gateway(self, row: LedgerEntry | GatewayEvent) -> str:
        return str(PAYMENT_METHODS.get(row.gateway, row.gateway))


@admin.register(LedgerEntry)
class LedgerEntryAdmin(NamesGateway, TolerantSearch, ReadOnlyAdmin[LedgerEntry]):
    list_display = ["at", "shown_gateway", "reference", "payment", "amount", "currency"]
    list_filter = [("gateway", MethodValues), "currency"]
    search_fields = ["reference", "payment__reference", "payment__order__number"]
    fields = ["payment", "shown_gateway", "kind", "reference", "amount", "currency", "at"]
    readonly_fields = ["shown_gateway"]


@admin.register(Refund)
class RefundAdmin(TolerantSearch, ReadOnlyAdmin[Refund]):
    list_display = [
        "started_at", "order", "shown_amount", "origin", "status", "next_step", "problem", "reason", "actor",
    ]  # fmt: skip
    list_filter = ["status", "origin", "payment__method"]
    list_select_related = ["payment__order"]
    search_fields = ["payment__reference", "payment__order__number", "reference"]
    date_hierarchy = "started_at"
    fields = [
        "order", "payment", "shown_amount", "shown_lines", "origin", "status", "next_step", "problem",
        "reason", "actor", "reference", "started_at", "done_at",
    ]  # fmt: skip
    readonly_fields = fields  # type: ignore[assignment]

    def get_urls(self) -> list[URLPattern]:
        return [*refund_views.urls(self.admin_site), *super().get_urls()]

    @admin.display(description=_("order"), ordering="payment__order__number")
    def order(self, refund: Refund) -> str:
        url = reverse("admin:checkout_order_change", args=[refund.payment.order_id])
        return format_html('<a href="{}">{}</a>', url, refund.payment.order)

    @admin.display(description=_("amount"), ordering="amount")
    def shown_amount(self, refund: Refund) -> str:
        return formatted(refund.amount, refund.payment.captured_currency)

    @admin.display(description=_("for"))
    def shown_lines(self, refund: Refund) -> str:
        note = note_of(refund)
        rows = [(f"{row.line.name} × {row.quantity}", row.amount) for row in note.rows]
        rows += [(str(_("Shipping fee")), refund.shipping), (str(_("Other amount")), note.other)]
        shown = ((name, formatted(amount, note.currency)) for name, amount in rows if amount)
        return format_html_join("", "{}: {}<br>", shown) or "–"

    @admin.display(description=_("next step"))
    def next_step(self, refund: Refund) -> str:
        """What a person can do about it."""
        if can_be_retried(refund):
            view, text = "payments_refund_retry", _("Try again")
        elif is_unexplained(refund) and refund.payment.pays_order:
            view, text = "payments_refund_explain", _("Say what it was for")
        elif is_explained(refund) and refund.payment.pays_order:
            view, text = "payments_refund_explain", _("Correct what it was for")
        else:
            return "–"
        return format_html(
            '<a class="button" href="{}">{}</a>', reverse(f"admin:{view}", args=[refund.pk]), text
        )


@admin.register(GatewayEvent)
class GatewayEventAdmin(NamesGateway, ReadOnlyAdmin[GatewayEvent]):
    list_display = ["received_at", "shown_gateway", "event_id", "is_verified", "processed_at", "payment"]
    list_filter = [("gateway", MethodValues), "is_verified"]
    fields = ["shown_gateway", "event_id", "received_at", "is_verified", "processed_at", "payment"]
    readonly_fields = ["shown_gateway"]
