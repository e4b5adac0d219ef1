"""After payment: the answers that were left for later, and the files that were sent."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from catalog.models import IntakeQuestion
from checkout import order_access
from checkout.forms import kept_fields
from checkout.forms.form_data import initial_of, query_of
from checkout.models import Intake, Order, Upload
from shop.web.large_answers import FILES, few_at_once
from shop.web.unsent import give_back, takes_text
from shop.web.upload_handler import takes_files

from . import answers, uploads
from .forms import IntakeForm, answer_of


@dataclass(frozen=True)
class SubjectForm:
    """What is still missing about one subject."""

    intake: Intake
    form: IntakeForm


@takes_files
@takes_text()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def details(request: HttpRequest, token: str) -> HttpResponse:
    """The missing questions of each subject. Complete answers are stored, the others kept as typed."""
    order = get_object_or_404(Order, token=token)
    if not order_access.is_placed_here(request, order):
        return order_access.ask_for_order_key(request)
    name = _("Order %(number)s") % {"number": order.number}
    return ask_for_details(request, order, back=order.get_absolute_url(), back_name=name)


def ask_for_details(request: HttpRequest, order: Order, *, back: str, back_name: str) -> HttpResponse:
    """The page for somebody who is known to be the client; ``back`` is where they came from."""
    subjects = answers.incomplete(order) if order.is_paid else []
    late = _late(request, order, subjects)
    if not subjects and not late:
        return redirect(back)
    link = {"back": back, "back_name": back_name}
    if request.method != "POST":
        return _page(request, order, [SubjectForm(each, _form(each)) for each in subjects], link)
    parts = [SubjectForm(each, _validated(request, each)) for each in subjects]
    try:
        for part in parts:
            _store(request, part)
    except Intake.DoesNotExist:  # erased meanwhile, all of them
        return give_back(request, then=back, why=uploads.too_late())
    if late:
        return give_back(request, then=back, why=uploads.too_late(), only=late)
    if any(part.form.errors for part in parts):
        return _page(request, order, parts, link)
    left = len(answers.missing_answers(order))
    if left == 0:
        messages.success(request, _("Thank you. Your details are complete."))
        return redirect(back)
    messages.info(request, _("Saved. Answers still missing: %(count)s.") % {"count": left})
    return redirect(request.path)


def _late(request: HttpRequest, order: Order, open_ones: Collection[Intake]) -> set[str]:
    """Names of the fields that were typed in vain: they ask for nothing any more, and say something else."""
    late: set[str] = set()
    if request.method != "POST":
        return late
    for intake in Intake.objects.filter(line__order=order).select_related("line__variant__product"):
        prefix = f"i{intake.pk}-"
        typed = {name for name in request.POST if name.startswith(prefix) and request.POST[name].strip()}
        if typed:
            missing = intake.missing_keys if intake in open_ones else []
            wanted = {f"{prefix}{key}" for key in missing} | _same(request, intake)
            late |= {name for name in typed if not any(_is_of(question, name) for question in wanted)}
    return late


def _is_of(question: str, name: str) -> bool:
    """Whether the field is the question's, or one of its parts."""
    return name == question or name.startswith((f"{question}.", f"{question}_"))


def _same(request: HttpRequest, intake: Intake) -> set[str]:
    """Names of the questions that are answered as they were before."""
    questions = intake.line.variant.product.questions.all()
    before = {answer["key"]: answer.get("value") for answer in intake.answers}
    prefix = f"i{intake.pk}"
    form = IntakeForm(request.POST, questions=questions, earlier=before, is_partial=True, prefix=prefix)
    form.full_clean()
    known = [key for key, value in form.answered.items() if key in before and before[key] == value]
    return {form.add_prefix(key) for key in known}


def _form(subject: Intake, data: object = None, problems: dict[str, list[str]] | None = None) -> IntakeForm:
    received: dict[str, list[Upload]] = {}
    for upload in subject.uploads.all():
        received.setdefault(upload.field, []).append(upload)
    form = IntakeForm(
        data,
        questions=answers.questions_left(subject),
        uploads=received,
        problems=problems,
        earlier={answer["key"]: answer["value"] for answer in subject.answers},
        is_partial=True,
        prefix=f"i{subject.pk}",
    )
    if data is None:
        form.initial = initial_of(form, query_of(subject.typed))
    return form


def _validated(request: HttpRequest, subject: Intake) -> IntakeForm:
    file_questions = {
        form.add_prefix(key): ask.question
        for form in [_form(subject)]
        for key, ask in form.asks.items()
        if ask.question.kind == IntakeQuestion.Kind.FILE
    }
    problems = uploads.receive(request, subject, file_questions) if request.FILES else {}
    form = _form(subject, request.POST, problems)
    form.full_clean()
    return form


def _store(request: HttpRequest, part: SubjectForm) -> None:
    form = part.form
    new = {key: answer_of(form.asks[key], value) for key, value in form.answered.items()}
    typed = kept_fields.kept(request.POST, dict(kept_fields.limits_of(form)).get)
    answers.add_answers(part.intake, new, typed=typed)


def _page(
    request: HttpRequest, order: Order, parts: Iterable[SubjectForm], link: dict[str, str]
) -> HttpResponse:
    parts = list(parts)
    context = {"order": order, "parts": parts, "forms": [part.form for part in parts], **link}
    return render(request, "checkout/details.html", context)


@never_cache
@require_safe
@few_at_once(FILES)
def file(request: HttpRequest, token: str, pk: int) -> HttpResponseBase:
    """A file of the order, for the browser that has just sent it. Later its name alone is shown there."""
    order = get_object_or_404(Order, token=token)
    if not order_access.is_just_placed_here(request, order):
        raise Http404
    files = Upload.objects.filter(intakes__line__order=order, pk=pk).distinct()
    return uploads.download(request, get_object_or_404(files))
