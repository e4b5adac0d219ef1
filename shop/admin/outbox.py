"""The outbox in the admin: what has not been delivered yet, and why."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch
from shop.background import outbox
from shop.models import OutboxMessage


class UndeliveredFilter(admin.SimpleListFilter):
    title = _("sent or not")
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, object]]:  # type: ignore[override]
        return [
            ("open", _("not delivered")),
            ("failed", _("failed at least once")),
            ("given-up", _("given up")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        match self.value():
            case "open":
                return queryset.filter(delivered_at__isnull=True)
            case "given-up":
                return queryset.filter(delivered_at__isnull=True, given_up_at__isnull=False)
            case "failed":
                return queryset.filter(delivered_at__isnull=True).exclude(last_error="")
        return queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(TolerantSearch, ReadOnlyAdmin[OutboxMessage]):
    list_display = ["key", "created_at", "attempts", "due_at", "delivered_at", "given_up_at", "last_error"]
    list_filter = [UndeliveredFilter, "topic"]
    search_fields = ["key", "concerns"]
    actions = ["deliver_now"]

    @admin.action(description=_("Deliver now"), permissions=["view"])
    def deliver_now(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        chosen = queryset.count()
        due = outbox.try_again(queryset)
        if due:
            text = ngettext(
                "%(number)s message goes out within seconds.",
                "%(number)s messages go out within seconds.",
                due,
            )
            self.message_user(request, text % {"number": due})
        if sent := chosen - due:
            text = ngettext(
                "%(number)s was delivered before and is not sent again.",
                "%(number)s were delivered before and are not sent again.",
                sent,
            )
            self.message_user(request, text % {"number": sent}, messages.WARNING)
