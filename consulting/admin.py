"""What the merchant sees of consulting: who works on what until when. Never a report, never a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from . import services
from .forms import consultants
from .models import AccessLog, Case, OrderKey

if TYPE_CHECKING:
    AnyAdmin: TypeAlias = admin.ModelAdmin[Any]
    _CaseAdmin: TypeAlias = admin.ModelAdmin[Case]
else:  # not generic when it runs
    AnyAdmin = _CaseAdmin = admin.ModelAdmin


class ReadOnly(AnyAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OrderKey)
class OrderKeyAdmin(ReadOnly):
    list_display = ["order", "last_group", "state", "issued_at"]
    list_filter = ["state"]
    search_fields = ["order__number", "last_group"]
    fields = ["order", "last_group", "state", "issued_at"]
    list_select_related = ["order"]


@admin.register(Case)
class CaseAdmin(_CaseAdmin):
    list_display = ["number", "service", "state", "due_on", "overdue", "consultant"]
    list_filter = ["state", "consultant", "due_on"]
    search_fields = ["line__order__number", "line__name_zh_hant", "line__name_en"]
    fields = ["number", "service", "subject", "state", "opened_at", "consultant", "due_on"]
    readonly_fields = ["number", "service", "subject", "state", "opened_at"]
    date_hierarchy = "due_on"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return super().get_queryset(request).select_related("line__order", "consultant")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False

    @admin.display(description=_("case"), ordering="line__order__number")
    def number(self, case: Case) -> str:
        return str(case)

    @admin.display(description=_("service"))
    def service(self, case: Case) -> str:
        return case.line.name

    @admin.display(description=_("overdue"), boolean=True)
    def overdue(self, case: Case) -> bool:
        return case.is_overdue

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "consultant":
            kwargs["queryset"] = consultants()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Case, form: ModelForm[Case], change: bool) -> None:
        if "consultant" in form.changed_data:
            if obj.consultant:
                services.assign(obj, obj.consultant)
            else:
                services.release(obj)
        if "due_on" in form.changed_data:
            Case.objects.filter(pk=obj.pk).update(due_on=obj.due_on)


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnly):
    list_display = ["at", "what", "who_or_client", "order", "case"]
    list_filter = ["what"]
    search_fields = ["order__number", "who"]
    fields = ["at", "what", "who_or_client", "order", "case"]
    list_select_related = ["order", "case__line__order"]

    @admin.display(description=_("who"))
    def who_or_client(self, entry: AccessLog) -> str:
        return entry.who or str(_("client"))
