"""Questions the merchant asks of the product list."""

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .availability import LOW_STOCK
from .models import Product


class Translation(admin.SimpleListFilter):
    title = _("translation")
    parameter_name = "translation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("missing_en", _("English missing")), ("missing_zh", _("Chinese missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        fields = {"missing_en": ("name_en", "text_en"), "missing_zh": ("name_zh_hant", "text_zh_hant")}
        missing = Q()
        for field in fields.get(self.value() or "", ()):
            missing |= Q(**{field: ""})
        return queryset.filter(missing)


class Stock(admin.SimpleListFilter):
    title = _("stock")
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("out", _("Sold out")), ("low", _("Low stock"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        most = {"out": 0, "low": LOW_STOCK}.get(self.value() or "")
        if most is None:
            return queryset
        scarce = Q(variants__tracks_stock=True, variants__is_active=True)
        scarce &= Q(variants__on_hand__lte=F("variants__reserved") + most)
        if most:
            scarce &= Q(variants__on_hand__gt=F("variants__reserved"))
        return queryset.filter(scarce).distinct()
