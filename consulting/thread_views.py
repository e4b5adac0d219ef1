"""The pages on which client and consultant write to each other about a case."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from shop import throttle

from . import access, thread
from .forms import MessageForm, MessageToClientForm
from .models import Case
from .workspace import consultants_only, user_of

PURPOSE, MOST, MINUTES = "case-message", 20, 60


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def messages_of_client(request: HttpRequest, pk: int) -> HttpResponse:
    """The client's side, behind the order key."""
    grant = access.current_grant(request)
    if grant is None:
        return _kept(request) if request.method == "POST" else redirect("consulting:unlock")
    case = get_object_or_404(Case.objects.of(grant.order), pk=pk)
    if not access.line_is_open(case.line):
        return render(request, "consulting/not_ready.html", {"case": case, "order": grant.order})
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if throttle.is_exceeded_about(str(pk), PURPOSE, limit=MOST, minutes=MINUTES):
            form.add_error("text", _("You have written very often. Please send this in an hour."))
        else:
            return _send(case, form.cleaned_data["text"], request)
    shown = list(thread.entries(case))
    thread.note_seen(case, by_client=True)
    context = {"case": case, "order": grant.order, "entries": shown, "form": form, "is_open": True}
    return render(request, "consulting/messages.html", context)


def _kept(request: HttpRequest) -> HttpResponse:
    """The reports were locked while the client wrote: the text is on the page, for sending it again."""
    form = MessageForm(initial={"text": request.POST.get("text", "")[: thread.LONGEST]})
    return render(request, "consulting/message_kept.html", {"form": form}, status=403)


@sensitive_variables("text")
def _send(case: Case, text: str, request: HttpRequest) -> HttpResponse:
    try:
        message = thread.write_to_consultant(case, text=text)
    except thread.Closed:
        return redirect("consulting:messages", pk=case.pk)
    throttle.count_about(str(case.pk), PURPOSE)
    messages.success(request, _("Your message was sent."))
    if message.moved_to:
        day = date_format(message.moved_to)
        messages.info(request, _("Your report is now promised for %(date)s.") % {"date": day})
    return redirect("consulting:messages", pk=case.pk)


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
    context |= {"entries": list(thread.entries(case)), "is_open": access.line_is_open(case.line)}
    if may_write:
        thread.note_seen(case, by_client=False)
    return render(request, "consulting/case_messages.html", context)


@sensitive_variables("typed")
def _send_to_client(request: HttpRequest, case: Case, typed: dict[str, Any]) -> HttpResponse:
    needs_answer = bool(typed.get("needs_answer"))
    try:
        thread.write_to_client(case, author=user_of(request), text=typed["text"], needs_answer=needs_answer)
    except thread.Closed:
        messages.error(request, _("The order is not open at present, so nothing was sent."))
    else:
        messages.success(request, _("Your message was sent. The client is being told by e-mail."))
    return redirect("consulting:case_messages", pk=case.pk)


@consultants_only
@require_POST
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """The consultant needs the answer no longer."""
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.is_assigned(request.user, case):
        raise PermissionDenied
    thread.stop_waiting(case)
    messages.success(request, _("The working days are counted again."))
    return redirect("consulting:case_messages", pk=pk)
