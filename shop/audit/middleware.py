"""One entry for each request that somebody of the staff makes: pages, lists, searches, forms, refusals.

Shoppers' requests write nothing and ask nothing: whether somebody is signed in is looked up only on the
staff's pages, or where the session was read anyway.
"""

import re
from collections.abc import Callable
from functools import partial
from textwrap import wrap
from typing import Any

from django import forms
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import ResolverMatch

from shop.web import once

from . import subjects, trail

UNTOLD = {"admin:jsi18n"}  # a script with the admin's words
FORBIDDEN = 403
MOST_ENTRIES = (
    25  # of one request: a list shows 200 rows at most, of which one takes 12 of the longest numbers
)

_deeds: dict[tuple[str, str], str] = {}


def name_deed(deed: str, *, page: str, action: str = "") -> None:
    """A form of this page, or this action on this list, is a deed of its own kind."""
    _deeds[page, action] = deed


class AuditStaff:
    """Middleware: see the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = trail.current_request.set(request)
        request.record_deed = partial(_record_once, request)  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            _record_once(request, response)
        finally:
            trail.current_request.reset(token)
        return response


def is_staffs(match: ResolverMatch) -> bool:
    """Whether the page is the staff's own."""
    is_desks = getattr(match.func, "__module__", "").startswith("consulting.workspace.")
    return once.is_staff_page(match) or is_desks or match.namespace == "sign_in"


def _person(request: HttpRequest, match: ResolverMatch) -> User | None:
    """Who of the staff asks. Asks the database nothing for a shopper."""
    if match.view_name in UNTOLD:
        return None
    if is_staffs(match):
        user: Any = request.user
    elif request.session.accessed or "token" in match.kwargs or match.namespace == "consulting":
        user = getattr(request, "staff_behind", None)  # a client's own page has the session of a client
    else:
        return None
    return user if user and user.is_authenticated and user.is_staff else None


def _record_once(request: HttpRequest, response: HttpResponse) -> None:
    """A form of ``shop.web.once`` is recorded in the transaction of its writes, all else afterwards."""
    match = request.resolver_match
    if match and not getattr(request, "is_recorded", False) and (person := _person(request, match)):
        _record(request, match, response, person)
        request.is_recorded = True  # type: ignore[attr-defined]


def _record(request: HttpRequest, match: ResolverMatch, response: HttpResponse, person: User) -> None:
    subject = subjects.of_request(request, match)
    if not is_staffs(match) and not subject.order_number:
        return  # a page of the shop about nobody
    for detail in _details(request, match, response) if is_staffs(match) else [trail.CLIENTS_PAGE]:
        trail.record(
            _deed(request, match, response, subject),
            subject,
            actor=person.get_username(),
            page=match.view_name,
            status=response.status_code,
            detail=detail,
        )


def _deed(
    request: HttpRequest, match: ResolverMatch, response: HttpResponse, subject: subjects.Subject
) -> str:
    if response.status_code == FORBIDDEN:
        return trail.Deed.DENIED
    if request.method not in {"GET", "HEAD"}:
        action = _action(request.POST) if _is_list(match) else ""
        return _deeds.get((match.view_name, action), trail.Deed.SENT)
    if not _is_list(match) or subject.id:
        return trail.Deed.LOOK  # whatever stands behind the address
    return trail.Deed.SEARCH if request.GET.get(SEARCH_VAR, "").strip() else trail.Deed.LIST


def _is_list(match: ResolverMatch) -> bool:
    """Whether it is a list of the admin, which alone is searched and has actions."""
    return match.namespace == "admin" and match.view_name.endswith("_changelist")


def _action(sent: QueryDict) -> str:
    """The action that a list carries out on rows. It has several buttons, each with a choice of its own:
    read as ``ModelAdmin.response_action`` reads them, so that the entry tells what was done.
    """
    choices = sent.getlist("action")
    if not choices or "_save" in sent or "_selected_action" not in sent:
        return ""
    try:
        index = int(sent.get("index", 0))
    except ValueError:
        index = 0
    try:
        return choices[index]
    except IndexError:
        return choices[-1]


def _details(request: HttpRequest, match: ResolverMatch, response: HttpResponse) -> list[str]:
    """What is not personal: the action and its rows, how much was found by a search, which filters.

    Several where one entry has no room for all rows: what a page of ours can send is told whole, and of
    what is more the last entry says how much.
    """
    told, rows = subjects.named_beside(match), []
    if request.method not in {"GET", "HEAD"}:
        action = _action(request.POST) if _is_list(match) else request.POST.get("action", "")
        told += [f"action {word}" for word in [_word(action)] if word]
        if _is_list(match):
            told += ["all rows that were found"] if _takes_all(request.POST) else []
            rows = _ids(request.POST)
    if _is_list(match) and (typed := request.GET.get(SEARCH_VAR, "").strip()):
        told.append(f"search {trail.search_digest(typed)}")
    found = getattr(getattr(response, "context_data", None) or {}, "get", lambda _name: None)("cl")
    if found is not None:
        told.append(f"found {found.result_count}")
        rows += [str(row.pk) for row in found.result_list]
    head = ", ".join(told)
    parts = wrap(" ".join(dict.fromkeys(rows)), trail.MOST_DETAIL - len(head) - len(", rows "))
    entries = [", ".join([*told, f"rows {part}"]) for part in parts] or [head]
    if len(entries) > MOST_ENTRIES:
        untold = sum(len(part.split()) for part in parts[MOST_ENTRIES - 1 :])
        entries[MOST_ENTRIES - 1 :] = [f"{head}, and {untold} more rows, which are not told"]
    return entries


def _word(text: str) -> str:
    return text if re.fullmatch(r"[a-z][a-z _-]{0,40}", text) else ""


def _takes_all(sent: QueryDict) -> bool:
    """Read as the admin's own form reads it, whose field is hidden."""
    return forms.BooleanField(required=False).to_python(sent.get("select_across"))


def _ids(sent: QueryDict) -> list[str]:
    """As the database is asked for them: however they are spelt, there are several ways to write a number."""
    numbers = (_number(text) for text in sent.getlist("_selected_action"))
    return [str(number) for number in numbers if 0 < number < 2**63]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
