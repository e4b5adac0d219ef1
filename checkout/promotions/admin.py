"""The merchant's promo codes."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from checkout.models import Promotion
from shop.admin.search import TolerantSearch
from shop.l10n.money import formatted
from shop.typed_values.fields import FORM_FIELDS, WholeNumberField


class PromotionForm(forms.ModelForm):  # type: ignore[type-arg]
    percent = WholeNumberField(
        label=capfirst(_("percent")), required=False, min_value=1, max_value=100, unit="%"
    )

    class Meta:
        model = Promotion
        fields = "__all__"

    def _update_errors(self, errors: ValidationError) -> None:
        """What could not be read is not also missing: the row sees only that nothing is there."""
        if hasattr(errors, "error_dict"):
            fresh = {name: why for name, why in errors.error_dict.items() if name not in self.errors}
            errors.error_dict = fresh
        super()._update_errors(errors)  # type: ignore[misc]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        is_named, products = cleaned.get("scope") == Promotion.Scope.NAMED, cleaned.get("products")
        if is_named and not products:
            self.add_error("products", _("Please choose what the code applies to."))
        if not is_named and products:
            self.add_error("products", _("Leave this empty, or let the code apply to what is chosen here."))
        is_shipping = cleaned.get("kind") == Promotion.Kind.FREE_SHIPPING
        if is_shipping and cleaned.get("scope") == Promotion.Scope.SERVICES:
            self.add_error("scope", _("Services are not shipped."))
        if is_named and is_shipping and products and not any(product.ships for product in products):
            self.add_error("products", _("None of these is shipped."))
        return cleaned

    def clean_max_uses(self) -> int | None:
        limit: int | None = self.cleaned_data["max_uses"]
        used = self.instance.redemptions.filter(released_at=None).count() if self.instance.pk else 0
        if limit is not None and limit < used:
            text = _("%(used)s orders have used it already. To end it, make it inactive.")
            raise ValidationError(text % {"used": used})
        return limit


@admin.register(Promotion)
class PromotionAdmin(TolerantSearch):
    form = PromotionForm
    formfield_overrides = FORM_FIELDS
    list_display = ["code", "shown_name", "shown_value", "scope", "shown_uses", "shown_dates", "is_active"]
    list_filter = ["is_active", "kind", "scope"]
    search_fields = ["code", "name_zh_hant", "name_en"]
    filter_horizontal = ["products"]
    readonly_fields = ["shown_uses"]
    fieldsets = [
        (None, {"fields": ["code", ("name_zh_hant", "name_en"), "is_active"]}),
        (_("What it takes off"), {"fields": [("kind", "percent", "amount"), "scope", "products"]}),
        (
            _("When it applies"),
            {"fields": [("minimum_value", "minimum_quantity"), ("valid_from", "valid_until")]},
        ),
        (
            _("Limits"),
            {"fields": [("max_uses", "shown_uses"), ("once_per_email", "first_order_only")]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).with_uses()  # type: ignore[attr-defined, no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A code that orders have used stays: they name it."""
        is_used = isinstance(obj, Promotion) and obj.redemptions.exists()
        return super().has_delete_permission(request, obj) and not is_used

    @admin.display(description=_("name"))
    def shown_name(self, promotion: Promotion) -> str:
        return promotion.name

    @admin.display(description=_("takes off"))
    def shown_value(self, promotion: Promotion) -> str:
        match promotion.kind:
            case Promotion.Kind.PERCENT:
                return f"{promotion.percent} %"
            case Promotion.Kind.AMOUNT if promotion.amount is not None:
                return formatted(promotion.amount, settings.CURRENCY)
        return str(promotion.get_kind_display())

    @admin.display(description=_("used"))
    def shown_uses(self, promotion: Any) -> str:
        used = getattr(promotion, "used", 0)
        return f"{used} / {promotion.max_uses}" if promotion.max_uses else str(used)

    @admin.display(description=_("valid"))
    def shown_dates(self, promotion: Promotion) -> str:
        if not (promotion.valid_from or promotion.valid_until):
            return str(_("always"))
        return f"{promotion.valid_from or ''} – {promotion.valid_until or ''}".strip()
