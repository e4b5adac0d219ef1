"""The outbox in the admin: what has not been delivered yet, and why."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from shop import clock
from shop.admin.read_only import ReadOnlyAdmin
from shop.models import OutboxMessage

# django_countries brings a translation that says "all countries", which every filter of the admin would show.
gettext_noop("All")


class UndeliveredFilter(admin.SimpleListFilter):
    title = _("delivery")
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, object]]:  # type: ignore[override]
        return [("open", _("not delivered")), ("failed", _("failed at least once"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        match self.value():
            case "open":
                return queryset.filter(delivered_at__isnull=True)
            case "failed":
                return queryset.filter(delivered_at__isnull=True).exclude(last_error="")
        return queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin[OutboxMessage]):
    list_display = ["key", "created_at", "attempts", "due_at", "delivered_at", "last_error"]
    list_filter = [UndeliveredFilter, "topic"]
    search_fields = ["key"]
    actions = ["deliver_now"]

    @admin.action(description=_("Deliver now"), permissions=["view"])
    def deliver_now(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        queryset.filter(delivered_at__isnull=True).update(due_at=clock.now(), claimed_until=None)
        self.message_user(request, _("The messages go out within seconds."))
