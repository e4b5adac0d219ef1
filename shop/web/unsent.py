"""What was typed is not lost when the right to send it has ended: signed out, locked again, a page too old.

It comes back on a page, to be sent again from there. It is stored nowhere: neither address, log nor database
ever holds it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import ResolverMatch

from . import once

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

_LINE = 30  # characters; what is longer, or has several words, is shown, all else only carried along
_TOKENS = {"csrfmiddlewaretoken", once.FIELD}  # of the old page; the new one has its own
_OWN = {*_TOKENS, "action", "seen", "quote"}  # of the page, not of whoever typed


@dataclass(frozen=True)
class _Field:
    name: str
    value: str

    @property
    def is_shown(self) -> bool:
        return self.name not in _OWN and (len(self.value) > _LINE or len(self.value.split()) > 1)


def takes_text(view: View) -> View:
    """Mark a view whose form takes text. Nothing else comes back: no order key, no password."""
    view.takes_text = True  # type: ignore[attr-defined]
    return view


def give_back(request: HttpRequest, *, then: str, why: str, door: str = "") -> HttpResponse:
    """The page that holds what was typed; without any, a redirect to ``then``, where the right is given.

    ``why`` is the reason, as a sentence; ``door`` what the link to ``then`` is called, empty where no way
    leads back: then the text is there to be copied.
    """
    if not holds_text(request):
        return redirect(then)
    return _page(request, {"why": why, "then": then, "door": door, "may_send_again": bool(door)})


def stale_token(request: HttpRequest) -> HttpResponse | None:
    """The same for a form whose token is stale; None where it has no text, or is not known to be ours.

    A form of another site must not come back on a page of ours, where one click would send it.
    """
    is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if not (is_ours and holds_text(request)):
        return None
    return _page(request, {"is_stale": True, "may_send_again": True})


def holds_text(request: HttpRequest) -> bool:
    """Whether something was typed into the form of a view that is marked, or into a page of the admin."""
    match = request.resolver_match
    takes_it = match and (getattr(match.func, "takes_text", False) or _is_staffs(match))
    is_typed = any(field.value.strip() for field in _fields(request) if field.name not in _OWN)
    return request.method == "POST" and bool(takes_it) and is_typed


def _is_staffs(match: ResolverMatch) -> bool:
    """Nothing is typed into its lists; where people sign in and users are kept, passwords are."""
    name = match.url_name or ""
    is_other = name in once.SIGNING_IN or name.startswith("auth_") or name.endswith("_changelist")
    return bool(once.STAFF_NAMESPACES.intersection(match.namespaces)) and not is_other


def _fields(request: HttpRequest) -> list[_Field]:
    return [
        _Field(name, str(value))
        for name, values in request.POST.lists()
        if name not in _TOKENS
        for value in values
    ]


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    context |= {"fields": _fields(request), "had_files": bool(request.FILES)}
    response = render(request, "unsent.html", context, status=403)
    response["Cache-Control"] = "private, no-store"
    return response
