"""The client's door: unlock with the order key, see all reports of the order. ``report_views`` shows them.

These pages are never stored. Their Referrer-Policy is the shop's ``same-origin``, not ``no-referrer``: under
that one browsers send "Origin: null" with a form, which the CSRF check refuses. No address here holds a
secret, and links inside reports are marked noreferrer.
"""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from checkout import order_access
from checkout.intake.views import ask_for_details
from consulting import access
from consulting.keys import services as keys
from consulting.keys import throttle as key_throttle
from consulting.keys.views import too_many
from shop.web.unsent import takes_text
from shop.web.upload_handler import takes_files

from . import overview
from .forms import UnlockForm
from .locked import ask_to_unlock

PER_PAGE = 50  # lines of the access log


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("form")
def unlock(request: HttpRequest) -> HttpResponse:
    """The form for the order key. Whatever is wrong with a key or e-mail, the answer is the same."""
    known_orders = order_access.granted_ids(request)
    if request.method != "POST":
        return _unlock_page(request, UnlockForm(knows_an_order=bool(known_orders)))
    form = UnlockForm(request.POST, knows_an_order=bool(known_orders))
    if not form.is_valid():  # a typing error is told without a look-up, and is no try
        return _unlock_page(request, form)
    try:
        look_up = key_throttle.count_look_up(request, key_throttle.BY_CLIENTS)
        order_key = keys.unlock(
            form.cleaned_data["order_key"], form.cleaned_data["email"], known_orders=known_orders
        )
    except key_throttle.LimitReached:
        return too_many(request)
    except keys.NotOpened:
        key_throttle.alarm_if_many()
        refusal = _(
            "This order key and e-mail address do not open a report. Please check both, or contact us."
        )
        form.add_error(None, refusal)
        return _unlock_page(request, form)
    look_up.release()
    access.grant(request, order_key)
    response = redirect("consulting:index")
    order_access.grant(request, response, order_key.order)
    return response


def _unlock_page(request: HttpRequest, form: UnlockForm) -> HttpResponse:
    context = {"form": form, "is_unlocked": access.current_grant(request) is not None}
    return render(request, "consulting/unlock.html", context)


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
    log = overview.access_log(grant.order, most=overview.SHOWN_AT_FIRST + 1)
    cards = overview.case_summaries(grant.order)
    context = {
        "order": grant.order,
        "cards": cards,
        "has_reports": any(card.is_open and card.case.is_published for card in cards),
        "access_log": log[: overview.SHOWN_AT_FIRST],
        "has_more_access": len(log) > overview.SHOWN_AT_FIRST,
    }
    return render(request, "consulting/index.html", context)


@never_cache
@require_safe
def access_log(request: HttpRequest) -> HttpResponse:
    """Everything that was opened, newest first."""
    grant = access.current_grant(request)
    if grant is None:
        return redirect("consulting:unlock")
    page = Paginator(overview.access_log(grant.order), PER_PAGE).get_page(request.GET.get("page"))
    context = {"order": grant.order, "page": page, "access_log": page.object_list}
    return render(request, "consulting/access_log.html", context)


@takes_files
@takes_text()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def details(request: HttpRequest) -> HttpResponse:
    """The answers that were left for later, from the key page and back to it."""
    grant = access.current_grant(request)
    if grant is None:
        return ask_to_unlock(request)
    back_name = _("All reports of this order")
    return ask_for_details(request, grant.order, back=reverse("consulting:index"), back_name=back_name)
