"""What the merchant sees of consulting: who works on what until when. Never a report, never a key."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import ForeignKey, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch
from shop.admin.stale_forms import NoStaleForms
from shop.typed_values.fields import FORM_FIELDS
from shop.typed_values.promised_days import check_promised

from .keys import services as keys
from .keys.admin import OrderKeyAdmin as OrderKeyAdmin  # registers itself
from .models import AccessLog, Case, CaseQuerySet
from .reports import services as reports

if TYPE_CHECKING:
    AnyAdmin: TypeAlias = admin.ModelAdmin[Any]
    _CaseAdmin: TypeAlias = admin.ModelAdmin[Case]
else:  # not generic when it runs
    AnyAdmin = _CaseAdmin = admin.ModelAdmin


def _consultants() -> QuerySet[User]:
    """Users a case can be given to."""
    writers: QuerySet[User] = User.objects.with_perm(
        "consulting.change_report",
        backend="django.contrib.auth.backends.ModelBackend",
        include_superusers=False,
    )
    return writers.filter(is_staff=True)


class RiskFilter(admin.SimpleListFilter):
    title = _("promise")
    parameter_name = "promise"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("at-risk", _("Due during an absence")), ("waiting", _("Waiting for details"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        match self.value():
            case "at-risk":
                return queryset.filter(pk__in=Case.objects.at_risk())
            case "waiting":
                return queryset.filter(state__in=Case.OPEN, line__waits_for_details=True)
        return queryset


class CaseForm(ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Case
        fields = ["consultant", "due_on"]

    def clean_due_on(self) -> dt.date:
        """What was promised stays, even if that day is over; another day is told to the client."""
        day: dt.date = self.cleaned_data["due_on"]
        if "due_on" in self.changed_data:
            check_promised(day)
        return day


@admin.register(Case)
class CaseAdmin(NoStaleForms, TolerantSearch):
    form = CaseForm
    formfield_overrides = FORM_FIELDS
    list_display = ["number", "service", "state", "due_on", "overdue", "at_risk", "waiting", "consultant"]
    list_filter = [RiskFilter, "state", "consultant", "due_on"]
    search_fields = ["line__order__number", "line__name_zh_hant", "line__name_en"]
    fields = ["number", "service", "subject", "state", "opened_at", "consultant", "due_on"]
    readonly_fields = ["number", "service", "subject", "state", "opened_at"]
    date_hierarchy = "due_on"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        cases = cast("CaseQuerySet", super().get_queryset(request))
        return cases.with_order().with_risk()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        """A consultant may change cases in the workspace, but not take one from another consultant here."""
        return super().has_change_permission(request, obj) and request.user.has_perm("consulting.assign_case")

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

    @admin.display(description=_("due during an absence"), boolean=True)
    def at_risk(self, case: Case) -> bool:
        return case.is_at_risk

    @admin.display(description=_("waits for details"), boolean=True)
    def waiting(self, case: Case) -> bool:
        return case.waits_for_details

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "consultant":
            kwargs["queryset"] = _consultants()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Case, form: ModelForm[Case], change: bool) -> None:
        if "consultant" in form.changed_data:
            if obj.consultant:
                self._assign(request, obj, obj.consultant)
            else:
                reports.release(obj)
        if "due_on" in form.changed_data:
            keys.move_due_date(obj, obj.due_on, actor=request.user.get_username())

    def _assign(self, request: HttpRequest, case: Case, consultant: User) -> None:
        try:
            reports.assign(case, consultant)
        except reports.CancellationAsked:
            text = _("The client has asked to cancel. Nobody begins until that is answered.")
            messages.warning(request, text)


@admin.register(AccessLog)
class AccessLogAdmin(TolerantSearch, ReadOnlyAdmin[AccessLog]):
    list_display = ["at", "what", "who_or_client", "order", "case"]
    list_filter = ["what"]
    search_fields = ["order__number", "who"]
    fields = ["at", "what", "who_or_client", "order", "case"]
    list_select_related = ["order", "case__line__order"]

    @admin.display(description=_("who"))
    def who_or_client(self, entry: AccessLog) -> str:
        return entry.who or str(_("client"))
