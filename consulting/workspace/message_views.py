"""The page on which a case's consultant writes to the client."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from consulting import access, case_messages
from consulting.models import Case
from shop.web.unsent import refuse, takes_text

from .access import consultants_only, user_of
from .forms import MessageToClientForm


@takes_text(MessageToClientForm)
@consultants_only
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def messages_of_consultant(request: HttpRequest, pk: int) -> HttpResponse:
    """The consultant's side: who may read the case reads on, its consultant writes."""
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.may_read(request.user, case):
        raise PermissionDenied
    may_write = access.is_assigned(request.user, case)
    form = MessageToClientForm(request.POST or None, is_open=case.is_open)
    if request.method == "POST":
        if not may_write:
            raise PermissionDenied
        if form.is_valid():
            return _send_to_client(request, case, form.cleaned_data)
    context: dict[str, Any] = {"case": case, "order": case.order, "form": form, "may_write": may_write}
    context |= {"entries": list(case_messages.entries(case)), "is_open": access.line_is_open(case.line)}
    if may_write:
        case_messages.note_seen(case, by_client=False)
    return render(request, "consulting/case_messages.html", context)


@sensitive_variables("typed")
def _send_to_client(request: HttpRequest, case: Case, typed: dict[str, Any]) -> HttpResponse:
    needs_answer = bool(typed.get("needs_answer"))
    try:
        case_messages.write_to_client(
            case, author=user_of(request), text=typed["text"], needs_answer=needs_answer
        )
    except case_messages.Closed:
        why = _("The order is not open at present, so nothing was sent.")
        return refuse(request, then=reverse("consulting:case_messages", args=[case.pk]), why=why)
    messages.success(request, _("Your message was sent. The client is being told by e-mail."))
    return redirect("consulting:case_messages", pk=case.pk)


@consultants_only
@require_POST
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """The consultant needs the answer no longer."""
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.is_assigned(request.user, case):
        raise PermissionDenied
    case_messages.stop_waiting(case)
    messages.success(request, _("The working days are counted again."))
    return redirect("consulting:case_messages", pk=pk)
