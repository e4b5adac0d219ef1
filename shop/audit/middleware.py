"""One entry for each request that somebody of the staff makes: pages, lists, searches, forms, refusals.

Shoppers' requests write nothing and ask nothing: whether somebody is signed in is looked up only on the
staff's pages, or where the session was read anyway.
"""

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import ResolverMatch

from shop.web import once

from . import subjects, trail

UNTOLD = {"admin:jsi18n"}  # a script with the admin's words
MOST_IDS = 40
FORBIDDEN = 403

_pages: dict[str, str] = {}
_actions: dict[str, str] = {}


def name_deed(deed: str, *, page: str = "", action: str = "") -> None:
    """A form of this page, or this action on a list, is a deed of its own kind."""
    (_pages if page else _actions)[page or action] = deed


class AuditStaff:
    """Middleware: see the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = trail.current_request.set(request)
        try:
            response = self.get_response(request)
            if request.resolver_match and _is_told(request, request.resolver_match):
                _record(request, request.resolver_match, response)
        finally:
            trail.current_request.reset(token)
        return response


def is_staffs(match: ResolverMatch) -> bool:
    """Whether the page is the staff's own."""
    return once.is_staff_page(match) or getattr(match.func, "__module__", "").startswith(
        "consulting.workspace."
    )


def _is_told(request: HttpRequest, match: ResolverMatch) -> bool:
    if match.view_name in UNTOLD:
        return False
    return _is_signed_in(request, match) and request.user.is_staff


def _is_signed_in(request: HttpRequest, match: ResolverMatch) -> bool:
    """Asks the database nothing for a shopper."""
    if is_staffs(match):
        return request.user.is_authenticated
    session = getattr(request, "session", None)
    if session is None or not (session.accessed or _is_about_an_order(request, match)):
        return False
    return SESSION_KEY in session


def _is_about_an_order(request: HttpRequest, match: ResolverMatch) -> bool:
    """A client's own page, whose view may not have looked at the session."""
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    return has_session and ("token" in match.kwargs or match.namespace == "consulting")


def _record(request: HttpRequest, match: ResolverMatch, response: HttpResponse) -> None:
    subject = subjects.of_request(request, match)
    if not is_staffs(match) and not subject.order_number:
        return  # a page of the shop about nobody
    trail.record(
        _deed(request, match, response, subject),
        subject,
        page=match.view_name,
        status=response.status_code,
        detail=_detail(request, response) if is_staffs(match) else trail.CLIENTS_PAGE,
    )


def _deed(
    request: HttpRequest, match: ResolverMatch, response: HttpResponse, subject: subjects.Subject
) -> str:
    if response.status_code == FORBIDDEN:
        return trail.Deed.DENIED
    if request.method not in {"GET", "HEAD"}:
        action = request.POST.get("action", "")
        return _pages.get(match.view_name) or _actions.get(action) or trail.Deed.SENT
    if request.GET.get("q", "").strip():
        return trail.Deed.SEARCH
    return trail.Deed.LOOK if subject.id or not match.view_name.endswith("changelist") else trail.Deed.LIST


def _detail(request: HttpRequest, response: HttpResponse) -> str:
    """What is not personal: the action and its rows, how much was found by a search, which filters."""
    told = []
    if request.method not in {"GET", "HEAD"}:
        told += [f"action {action}" for action in [_word(request.POST.get("action", ""))] if action]
        told += _ids(request.POST)
    elif typed := request.GET.get("q", "").strip():
        told.append(f"search {trail.search_digest(typed)}")
    found = getattr(getattr(response, "context_data", None) or {}, "get", lambda _name: None)("cl")
    if found is not None:
        told.append(f"found {found.result_count}")
        if 0 < len(found.result_list) <= MOST_IDS:
            told.append("rows " + " ".join(str(row.pk) for row in found.result_list))
    return ", ".join(told)


def _word(text: str) -> str:
    return text if re.fullmatch(r"[a-z][a-z _-]{0,40}", text) else ""


def _ids(sent: QueryDict) -> list[str]:
    chosen = [text for text in sent.getlist("_selected_action") if re.fullmatch(r"[0-9]{1,18}", text)]
    return ["rows " + " ".join(chosen[:MOST_IDS])] if chosen else []
