"""A consultant's desk: a case with its answers, the draft with its files, publishing and withdrawing."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from checkout.intake.refused import Refused
from checkout.intake.uploads import clean_name
from consulting import access, report_document, report_encryption
from consulting.models import Case, Report
from consulting.report_document import ReportDocument
from consulting.reports import attachments, services
from consulting.reports import context as pages
from consulting.reports.rendering import render as render_markdown
from shop.web.large_answers import FILES, few_at_once
from shop.web.unsent import give_back, takes_text
from shop.web.upload_handler import takes_files

from .access import consultants_only, user_of
from .forms import ReportForm, WithdrawalForm

REMOVE = "remove:"


@takes_files
@takes_text(ReportForm)
@consultants_only
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form", "text")
def case_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A case with its answers and its report. Whoever is not its consultant sees only what it is about."""
    case = get_object_or_404(Case.objects.with_order().with_risk().with_news(), pk=pk)
    if request.method != "POST":
        return _case_page(request, case)
    if not access.is_assigned(request.user, case):
        raise PermissionDenied
    latest = services.latest(case)
    text = services.text_of(latest, user_of(request))
    action = request.POST.get("action", "")
    form = ReportForm(request.POST, correcting=_is_correcting(latest), needs_note=action == "publish")
    if request.FILES.get("report_pdf") or (text and text.report_file):
        form.fields["body"].required = False  # the covering letter
    if action == "autosave":
        return _autosave(request, case, form)
    if not form.is_valid():
        _tell_about_files(request, form)
        return _case_page(request, case, form=form)
    if action == "preview":
        _tell_about_files(request, form)
        preview = render_markdown(form.cleaned_data["body"])
        lang = report_document.LANG[form.cleaned_data["language"]]
        return _case_page(request, case, form=form, preview=preview, preview_lang=lang)
    return _save(request, case, form, action)


def _is_correcting(latest: Report | None) -> bool:
    return latest is not None and (latest.is_published or latest.version > 1)


def _tell_about_files(request: HttpRequest, form: ReportForm) -> None:
    """A browser does not choose files again by itself."""
    for name in request.FILES:
        if name in form.fields:
            form.add_error(name, _("Not kept yet. Please choose the files again when you save."))


@sensitive_variables()
def _autosave(request: HttpRequest, case: Case, form: ReportForm) -> JsonResponse:
    """What is typed so far becomes the draft, finished or not; a script asks for it and shows the answer."""
    for field in form.fields.values():
        field.required = False
    if not form.is_valid():
        problems = [str(problem) for field in form.errors.values() for problem in field]
        return JsonResponse({"told": " ".join(problems)}, status=422)
    typed = form.cleaned_data
    if not (typed["title"] or typed["body"]):
        return JsonResponse({"told": ""})
    try:
        report = _save_draft(request, case, typed)
    except services.NewerDraft:
        told = _("The draft was saved elsewhere since you opened it. Save it here to compare both.")
        return JsonResponse({"told": told}, status=409)
    except Refused as refusal:
        return JsonResponse({"told": refusal.message}, status=422)
    time = time_format(timezone.localtime(report.saved_at))
    return JsonResponse(
        {"seen": report.stamp, "told": _("The draft was saved at %(time)s.") % {"time": time}}
    )


@sensitive_variables()
def _save_draft(request: HttpRequest, case: Case, typed: dict[str, Any]) -> Report:
    """Raises NewerDraft, and Refused where there is no room for the files that a next version takes over."""
    return services.save_draft(
        case,
        author=user_of(request),
        title=typed["title"],
        body=typed["body"],
        note=typed.get("note", ""),
        language=typed["language"],
        seen=typed["seen"],
    )


