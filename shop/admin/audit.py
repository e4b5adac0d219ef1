"""The audit trail in the admin, for the owner: by person, order, deed, day, or words that were searched."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch
from shop.audit import subjects, trail
from shop.models import AuditEntry

LONGEST_SEARCH = 200


class PersonFilter(admin.SimpleListFilter):
    title = gettext_lazy("who")
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        names = AuditEntry.objects.exclude(actor="").order_by("actor").values_list("actor", flat=True)
        return [(name, name) for name in names.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(actor=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(TolerantSearch, ReadOnlyAdmin[AuditEntry]):
    list_display = ["when", "actor", "deed", "order_number", "what", "told_detail", "network"]
    list_filter = [PersonFilter, "deed"]
    search_fields = ["order_number", "actor", "request_id", "network"]
    search_help_text = gettext_lazy(
        "An order number, user name, network address or request - or words that somebody may have searched."
    )
    fields = ["at", "actor", "deed", "order_number", "what", "page", "status", "detail"]
    fields += ["network", "session", "request_id"]
    readonly_fields = fields  # type: ignore[assignment]
    date_hierarchy = "at"
    show_full_result_count = False
    list_per_page = 50

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if words := search_term.strip()[:LONGEST_SEARCH]:
            digests = [f"search {digest}" for digest in trail.search_digests(words)]
            for digest in digests:
                found |= queryset.filter(deed=trail.Deed.SEARCH, detail__startswith=digest)
        return found, may_repeat

    @admin.display(description=gettext_lazy("at"), ordering="id")
    def when(self, entry: AuditEntry) -> str:
        return date_format(timezone.localtime(entry.at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("object"))
    def what(self, entry: AuditEntry) -> str:
        """The object in the admin, if it has a page there; else the page that was asked for."""
        name = subjects.name_of(entry.subject)
        if not name:
            return subjects.name_of_page(entry.page)
        text = f"{name} {entry.subject_id}"
        try:
            url = reverse(f"admin:{entry.subject.replace('.', '_')}_change", args=[entry.subject_id])
        except NoReverseMatch:
            return text
        return format_html('<a href="{}">{}</a>', url, text)

    @admin.display(description=gettext_lazy("details"))
    def told_detail(self, entry: AuditEntry) -> str:
        """A search is not told: its words are not kept."""
        if not entry.detail.startswith("search "):
            return entry.detail
        rest, hidden = entry.detail.partition(", ")[2], _("words that are not kept")
        return f"{hidden}; {rest}" if rest else hidden
