"""What the client reads: the latest report, older versions, what changed, its files, and all to keep."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from checkout.models import Order
from consulting import access, report_encryption
from consulting.access import Grant
from consulting.keys import services as keys
from consulting.models import AccessLog, Case
from consulting.reports import archive, attachments
from consulting.reports import context as pages
from consulting.reports import services as reports
from shop.web.large_answers import FILES, few_at_once

logger = logging.getLogger(__name__)

What = AccessLog.What

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def _closed_at_once(view: View[Rest]) -> View[Rest]:
    """The key may be replaced or revoked between the look at the grant and the report."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except keys.NotOpened:
            return redirect("consulting:unlock")

    return cast("View[Rest]", guarded)


@never_cache
@require_safe
@_closed_at_once
@sensitive_variables()
def report(request: HttpRequest, pk: int, version: int | None = None) -> HttpResponse:
    """The report for reading, or a page that says when it will be there."""
    grant = access.current_grant(request)
    if grant is None:
        return redirect("consulting:unlock")
    case = get_object_or_404(Case.objects.of(grant.order), pk=pk)
    is_open = access.line_is_open(case.line)
    if not is_open or not case.is_published:
        return _not_ready(request, case, is_open=is_open)
    versions = list(case.reports.readable())
    if version is not None and version not in {each.version for each in versions}:
        raise Http404
    try:
        opened = reports.open_version(case, grant.order_key, version)
    except report_encryption.Unreadable:
        return _damaged(request, case)
    _note(request, What.REPORT, case.order, case)

    def file_url(number: int) -> str:
        return reverse("consulting:file_of_report", args=[pk, opened.report.version, number])

    context = pages.report_context(opened.report, opened.text, file_url=file_url)
    context |= {"versions": versions, "is_latest": opened.report == versions[0]}
    before = next((each for each in versions if each.version < opened.report.version), None)
    if before:
        context["before"] = before
        context["changes_url"] = reverse("consulting:changes", args=[pk, opened.report.version])
    return render(request, "consulting/report.html", context)


@never_cache
@require_safe
@_closed_at_once
@sensitive_variables()
def changes(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """This version beside the published one before it."""
    grant, case = _opened_case(request, pk)
    if grant is None or case is None:
        return redirect("consulting:unlock" if grant is None else "consulting:index")
    versions = {each.version: each for each in case.reports.readable()}
    earlier = [number for number in versions if number < version]
    if version not in versions or not earlier:
        raise Http404
    try:
        new = reports.open_version(case, grant.order_key, version)
        old = reports.open_version(case, grant.order_key, max(earlier))
    except report_encryption.Unreadable:
        return _damaged(request, case)
    _note(request, What.REPORT, case.order, case)
    context: dict[str, Any] = {"case": case, "order": grant.order, "report": new.report, "text": new.text}
    context |= {"before": old.report, **pages.comparison_context(old.text, new.text)}
    return render(request, "consulting/changes.html", context)


@never_cache
@require_safe
@few_at_once(FILES)
@_closed_at_once
@sensitive_variables()
def file(request: HttpRequest, pk: int, version: int, number: int) -> HttpResponseBase:
    """A file of the report, to save."""
    grant, case = _opened_case(request, pk)
    if grant is None or case is None:
        return redirect("consulting:unlock" if grant is None else "consulting:index")
    get_object_or_404(case.reports.readable(), version=version)
    try:
        opened = reports.open_version(case, grant.order_key, version)
        if not 0 < number <= len(opened.text.attachments):
            raise Http404
        response = attachments.download(opened, opened.text.attachments[number - 1])
    except report_encryption.Unreadable:
        return _damaged(request, case)
    _note(request, What.FILE, case.order, case)
    return response


@never_cache
@require_safe
@few_at_once(FILES)
@_closed_at_once
@sensitive_variables()
def download(request: HttpRequest) -> HttpResponseBase:
    """All reports of the order with their files, in one zip to keep."""
    grant = access.current_grant(request)
    if grant is None:
        return redirect("consulting:unlock")
    opened, closed = [], []
    for case in Case.objects.of(grant.order):
        if not case.is_published or not access.line_is_open(case.line):
            continue
        try:
            opened.append(reports.open_version(case, grant.order_key))
        except report_encryption.Unreadable:
            logger.error("The published report of case %s does not open", case.pk)
            closed.append(str(case))
    if not opened:
        messages.info(request, _("No report of this order is ready to be downloaded yet."))
        return redirect("consulting:index")
    _note(request, What.DOWNLOAD, grant.order)
    name = _("Reports")
    return StreamingHttpResponse(
        archive.pack(opened, missing=closed),
        content_type="application/zip",
        headers=attachments.SAVE_ONLY | attachments.named(f"{name}-{grant.order.number}.zip"),
    )


def _note(request: HttpRequest, what: AccessLog.What, order: Order, case: Case | None = None) -> None:
    """The client can read what was opened. Who asks for the headers alone has opened nothing."""
    if request.method != "HEAD":
        AccessLog.objects.note_look(order, what, case=case)


def _opened_case(request: HttpRequest, pk: int) -> tuple[Grant | None, Case | None]:
    """What this browser unlocked, and the case if its report may be read."""
    grant = access.current_grant(request)
    if grant is None:
        return None, None
    case = get_object_or_404(Case.objects.of(grant.order), pk=pk)
    return grant, case if case.is_published and access.line_is_open(case.line) else None


def _not_ready(request: HttpRequest, case: Case, *, is_open: bool) -> HttpResponse:
    context = {"case": case, "order": case.order, "is_open": is_open}
    return render(request, "consulting/not_ready.html", context)


def _damaged(request: HttpRequest, case: Case) -> HttpResponse:
    logger.error("The published report of case %s does not open", case.pk)
    context = {"case": case, "order": case.order, "is_open": True, "is_damaged": True}
    return render(request, "consulting/not_ready.html", context, status=503)
