"""The merchant's work list: find orders, see everything about one, send its parcels."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from checkout.addresses import formats
from checkout.models import Order
from checkout.orders.failed_mails import failed_mails, name_of
from checkout.shipping import fulfilment, waybills
from checkout.shipping.rates import TARIFFS
from shop.admin.search import TolerantSearch, email_address, phone_number
from shop.l10n.money import formatted
from shop.typed_values import numbers, tracking_numbers

from . import cancellation_views, correction_views, fulfilment_views, mailbox_views
from .filters import FulfilmentFilter, LanguageValues, MethodValues, RegionValues
from .inlines import EventInline, LineInline, ShipmentInline
from .permissions import shown_to

_MOST = 10**8  # no order costs so much; a telephone number may look like it


@admin.register(Order)
class OrderAdmin(TolerantSearch):
    view_on_site = False  # the order's page is its customer's
    readings = (email_address, phone_number)
    list_display = [
        "number",
        "ship_link",  # what can be done stays in sight, however narrow the window
        "placed_at",
        "shown_state",
        "recipient",
        "email",
        "shown_total",
        "paid_at",
    ]
    list_filter = [
        FulfilmentFilter,
        "status",
        "placed_at",
        ("region", RegionValues),
        ("language", LanguageValues),
        ("paid_with", MethodValues),
    ]
    search_fields = [
        "number",
        "email",
        "recipient",
        "phone",
        "lines__sku",
        "lines__name_zh_hant",
        "lines__name_en",
        "shipments__tracking_number",
        "=promo_code",
        *(f"address__{part}" for part in formats.PARTS),
    ]
    date_hierarchy = "placed_at"
    list_per_page = 50
    inlines = [LineInline, ShipmentInline, EventInline]
    fields = [
        "number", "shown_state", "placed_at", "paid_at", "shown_paid_with", "hold_until", "email",
        "shown_language", "label", "shown_phone", "shown_method", "delivery_note", "is_gift", "card_text",
        "shown_ships_by", "shown_total", "shown_sums", "shown_refunded", "shown_consents",
        "failed_mails", "mailbox", "mailbox_link", "correct_link", "promise_link", "ship_link", "hold_link",
        "cancellation_link", "refund_link", "payments_link",
    ]  # fmt: skip
    readonly_fields = fields  # type: ignore[assignment]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[str]:  # type: ignore[override]
        fields = shown_to(request.user, [str(name) for name in self.fields])
        # Whoever may change it reads it beside the button.
        return [name for name in fields if name != "mailbox" or "mailbox_link" not in fields]

    def get_list_display(self, request: HttpRequest) -> list[str]:  # type: ignore[override]
        return shown_to(request.user, [str(name) for name in self.list_display])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).prefetch_related("cancellations")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Adds orders by tracking number, with and without the waybill's blanks, and by what was paid."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        with suppress(ValueError):
            if abs(total := numbers.read_amount(search_term)) < _MOST:
                found |= queryset.filter(total=total)
        with suppress(tracking_numbers.NotANumber):
            parcels = waybills.with_number(tracking_numbers.normalise(search_term))
            found |= queryset.filter(Exists(parcels.filter(order=OuterRef("pk"))))
        return found, may_repeat

    def get_urls(self) -> list[URLPattern]:
        pages = (fulfilment_views, correction_views, cancellation_views, mailbox_views)
        own = [address for each in pages for address in each.urls(self.admin_site)]
        return [*own, *super().get_urls()]

    @admin.display(description=_("status"), ordering="status")
    def shown_state(self, order: Order) -> str:
        """The status, and the flags that stop the order."""
        flags = [
            (_("Disputed"), order.is_disputed),
            (_("On hold"), order.on_hold),
            (_("Cancellation requested"), order.awaits_cancellation),
        ]
        return " · ".join([order.shown_status, *(str(name) for name, is_set in flags if is_set)])

    @admin.display(description=_("language"))
    def shown_language(self, order: Order) -> str:
        return str(dict(settings.LANGUAGES).get(order.language, order.language))

    @admin.display(description=_("paid with"))
    def shown_paid_with(self, order: Order) -> str:
        return order.shown_paid_with or "–"

    @admin.display(description=_("leaves by"))
    def shown_ships_by(self, order: Order) -> str:
        return str(date_format(order.ships_by, "DATE_FORMAT")) if order.ships_by else "–"

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
        return " · ".join(part for part in (versions, self.shown_language(order), at) if part)

    @admin.display(description=_("refunded"), ordering="refunded_total")
    def shown_refunded(self, order: Order) -> str:
        return formatted(order.refunded_total, order.currency) if order.refunded_total else "–"

    @admin.display(description=_("delivery address"))
    def label(self, order: Order) -> str:
        lines = formats.label(recipient=order.recipient, region=order.region, address=order.address)
        return format_html_join("", "{}<br>", ((line,) for line in lines)) if order.needs_shipping else "–"

    @admin.display(description=_("phone"))
    def shown_phone(self, order: Order) -> str:
        return order.shown_phone or "–"

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
        if reason := fulfilment_views.why_not_shipped(order):
            return reason
        return format_html(
            '<a class="button" href="{}">{}</a>',
            reverse("admin:checkout_order_ship", args=[order.pk]),
            _("Ship"),
        )

    @admin.display(description=_("correction"))
    def correct_link(self, order: Order) -> str:
        if not order.is_paid or order.erased_at:
            return "–"
        url = reverse("admin:checkout_order_correct", args=[order.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Correct address or e-mail"))

    @admin.display(description=_("promised date"))
    def promise_link(self, order: Order) -> str:
        if not order.is_paid or not order.needs_shipping or not fulfilment.left_to_ship(order):
            return "–"
        url = reverse("admin:checkout_order_promise", args=[order.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Move the promised date"))

    @admin.display(description=_("mails that failed"))
    def failed_mails(self, order: Order) -> str:
        """What was not delivered, and why; each leads to where it can be sent again."""
        rows = [
            (reverse("admin:shop_outboxmessage_change", args=[mail.pk]), name_of(mail.topic), mail.last_error)
            for mail in failed_mails(order)
        ]
        return format_html_join("", '<a href="{}">{}</a>: {}<br>', rows) or "–"

    @admin.display(description=_("mailbox"))
    def mailbox(self, order: Order) -> str:
        if not order.mailbox_doubted_at:
            return "–"
        at = date_format(localtime(order.mailbox_doubted_at), "DATETIME_FORMAT")
        return str(_("In doubt since %(at)s: no link or order key goes to it.") % {"at": at})

    @admin.display(description=_("mailbox"))
    def mailbox_link(self, order: Order) -> str:
        if order.erased_at:
            return "–"
        url = reverse("admin:checkout_order_mailbox", args=[order.pk])
        if not order.mailbox_doubted_at:
            return format_html('<a class="button" href="{}">{}</a>', url, _("Mailbox in doubt"))
        button = format_html('<a class="button" href="{}">{}</a>', url, _("Trust the mailbox again"))
        return format_html("{}<br>{}", self.mailbox(order), button)

    @admin.display(description=_("hold"))
    def hold_link(self, order: Order) -> str:
        if not order.is_paid and not order.on_hold:
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