@sensitive_variables()
def _save(request: HttpRequest, case: Case, form: ReportForm, action: str) -> HttpResponse:
    try:
        _save_draft(request, case, form.cleaned_data)
    except services.NewerDraft:
        newer = services.latest(case)
        form.now_seen(newer.stamp if newer else "")
        form.add_error(
            None,
            _("The draft was saved elsewhere since you opened it. Compare both; saving again replaces it."),
        )
        _tell_about_files(request, form)
        return _case_page(request, case, form=form, newer=services.text_of(newer, user_of(request)))
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return _case_page(request, case, form=form)
    if not _take_files(request, case, form):
        latest = services.latest(case)
        form.now_seen(latest.stamp if latest else "")
        messages.info(request, _("The text is saved."))
        return _case_page(request, case, form=form)
    if action.startswith(REMOVE):
        attachments.detach(case, author=user_of(request), name=action.removeprefix(REMOVE))
    if action == "publish":
        return redirect("consulting:publish", pk=case.pk)
    messages.success(request, _("The draft is saved."))
    return redirect("consulting:case", pk=case.pk)


@sensitive_variables()
def _take_files(request: HttpRequest, case: Case, form: ReportForm) -> bool:
    """Whether all could be report; if not, the fields say why."""
    for name in ("report_pdf", "attachments"):
        for file in request.FILES.getlist(name):
            try:
                attachments.attach(case, author=user_of(request), file=file, is_report=name == "report_pdf")
            except Refused as refusal:
                form.add_error(name, f"{clean_name(file.name or '')}: {refusal.message}")
    return form.is_valid()


@sensitive_variables()
def _case_page(request: HttpRequest, case: Case, form: ReportForm | None = None, **more: Any) -> HttpResponse:
    context: dict[str, Any] = {"case": case, "order": case.order, **more}
    context["is_open"] = access.line_is_open(case.line)
    context["may_write"] = access.is_assigned(request.user, case)
    context["may_read"] = access.may_read(request.user, case)
    context["may_take"] = access.may_take(request.user, case)
    context["may_withdraw"] = access.may_withdraw(request.user, case)
    if context["may_read"] or request.user.has_perm("consulting.assign_case"):
        context["withdrawn_because"] = case.withdrawn_because if case.state == Case.State.WITHDRAWN else None
    if context["may_read"]:
        latest = services.shown_version(case, user_of(request))
        text = services.text_of(latest, user_of(request))
        context["contact"], context["answers"] = services.open_answers(case, user_of(request))
        context["versions"] = case.reports.all()
        context["latest"] = latest
        context["files"] = _numbered_files(latest, text)
        context["form"] = form or _form_for(case, latest, text)
        context["last_message"] = case.messages.last()
    return render(request, "consulting/case.html", context)


@sensitive_variables()
def _numbered_files(latest: Report | None, text: ReportDocument | None) -> list[Any]:
    if latest is None or text is None:
        return []
    return [(file, _file_url(latest, number)) for number, file in enumerate(text.attachments, start=1)]


def _file_url(report: Report, number: int) -> str:
    return reverse("consulting:report_file", args=[report.case_id, report.version, number])


@sensitive_variables()
def _form_for(case: Case, latest: Report | None, text: ReportDocument | None) -> ReportForm:
    correcting = _is_correcting(latest)
    if latest is None or text is None:
        initial = pages.first_draft(case) | {"seen": latest.stamp if latest else ""}
        return ReportForm(initial=initial, correcting=correcting)
    initial = {
        "title": text.title,
        "body": text.text,
        "language": text.language or pages.preferred_language(case),
        "note": "" if latest.is_published else text.note,
        "seen": latest.stamp,
    }
    return ReportForm(initial=initial, correcting=correcting)


