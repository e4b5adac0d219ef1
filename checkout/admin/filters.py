"""Filters of the order list."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.admin import AllValuesFieldListFilter, SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from checkout.addresses import countries
from checkout.models import CancellationRequest, Order, Shipment
from checkout.models.order import PAYMENT_METHODS
from checkout.shipping import fulfilment


class NamedValues(AllValuesFieldListFilter):
    """An order without a region, or not paid yet, is a value too: its link needs a name to be read."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": self.name(str(choice["display"] or "–"))}

    def name(self, value: str) -> str:
        """What is no value of the column, such as "All", stays."""
        return value


class RegionValues(NamedValues):
    def name(self, value: str) -> str:
        return countries.name(value)


class LanguageValues(NamedValues):
    def name(self, value: str) -> str:
        return str(dict(settings.LANGUAGES).get(value, value))


class MethodValues(NamedValues):
    def name(self, value: str) -> str:
        return str(PAYMENT_METHODS.get(value, value))


class FulfilmentFilter(SimpleListFilter):
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
        is_asked = Exists(CancellationRequest.objects.filter(order=OuterRef("pk"), state="open"))
        match self.value():
            case "to-ship":
                free = queryset.filter(~is_asked, needs_shipping=True, on_hold=False, is_disputed=False)
                return fulfilment.to_ship(free)
            case "shipped":
                return queryset.filter(parcels)
            case "consulting":
                return queryset.filter(services_total__gt=0)
            case "on-hold":
                return queryset.filter(on_hold=True)
            case "cancellation":
                return queryset.filter(is_asked)
            case "disputed":
                return queryset.filter(is_disputed=True)
            case "refunded":
                return queryset.filter(refunded_total__gt=0)
        return queryset
