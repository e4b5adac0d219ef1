"""The shop's own pages: help, contact, terms, privacy, and what is shown when something went wrong."""

import logging
import sys

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import database, retention
from .context_processors import shop_details

logger = logging.getLogger(__name__)

RETRY_AFTER = 10  # seconds


@require_safe
def choose_language(request: HttpRequest) -> HttpResponse:
    """The bare address: the language is the cookie's, else the browser's, else Chinese."""
    response = HttpResponseRedirect(reverse("catalog:home"))
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on pages that name no icon, such as the admin's."""
    return HttpResponseRedirect(static("img/favicon.svg"))


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, _in_language("pages/help"))


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/contact.html")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    versions = {"version": settings.TERMS_VERSION, "refund_version": settings.REFUND_VERSION}
    return render(request, _in_language("pages/terms"), versions)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """The table is the schedule that the hourly job obeys."""
    context = {"version": settings.PRIVACY_VERSION, "schedule": retention.schedule()}
    return render(request, _in_language("pages/privacy"), context | {"services": retention.questions()})


def _in_language(page: str) -> str:
    return f"{page}.{get_language()}.html"


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The page for a status that has one: 400, 403, 404, 429."""
    return render(request, f"{status}.html", {"is_error_page": True}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", {"is_error_page": True}, status=403)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is busy or away. Whether something was done just now is not known, so the page says how
    to find out; like the one below it is rendered without session and database.
    """
    response: HttpResponse
    if request.headers.get("Sec-Fetch-Dest") == "empty" or not request.accepts("text/html"):  # a script asks
        text = _("The shop is busy. Please try again in a moment: nothing is ordered or paid twice.")
        response = JsonResponse({"error": text}, status=503)
    else:
        page = get_template("503.html").render({"shop": shop_details(), "is_error_page": True})
        response = HttpResponse(page, status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    add_never_cache_headers(response)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: session and database may be what is broken."""
    problem = sys.exc_info()[1]
    if database.is_unavailable(problem):
        logger.error("%s %s: no database: %s", request.method, request.path, str(problem).partition("\n")[0])
        response = unavailable(request)
        response._has_been_logged = True  # type: ignore[attr-defined]  # else Django adds 100 lines of traceback
        return response
    page = get_template("500.html").render({"shop": shop_details()})
    return HttpResponse(page, status=500)
