"""The merchant's view of the catalogue: both languages side by side, stock beside each product."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import models
from django.db.models import Count, QuerySet
from django.forms import Textarea
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shop.money import formatted

from .admin_filters import Stock, Translation
from .admin_forms import ProductForm, QuestionForm, TermsFormSet, VariantForm
from .models import Category, IntakeQuestion, Product, ServiceTerms, Variant

# Narrow enough for both languages to stand side by side.
SIDE_BY_SIDE: "Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]" = {
    models.TextField: {"widget": Textarea(attrs={"rows": 5, "cols": 38})}
}


class VariantInline(admin.StackedInline):  # type: ignore[type-arg]
    model = Variant
    form = VariantForm
    min_num = 1
    validate_min = True
    extra = 0
    readonly_fields = ("on_hand", "reserved", "available")
    fields = (
        ("sku", "name_zh_hant", "name_en"),
        ("price", "was_price", "weight_g"),
        ("tracks_stock", "on_hand", "reserved", "available", "stock_change"),
        ("position", "is_active"),
    )

    @admin.display(description=_("available"))
    def available(self, variant: Variant) -> int | None:
        return variant.available


class ServiceTermsInline(admin.StackedInline):  # type: ignore[type-arg]
    model = ServiceTerms
    formset = TermsFormSet
    extra = 0
    formfield_overrides = SIDE_BY_SIDE
    fields = (
        ("working_days", "max_subjects", "capacity_per_week"),
        ("unit_zh_hant", "unit_en"),
        ("included_zh_hant", "included_en"),
    )


class IntakeQuestionInline(admin.StackedInline):  # type: ignore[type-arg]
    model = IntakeQuestion
    form = QuestionForm
    extra = 0
    classes = ("collapse",)
    fields = (
        ("key", "kind", "position"),
        ("label_zh_hant", "label_en"),
        ("help_zh_hant", "help_en"),
        "choices",
        ("is_required", "is_personal", "keep_days"),
        ("max_length", "pattern"),
    )


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ProductForm
    formfield_overrides = SIDE_BY_SIDE
    inlines = (VariantInline, ServiceTermsInline, IntakeQuestionInline)
    list_display = (
        "code",
        "name_zh_hant",
        "name_en",
        "category",
        "prices",
        "on_hand",
        "reserved",
        "available",
        "is_active",
        "is_orderable",
    )
    list_display_links = ("code", "name_zh_hant", "name_en")
    list_filter = ("kind", "category", "is_active", "is_orderable", "is_featured", Stock, Translation)
    search_fields = ("code", "name_zh_hant", "name_en", "variants__sku")
    list_select_related = ("category",)
    save_on_top = True
    fieldsets = (
        (None, {"fields": (("code", "slug"), ("kind", "category"), ("name_zh_hant", "name_en"))}),
        (_("Texts"), {"fields": (("text_zh_hant", "text_en"),)}),
        (_("Picture"), {"fields": ("art", ("art_title_zh_hant", "art_title_en"))}),
        (
            _("Sale"),
            {
                "fields": (
                    ("is_active", "is_orderable", "is_featured", "position"),
                    ("available_from", "max_per_order"),
                    "ships",
                    "excluded_zones",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).prefetch_related("variants")

    @admin.display(description=_("price"))
    def prices(self, product: Product) -> str:
        prices = sorted({variant.price for variant in product.offers})
        return " – ".join(
            formatted(price, settings.CURRENCY) for price in dict.fromkeys(prices[:1] + prices[-1:])
        )

    @admin.display(description=_("on hand"))
    def on_hand(self, product: Product) -> int | None:
        return _total(variant.on_hand for variant in _counted(product))

    @admin.display(description=_("reserved"))
    def reserved(self, product: Product) -> int | None:
        return _total(variant.reserved for variant in _counted(product))

    @admin.display(description=_("available"))
    def available(self, product: Product) -> int | None:
        return _total(variant.on_hand - variant.reserved for variant in _counted(product))


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name_zh_hant", "name_en", "slug", "position", "product_count")
    list_display_links = ("name_zh_hant", "name_en")
    list_editable = ("position",)
    formfield_overrides = SIDE_BY_SIDE
    fieldsets = (
        (None, {"fields": (("name_zh_hant", "name_en"), ("intro_zh_hant", "intro_en"))}),
        (None, {"fields": (("slug", "position"), "art")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        categories: QuerySet[Category] = super().get_queryset(request)
        return categories.annotate(number_of_products=Count("products"))

    @admin.display(description=_("products"))
    def product_count(self, category: Any) -> int:
        return int(category.number_of_products)


def _counted(product: Product) -> list[Variant]:
    return [variant for variant in product.variants.all() if variant.tracks_stock]


def _total(numbers: Any) -> int | None:
    counted = list(numbers)
    return sum(counted) if counted else None
