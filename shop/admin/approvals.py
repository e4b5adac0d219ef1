"""Approvals in the admin: what waits, what would happen, and the two buttons."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch
from shop.audit import approvals
from shop.models import ApprovalRequest
from shop.typed_values.characters import fold
from shop.web.asks_again import asks_again

State = ApprovalRequest.State


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, object]]:  # type: ignore[override]
        return [("waiting", gettext_lazy("waiting")), ("over", gettext_lazy("decided or over"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ApprovalRequest]
    ) -> QuerySet[ApprovalRequest]:
        late = approvals.late().values("pk")
        match self.value():
            case "waiting":
                return queryset.filter(state=State.WAITING).exclude(pk__in=late)
            case "over":
                return queryset.exclude(state=State.WAITING) | queryset.filter(pk__in=late)
        return queryset


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(TolerantSearch, ReadOnlyAdmin[ApprovalRequest]):
    list_display = ["order_number", "what", "asked_by", "asked_at", "expires_at", "shown_state", "decided_by"]
    list_filter = [StateFilter]
    search_fields = ["order_number", "asked_by", "decided_by"]
    fields = ()
    change_form_template = "admin/approval.html"

    @admin.display(description=gettext_lazy("what"))
    def what(self, wish: ApprovalRequest) -> str:
        return str(approvals.kind_of(wish).label)

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, wish: ApprovalRequest) -> str:
        return str(State(approvals.state_of(wish)).label)

    # Whoever may ask for something may see what is asked for; there is no permission beside.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: ApprovalRequest | None = None) -> bool:
        user = cast("User", request.user)
        if obj is None:
            return bool(approvals.kinds_of(user))
        return approvals.seen_by(user).filter(pk=obj.pk).exists()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApprovalRequest]:
        """Who may see none of them is refused by the permission, not told that there is none."""
        user = cast("User", request.user)
        return approvals.seen_by(user) if approvals.kinds_of(user) else ApprovalRequest.objects.all()

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide_view)
        own = path("<int:approval_id>/decide/", decide, name="shop_approvalrequest_decide")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        wish = self.get_object(request, object_id)
        return super().change_view(
            request, object_id, form_url, self._context(request, wish) if wish else None
        )

    def _context(self, request: HttpRequest, wish: ApprovalRequest) -> dict[str, Any]:
        user, kind, state = cast("User", request.user), approvals.kind_of(wish), approvals.state_of(wish)
        is_open, is_own = state == State.WAITING, wish.asked_by == user.get_username()
        may_decide = user.has_perm(kind.permission)
        return {
            "title": _("Approval: %(what)s") % {"what": kind.label},
            "subtitle": None,
            "what": kind.label,
            "wish": wish,
            "state": State(state).label,
            "facts": kind.facts(wish) if is_open and may_decide else [],
            "is_open": is_open,
            "is_own": is_own,
            "may_approve": is_open and may_decide and not is_own,
            "is_alone": is_open and not approvals.others_who_may(wish.kind, wish.asked_by).exists(),
        }

    @asks_again
    def decide_view(self, request: HttpRequest, approval_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        user = cast("User", request.user)
        wish = get_object_or_404(approvals.seen_by(user), pk=approval_id)
        note = fold(request.POST.get("note", ""))
        try:
            if request.POST.get("decision") == "approve":
                self._tell(request, approvals.approve(wish.pk, user=user))
            else:
                approvals.decline(wish.pk, user=user, note=note)
                messages.success(request, _("Nothing is done. Whoever asked is told."))
        except approvals.Decided:
            messages.warning(
                request, _("This was decided before, or its time is over. Nothing was done now.")
            )
        except approvals.NotYours:
            raise PermissionDenied from None
        return HttpResponseRedirect(reverse("admin:shop_approvalrequest_change", args=[wish.pk]))

    def _tell(self, request: HttpRequest, wish: ApprovalRequest) -> None:
        if wish.state == State.APPROVED:
            messages.success(request, _("Approved and done. Whoever asked is told."))
        else:
            text = _("Nothing was done: something has changed since it was asked for. Please ask anew.")
            messages.success(request, text)  # a warning would take back that the request has ended
