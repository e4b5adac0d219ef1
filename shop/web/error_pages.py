import datetime as dt
import math
import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from shop import clock, database

from . import unsent
from .context_processors import shop_details
from .pages import logger
from .rate_limit import RateLimit

RETRY_AFTER = 10  # seconds


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The page for a status that has one: 400, 403, 404."""
    return render(request, f"{status}.html", {"is_error_page": True}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Where there was too much of it, the page says how much can be sent: going back alone would not help."""
    if not isinstance(exception, (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)):
        return error_page(request, 400)
    most = {
        "megabytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2,
        "fields": f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}",
        "files": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
    }
    return render(request, "400.html", {"is_error_page": True, "most": most}, status=413)


def too_many(
    request: HttpRequest, rate_limit: RateLimit, *, key: str = "", title: str = "", why: str = ""
) -> HttpResponse:
    """The page for somebody who has used up a limit: until when, why, and where to go meanwhile.

    ``key`` is what was counted, if not the network. ``title`` and ``why`` stand in the visitor's language;
    without them it is about guessing.
    """
    title = title or _("Too many tries")
    why = why or _("This protects orders and accounts from being guessed.")
    return _again_from(request, rate_limit.free_at(key or request), title, why, status=429)


def many_downloads(request: HttpRequest) -> HttpResponse:
    """The page for somebody whose file would have to wait for long."""
    title = _("Many files are being downloaded just now")
    why = _("Nothing is lost: please go back to the page you came from, and download the file again then.")
    response = _again_from(request, clock.now(), title, why, status=503)
    logger.warning("%s %s: all places for large answers are taken", request.method, request.path)
    response._has_been_logged = True  # type: ignore[attr-defined]  # it is no error of ours
    return response


def unopened(request: HttpRequest) -> HttpResponse:
    """The page for somebody whose file is missing here or damaged, which is for us to mend."""
    response = render(request, "file_unopened.html", {"is_error_page": True}, status=503)
    add_never_cache_headers(response)
    return response


def _again_from(
    request: HttpRequest, moment: dt.datetime, title: str, why: str, *, status: int
) -> HttpResponse:
    until = clock.next_full_minute(moment)
    context = {
        "is_error_page": True,
        "messages": (),  # they tell of what has not come about
        "title": title,
        "why": why,
        "until": until,
    }
    response = render(request, "429.html", context, status=status)
    response["Retry-After"] = str(max(1, math.ceil((until - clock.now()).total_seconds())))
    add_never_cache_headers(response)
    return response


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    why = _("You may not send this any more.")
    return _given_back(request, 403, why, then=request.path) or error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    why = _("What this was meant for is not there any more.")
    return _given_back(request, 404, why, then=reverse("catalog:home")) or error_page(request, 404)


def _given_back(request: HttpRequest, status: int, why: str, *, then: str) -> HttpResponse | None:
    """The page that holds what was typed, if something was."""
    if not unsent.holds_text(request):
        return None
    return unsent.give_back(request, then=then, why=why, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return unsent.stale_token(request) or render(
        request, "403_csrf.html", {"is_error_page": True}, status=403
    )


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
    if getattr(problem, "passes", False):
        return unavailable(request)
    if database.is_unavailable(problem):
        logger.error("%s %s: no database: %s", request.method, request.path, str(problem).partition("\n")[0])
        response = unavailable(request)
        response._has_been_logged = True  # type: ignore[attr-defined]  # else Django adds 100 lines of traceback
        return response
    page = get_template("500.html").render({"shop": shop_details()})
    return HttpResponse(page, status=500)
