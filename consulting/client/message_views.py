"""The page on which the client writes to the consultant of a case."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from consulting import access, case_messages
from consulting.models import Case
from shop.web.rate_limit import RateLimit
from shop.web.unsent import give_back, holds_text, takes_text

from .forms import MessageForm
from .locked import ask_to_unlock

PER_CASE = RateLimit("case-message", limit=20, minutes=60)


@takes_text(MessageForm)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def messages_of_client(request: HttpRequest, pk: int) -> HttpResponse:
    """The client's side, behind the order key."""
    grant = access.current_grant(request)
    if grant is None:
        return ask_to_unlock(request)
    case = get_object_or_404(Case.objects.of(grant.order), pk=pk)
    if not access.line_is_open(case.line):
        return _closed(request, case)
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        taken = PER_CASE.take(str(pk))
        if taken:
            return _send(case, form.cleaned_data["text"], request, taken)
        form.add_error("text", _("You have written very often. Please send this in an hour."))
    shown = list(case_messages.entries(case))
    case_messages.note_seen(case, by_client=True)
    context = {"case": case, "order": grant.order, "entries": shown, "form": form, "is_open": True}
    return render(request, "consulting/messages.html", context)


def _closed(request: HttpRequest, case: Case) -> HttpResponse:
    """The page that says why nothing can be written any more."""
    if holds_text(request):
        why = _("This report is locked because its price was refunded.")
        return give_back(request, then=reverse("consulting:index"), why=why)
    return render(request, "consulting/not_ready.html", {"case": case, "order": case.order})


@sensitive_variables("text")
def _send(case: Case, text: str, request: HttpRequest, taken: list[int]) -> HttpResponse:
    try:
        message = case_messages.write_to_consultant(case, text=text)
    except case_messages.Closed:
        PER_CASE.release(taken)
        return _closed(request, case)
    messages.success(request, _("Your message was sent."))
    if message.moved_to:
        day = date_format(message.moved_to)
        messages.info(request, _("Your report is now promised for %(date)s.") % {"date": day})
    return redirect("consulting:messages", pk=case.pk)
