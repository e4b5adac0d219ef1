"""The merchant's view of the catalogue: both languages side by side, stock beside each product."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import models
from django.db.models import Count, QuerySet
from django.forms import Textarea
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from shop.admin.kept_text import KeepsText
from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch
from shop.admin.stale_forms import NoStaleForms
from shop.l10n.money import formatted
from shop.typed_values.fields import FORM_FIELDS

from .admin_filters import Stock, Translation
from .admin_forms import ProductForm, QuestionForm, QuestionFormSet, TermsFormSet, VariantForm
from .models import (
    Absence,
    Category,
    FormerAddress,
    IntakeQuestion,
    Product,
    ServiceTerms,
    StockReceipt,
    Variant,
)

# Narrow enough for both languages to stand side by side.
SIDE_BY_SIDE: "Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]" = {
    **FORM_FIELDS,
    models.TextField: {**FORM_FIELDS[models.TextField], "widget": Textarea(attrs={"rows": 5, "cols": 38})},
}


class VariantInline(admin.StackedInline):  # type: ignore[type-arg]
    model = Variant
    formfield_overrides = FORM_FIELDS
    form = VariantForm
    min_num = 1
    validate_min = True
    extra = 0
    readonly_fields = ("on_hand", "reserved", "available")
    fields = (
        ("sku", "name_zh_hant", "name_en"),
        ("price", "was_price", "weight_g"),
        ("tracks_stock", "on_hand", "reserved", "available"),
        ("stock_change", "stock_note"),
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
        ("outline_zh_hant", "outline_en"),
    )


class IntakeQuestionInline(admin.StackedInline):  # type: ignore[type-arg]
    model = IntakeQuestion
    form = QuestionForm
    formset = QuestionFormSet
    formfield_overrides = FORM_FIELDS
    extra = 0
    classes = ("collapse",)
    fields = (
        ("key", "kind", "position"),
        ("label_zh_hant", "label_en"),
        ("help_zh_hant", "help_en"),
        "choices",
        "option_conditions",
        ("is_required", "may_follow"),
        ("is_personal", "is_third_person", "keep_days"),
        ("purpose_zh_hant", "purpose_en"),
        ("max_length", "pattern"),
        ("option_min", "option_max"),
        ("option_lunar", "option_past", "option_days_ahead", "option_not_before"),
        ("option_most", "option_max_mb", "option_accept"),
        "option_parts",
    )


@admin.register(Product)
class ProductAdmin(KeepsText, NoStaleForms, TolerantSearch):
    view_on_site = False  # its redirect would name any row of any app by its number
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
    prepopulated_fields = {"slug": ("name_en",)}  # of a new one
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

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _note_rename(obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The stock's rows say who changed it."""
        for part in formset.forms:
            if isinstance(part, VariantForm):
                part.actor = request.user.get_username()
        super().save_formset(request, form, formset, change)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """What was never ordered may go, and its receipts go with it: nobody deletes those by themselves."""
        shown, counts, lacking, protected = super().get_deleted_objects(objs, request)
        if protected:  # by rows that nobody may delete either: that is not the reason
            why = _("%(product)s was ordered. To take it out of the shop, untick “%(tick)s”.")
            tick = capfirst(Product._meta.get_field("is_active").verbose_name)
            of_one = super().get_deleted_objects
            ordered = [each for each in objs if of_one([each], request)[3]]
            return shown, counts, set(), [why % {"product": each, "tick": tick} for each in ordered]
        return shown, counts, lacking - {str(StockReceipt._meta.verbose_name)}, protected

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


@admin.register(StockReceipt)
class StockReceiptAdmin(TolerantSearch, ReadOnlyAdmin[StockReceipt]):
    """To look at: stock is changed on the product's page."""

    list_display = ("at", "variant", "kind", "quantity", "by", "note")
    list_filter = ("kind",)
    search_fields = ("variant__sku", "by", "note")
    list_select_related = ("variant",)


@admin.register(Category)
class CategoryAdmin(KeepsText, NoStaleForms):
    view_on_site = False  # its redirect would name any row of any app by its number
    list_display = ("name_zh_hant", "name_en", "slug", "position", "product_count")
    list_display_links = ("name_zh_hant", "name_en")
    list_editable = ("position",)
    prepopulated_fields = {"slug": ("name_en",)}  # of a new one
    formfield_overrides = SIDE_BY_SIDE
    fieldsets = (
        (None, {"fields": (("name_zh_hant", "name_en"), ("intro_zh_hant", "intro_en"))}),
        (None, {"fields": (("slug", "position"), "art")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        categories: QuerySet[Category] = super().get_queryset(request)
        return categories.annotate(number_of_products=Count("products"))

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _note_rename(obj, form, change)

    @admin.display(description=_("products"))
    def product_count(self, category: Any) -> int:
        return int(category.number_of_products)


@admin.register(Absence)
class AbsenceAdmin(NoStaleForms):
    formfield_overrides = FORM_FIELDS
    list_display = ("starts_on", "ends_on", "shown_service", "reason_zh_hant", "reason_en")
    list_display_links = ("starts_on", "ends_on")
    list_filter = ("service",)
    list_select_related = ("service",)
    date_hierarchy = "starts_on"
    fieldsets = (
        (None, {"fields": (("starts_on", "ends_on"), "service")}),
        (None, {"fields": (("reason_zh_hant", "reason_en"),)}),
    )

    @admin.display(description=_("service"), ordering="service")
    def shown_service(self, absence: Absence) -> str:
        return absence.service.name if absence.service else str(_("all services"))


def _note_rename(row: Product | Category, form: Any, change: bool) -> None:
    """Its page goes on being found where it was."""
    if change and "slug" in form.changed_data:
        FormerAddress.objects.note(row, form.initial["slug"])


def _counted(product: Product) -> list[Variant]:
    return [variant for variant in product.variants.all() if variant.tracks_stock]


def _total(numbers: Any) -> int | None:
    counted = list(numbers)
    return sum(counted) if counted else None