@consultants_only
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft as the client will see it, and the button that opens it to them."""
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.is_assigned(request.user, case):
        raise PermissionDenied
    draft = services.latest(case)
    text = services.text_of(draft, user_of(request))
    if draft is None or text is None:
        return redirect("consulting:case", pk=pk)
    if request.method == "POST":
        return _publish(request, draft)
    if draft.is_published:
        messages.info(request, _("This version is already published."))
        return redirect("consulting:case", pk=pk)
    context = pages.report_context(draft, text, file_url=lambda number: _file_url(draft, number))
    before = case.reports.filter(published_at__isnull=False).first()
    old = services.text_of(before, user_of(request))
    if old:
        context |= pages.comparison_context(old, text) | {"before": before}
    return render(request, "consulting/publish.html", context)


def _publish(request: HttpRequest, draft: Report) -> HttpResponse:
    try:
        services.publish(draft, actor=user_of(request).get_username(), seen=request.POST.get("seen", ""))
    except services.NewerDraft:
        messages.warning(request, _("The draft has changed since you saw it. Please check it once more."))
        return redirect("consulting:publish", pk=draft.case_id)
    except services.NothingToPublish:
        messages.error(request, _("The order is not open at present, so nothing was published."))
    except services.NoteMissing:
        messages.error(request, _("Please say what changed since the version before, then publish."))
    else:
        messages.success(request, _("The report is published. The client is being told by e-mail."))
    return redirect("consulting:case", pk=draft.case_id)


@consultants_only
@require_safe
@sensitive_variables()
def report_version(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """One version of the report, for its consultant, and what it changed."""
    report = _readable_version(request, pk, version)
    text = services.text_of(report, user_of(request))
    context: dict[str, Any] = {
        "case": report.case,
        "order": report.case.order,
        "report": report,
        "text": text,
    }
    if text:
        context |= pages.report_context(report, text, file_url=lambda number: _file_url(report, number))
    before = report.case.reports.filter(published_at__isnull=False, version__lt=version).first()
    old = services.text_of(before, user_of(request))
    if old and text:
        context |= pages.comparison_context(old, text) | {"before": before}
    return render(request, "consulting/version.html", context)


@consultants_only
@require_safe
@few_at_once(FILES)
@sensitive_variables()
def report_file(request: HttpRequest, pk: int, version: int, number: int) -> HttpResponseBase:
    """A file of one version, to save."""
    report = _readable_version(request, pk, version)
    try:
        opened = services.opened_by(report, user_of(request))
        if not 0 < number <= len(opened.text.attachments):
            raise Http404
        return attachments.download(opened, opened.text.attachments[number - 1])
    except report_encryption.Unreadable:
        messages.error(request, _("This file cannot be opened any more. Please add it again."))
        return redirect("consulting:case", pk=pk)


def _readable_version(request: HttpRequest, pk: int, version: int) -> Report:
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    if not access.may_read(request.user, case):
        raise PermissionDenied
    reports = Report.objects.select_related("case__line__order")
    return get_object_or_404(reports, case=case, version=version)


@takes_text(WithdrawalForm)
@consultants_only
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form", "reason")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the report back from the client, with a reason that they read."""
    case = get_object_or_404(Case.objects.with_order(), pk=pk)
    form = WithdrawalForm(request.POST or None)
    if not access.may_withdraw(request.user, case):
        if case.state == Case.State.WITHDRAWN:
            return _withdrawn_before(request, case, form)
        raise PermissionDenied
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        case = services.withdraw(case, actor=user_of(request).get_username(), reason=reason)
        if case.withdrawn_because != reason:
            return _withdrawn_before(request, case, form)
        messages.success(request, _("The report is withdrawn. The client reads your reason instead of it."))
        return redirect("consulting:case", pk=pk)
    return render(request, "consulting/withdraw.html", {"case": case, "order": case.order, "form": form})


def _withdrawn_before(request: HttpRequest, case: Case, form: WithdrawalForm) -> HttpResponse:
    """By a first click, or by somebody else, whose reason the client reads."""
    if form.is_valid() and form.cleaned_data["reason"] == case.withdrawn_because:
        return redirect("consulting:case", pk=case.pk)
    why = _("The report was withdrawn already; the client reads the reason that was given then.")
    return give_back(request, then=reverse("consulting:case", args=[case.pk]), why=why)
