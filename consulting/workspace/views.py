"""The consultants' door: their cases and the clients' files. Reports are written in ``report_views``.

Whoever may change cases (a merchant, who assigns them) sees the lists and what a case is about. Taking a case
and opening one with the order key is for those who may write reports.
"""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from checkout.intake import uploads
from checkout.models import Upload
from consulting import access
from consulting.keys import services as keys
from consulting.keys import throttle as key_throttle
from consulting.keys.views import too_many
from consulting.models import Case
from consulting.reports import services as reports
from shop.web.large_answers import FILES, few_at_once

from .access import consultants_only, user_of, writers_only
from .forms import ConsultantKeyForm

PER_PAGE = 50
LISTS = {
    "mine": gettext_lazy("My cases"),
    "unassigned": gettext_lazy("To be assigned"),
    "open": gettext_lazy("All open"),
    "at-risk": gettext_lazy("Due during an absence"),
    "published": gettext_lazy("Published"),
}


@consultants_only
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    return _list_page(request, ConsultantKeyForm())


@consultants_only
@writers_only
@require_POST
@sensitive_post_parameters()
@sensitive_variables("form")
def open_with_key(request: HttpRequest) -> HttpResponse:
    """The client read out the order key."""
    form = ConsultantKeyForm(request.POST)
    if form.is_valid():
        try:
            look_up = key_throttle.count_look_up(request, key_throttle.BY_CONSULTANTS)
            order = keys.open_with_key(user_of(request), form.cleaned_data["order_key"])
        except key_throttle.LimitReached:
            return too_many(request)
        except keys.NotOpened:
            key_throttle.alarm_if_many()
            form.add_error("order_key", _("This order key does not open a case."))
        else:
            look_up.release()
            return redirect(f"{reverse('consulting:cases')}?order={order.number}")
    return _list_page(request, form)


def _list_page(request: HttpRequest, form: ConsultantKeyForm) -> HttpResponse:
    number = request.GET.get("order", "").replace("\0", "")
    chosen = request.GET.get("show", "")
    chosen = "" if number else chosen if chosen in LISTS else "mine"
    cases_of_list = {
        "": Case.objects.filter(line__order__number=number),
        "mine": Case.objects.open().filter(consultant=user_of(request)),
        "unassigned": Case.objects.free(),
        "open": Case.objects.open(),
        "at-risk": Case.objects.at_risk(),
        "published": Case.objects.filter(state__in=Case.PUBLISHED),
    }[chosen]
    page = Paginator(cases_of_list.with_order().with_risk().with_news(), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "form": form, "lists": LISTS, "chosen": chosen, "number": number}
    return render(request, "consulting/cases.html", context)


@consultants_only
@writers_only
@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(Case, pk=pk)
    try:
        reports.assign(case, user_of(request), only_if_free=True)
    except reports.AlreadyTaken:
        messages.warning(request, _("Another consultant has taken this case."))
    except reports.NotFree:
        messages.warning(
            request, _("This case cannot be taken: it is done, or was taken off you. Ask the merchant.")
        )
    except reports.CancellationAsked:
        messages.warning(request, _("The client has asked to cancel. Nobody begins until that is answered."))
    return redirect("consulting:case", pk=pk)


@consultants_only
@require_safe
@few_at_once(FILES)
def answer_file(request: HttpRequest, pk: int, file: int) -> HttpResponseBase:
    """A file that the client sent with the answers, to save."""
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.may_read(request.user, case):
        raise PermissionDenied
    files = Upload.objects.filter(intakes__line=case.line_id, intakes__subject__in=[0, case.subject])
    found = get_object_or_404(files.distinct(), pk=file)
    reports.open_answers(case, user_of(request))  # leaves its line in the client's access log
    return uploads.download(request, found)
