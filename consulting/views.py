"""The client's door: unlock with the order key, see all reports of the order, read one.

These pages are never stored. Their Referrer-Policy is the shop's ``same-origin``, not ``no-referrer``: under
that one browsers send "Origin: null" with a form, which the CSRF check refuses. No address here holds a
secret, and links inside reports are marked noreferrer.
"""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from checkout import grants
from shop import throttle

from . import access, services, vault
from .forms import UnlockForm
from .models import Case
from .rendering import render as render_markdown

logger = logging.getLogger(__name__)

PURPOSE = "report-unlock"
MOST_WRONG = 10
MINUTES = 15


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def unlock(request: HttpRequest) -> HttpResponse:
    """The form for the order key. Whatever is wrong with a key or e-mail, the answer is the same."""
    known_orders = grants.granted(request)
    if request.method != "POST":
        return _unlock_page(request, UnlockForm(knows_an_order=bool(known_orders)))
    if throttle.is_exceeded(request, PURPOSE, limit=MOST_WRONG, minutes=MINUTES):
        return too_many(request)
    form = UnlockForm(request.POST, knows_an_order=bool(known_orders))
    if not form.is_valid():
        return _unlock_page(request, form)
    try:
        order_key = services.unlock(
            form.cleaned_data["order_key"], form.cleaned_data["email"], known_orders=known_orders
        )
    except services.NotOpened:
        throttle.count(request, PURPOSE)
        refusal = _(
            "This order key and e-mail address do not open a report. Please check both, or contact us."
        )
        form.add_error(None, refusal)
        return _unlock_page(request, form)
    access.grant(request, order_key)
    response = redirect("consulting:index")
    grants.grant(request, response, order_key.order)
    return response


def _unlock_page(request: HttpRequest, form: UnlockForm) -> HttpResponse:
    context = {"form": form, "is_unlocked": access.current_grant(request) is not None}
    return render(request, "consulting/unlock.html", context)


def too_many(request: HttpRequest) -> HttpResponse:
    """Too many wrong keys from this network."""
    response = render(request, "consulting/too_many.html", {"minutes": MINUTES}, status=429)
    response["Retry-After"] = str(60 * MINUTES)
    return response


@never_cache
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    access.forget(request)
    messages.success(request, _("Your reports are locked again."))
    return redirect("consulting:unlock")


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    grant = access.current_grant(request)
    if grant is None:
        return redirect("consulting:unlock")
    context = {
        "order": grant.order,
        "cases": [(case, access.line_is_open(case.line)) for case in Case.objects.of(grant.order)],
        "access_log": grant.order.access_log.select_related("case__line__order")[:10],
    }
    return render(request, "consulting/index.html", context)


@never_cache
@require_safe
@sensitive_variables()
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """The report for reading, or a page that says when it will be there."""
    grant = access.current_grant(request)
    if grant is None:
        return redirect("consulting:unlock")
    case = get_object_or_404(Case.objects.of(grant.order), pk=pk)
    context = {"case": case, "order": grant.order, "is_open": access.line_is_open(case.line)}
    if not context["is_open"] or not case.is_published:
        return render(request, "consulting/not_ready.html", context)
    try:
        published, text = services.open_report(case, grant.order_key)
    except vault.Unreadable:
        logger.error("The published report of case %s does not open", case.pk)
        return render(request, "consulting/not_ready.html", context | {"is_damaged": True}, status=503)
    context |= {"report": published, "text": text, "rendered": render_markdown(text.text)}
    return render(request, "consulting/report.html", context)
