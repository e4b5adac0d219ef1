"""The consultants' door: their cases, the clients' answers, and the writing of reports.

Whoever may change cases (a merchant, who assigns them) sees the lists and what a case is about. Taking a case
and opening one with the order key is for those who may write reports.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop import throttle

from . import access, services
from .forms import ConsultantKeyForm, ReportForm
from .models import Case, Report
from .rendering import render as render_markdown
from .views import MINUTES, MOST_WRONG, too_many

PURPOSE = "consultant-unlock"
PER_PAGE = 50
LISTS = {
    "mine": gettext_lazy("My cases"),
    "unassigned": gettext_lazy("To be assigned"),
    "open": gettext_lazy("All open"),
    "published": gettext_lazy("Published"),
}

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def consultants_only(view: View[Rest]) -> View[Rest]:
    """Strangers are asked to sign in, other members of staff are refused. Nothing here is ever stored."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        if not (request.user.is_staff and request.user.has_perm("consulting.change_case")):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[Rest]", never_cache(login_required(guarded)))


def writers_only(view: View[Rest]) -> View[Rest]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        if not request.user.has_perm("consulting.change_report"):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[Rest]", guarded)


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


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
    if throttle.is_exceeded(request, PURPOSE, limit=MOST_WRONG, minutes=MINUTES):
        return too_many(request)
    form = ConsultantKeyForm(request.POST)
    if form.is_valid():
        try:
            order = services.open_with_key(_user(request), form.cleaned_data["order_key"])
        except services.NotOpened:
            throttle.count(request, PURPOSE)
            form.add_error("order_key", _("This order key does not open a case."))
        else:
            return redirect(f"{reverse('consulting:cases')}?order={order.number}")
    return _list_page(request, form)


def _list_page(request: HttpRequest, form: ConsultantKeyForm) -> HttpResponse:
    number = request.GET.get("order", "").replace("\0", "")
    chosen = request.GET.get("show", "")
    chosen = "" if number else chosen if chosen in LISTS else "mine"
    found = {
        "": Case.objects.filter(line__order__number=number),
        "mine": Case.objects.open().filter(consultant=_user(request)),
        "unassigned": Case.objects.filter(state=Case.State.UNASSIGNED),
        "open": Case.objects.open(),
        "published": Case.objects.filter(state__in=Case.PUBLISHED),
    }[chosen]
    page = Paginator(found.with_order(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "lists": LISTS, "chosen": chosen, "number": number}
    return render(request, "consulting/cases.html", context)


@consultants_only
@writers_only
@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(Case, pk=pk)
    try:
        services.assign(case, _user(request), only_if_free=True)
    except services.AlreadyTaken:
        messages.warning(request, _("Another consultant has taken this case."))
    return redirect("consulting:case", pk=pk)


@consultants_only
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """A case with its answers and its report. Whoever is not its consultant sees only what it is about."""
    found = get_object_or_404(Case.objects.with_order(), pk=pk)
    if request.method != "POST":
        return _case_page(request, found)
    if not access.is_assigned(request.user, found):
        raise PermissionDenied
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _case_page(request, found, form=form)
    if request.POST.get("action") == "preview":
        return _case_page(request, found, form=form, preview=render_markdown(form.cleaned_data["body"]))
    return _save(request, found, form)


@sensitive_variables()
def _save(request: HttpRequest, found: Case, form: ReportForm) -> HttpResponse:
    typed = form.cleaned_data
    try:
        services.save_draft(
            found, author=_user(request), title=typed["title"], body=typed["body"], seen=typed["seen"]
        )
    except services.NewerDraft:
        newer = services.latest(found)
        form.now_seen(newer.stamp if newer else "")
        form.add_error(
            None,
            _("The draft was saved elsewhere since you opened it. Compare both; saving again replaces it."),
        )
        return _case_page(request, found, form=form, newer=services.text_of(newer))
    if request.POST.get("action") == "publish":
        return redirect("consulting:publish", pk=found.pk)
    messages.success(request, _("The draft is saved."))
    return redirect("consulting:case", pk=found.pk)


@sensitive_variables()
def _case_page(
    request: HttpRequest, found: Case, form: ReportForm | None = None, **more: Any
) -> HttpResponse:
    context: dict[str, Any] = {"case": found, "order": found.order, **more}
    context["may_write"] = access.is_assigned(request.user, found)
    context["may_read"] = access.may_read(request.user, found)
    if context["may_read"]:
        latest = services.latest(found)
        context["contact"], context["answers"] = services.open_answers(found, _user(request))
        context["versions"] = found.reports.all()
        context["latest"] = latest
        context["form"] = form or _form_for(latest)
    return render(request, "consulting/case.html", context)


@sensitive_variables()
def _form_for(latest: Report | None) -> ReportForm:
    text = services.text_of(latest)
    if latest is None or text is None:
        return ReportForm(initial={"seen": latest.stamp if latest else ""})
    return ReportForm(initial={"title": text.title, "body": text.text, "seen": latest.stamp})


@consultants_only
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft as the client will see it, and the button that opens it to them."""
    found = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.is_assigned(request.user, found):
        raise PermissionDenied
    draft = services.latest(found)
    text = services.text_of(draft)
    if draft is None or text is None:
        return redirect("consulting:case", pk=pk)
    if request.method == "POST":
        return _publish(request, draft)
    if draft.is_published:
        messages.info(request, _("This version is already published."))
        return redirect("consulting:case", pk=pk)
    context = {"case": found, "order": found.order, "report": draft, "text": text}
    return render(request, "consulting/publish.html", context | {"rendered": render_markdown(text.text)})


def _publish(request: HttpRequest, draft: Report) -> HttpResponse:
    try:
        services.publish(draft, actor=_user(request).get_username(), seen=request.POST.get("seen", ""))
    except services.NewerDraft:
        messages.warning(request, _("The draft has changed since you saw it. Please check it once more."))
        return redirect("consulting:publish", pk=draft.case_id)
    except services.NothingToPublish:
        messages.error(request, _("The order is not open at present, so nothing was published."))
    else:
        messages.success(request, _("The report is published. The client is being told by e-mail."))
    return redirect("consulting:case", pk=draft.case_id)


@consultants_only
@require_safe
@sensitive_variables()
def version(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """One version of the report, for its consultant."""
    found = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.may_read(request.user, found):
        raise PermissionDenied
    kept = get_object_or_404(Report.objects.select_related("case__line"), case=found, version=version)
    text = services.text_of(kept)
    context: dict[str, Any] = {"case": found, "order": found.order, "report": kept, "text": text}
    context["rendered"] = render_markdown(text.text) if text else None
    return render(request, "consulting/version.html", context)
