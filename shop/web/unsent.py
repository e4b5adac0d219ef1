"""What was typed is not lost when the right to send it has ended: signed out, locked again, too late.

It comes back on a page, to be sent again from there or to be copied. It is stored nowhere: neither address,
log nor database ever holds it.
"""

import functools
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as field_of
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.choices import flatten_choices
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from . import once

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
FormFields = Mapping[str, forms.Field]

_LINE = 30  # characters; what is longer, has several words or is not ASCII was written, not chosen
_TOKENS = {"csrfmiddlewaretoken", once.FIELD}  # of the old page; the new one has its own
_OWN = {*_TOKENS, "action", "seen", "quote", "key", "shape"}  # of the page, not of whoever typed
_TICKED = "on"
_ROWS = 12


@dataclass(frozen=True)
class _Sent:
    name: str
    value: str
    field: forms.Field | None = None  # of the form that it comes from, where that is known
    choices: Mapping[str, str] = field_of(default_factory=dict)  # value -> what the page calls it

    @property
    def label(self) -> str | Promise:
        return (self.field and self.field.label) or ""

    @property
    def words(self) -> str:
        """What whoever sent it has read."""
        return self.choices.get(self.value, self.value)

    @property
    def is_typed(self) -> bool:
        return self.name not in _OWN and bool(self.value.strip())

    @property
    def is_text(self) -> bool:
        value = self.value
        return self.is_typed and (len(value) > _LINE or len(value.split()) > 1 or not value.isascii())

    @property
    def is_written(self) -> bool:
        """Neither chosen nor, where labels are known, likely to be: keys of places have several words too."""
        is_long = len(self.value) > _LINE or "\n" in self.value.strip()
        is_chosen = self.choices or self.value == _TICKED
        return self.is_typed and not is_chosen and bool(self.label or is_long)

    @property
    def rows(self) -> int:
        return min(_ROWS, 1 + self.value.strip().count("\n") + len(self.value) // 60)


def takes_text(*kinds: type[forms.BaseForm]) -> Callable[[View], View]:
    """Mark a view whose form takes text, and the forms that name its fields.

    Of other views nothing comes back, no order key and no password; the staff's pages need no mark.
    """

    def mark(view: View) -> View:
        view.takes_text = {name: field for kind in kinds for name, field in kind.base_fields.items()}  # type: ignore[attr-defined]
        return view

    return mark


def refuse(
    request: HttpRequest, *, then: str, why: str, filled: Iterable[forms.BaseForm] = ()
) -> HttpResponse:
    """It is too late, or not theirs to send: on the page that says so, what was typed can be copied.

    Without any, a redirect to ``then``, where ``why`` is told. ``filled``: the forms that it was typed into.
    """
    if not holds_text(request):
        messages.warning(request, why)
    return give_back(request, then=then, why=why, filled=filled)


@sensitive_variables()
def give_back(
    request: HttpRequest,
    *,
    then: str,
    why: str,
    door: str = "",
    status: int = 403,
    filled: Iterable[forms.BaseForm] = (),
    only: Container[str] | None = None,
) -> HttpResponse:
    """The page that holds what was typed; without any, a redirect to ``then``, where the right is given.

    ``why`` is the reason, as a sentence; ``door`` what the link to ``then`` is called, empty where no way
    leads back: then the text is there to be copied. ``only``: the fields of which this holds, if not all.
    """
    if not holds_text(request):
        return redirect(then)
    known = {form.add_prefix(name): field for form in filled for name, field in form.fields.items()}
    context = {"why": why, "then": then, "door": door, "may_send_again": bool(door)}
    return _page(request, context, known=known, only=only, status=status)


def stale_token(request: HttpRequest) -> HttpResponse | None:
    """The same for a form whose token is stale; None where it has no text, or is not known to be ours.

    A form of another site must not come back on a page of ours, where one click would send it.
    """
    is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if not (is_ours and holds_text(request)):
        return None
    return _page(request, {"is_stale": True, "may_send_again": True})


@sensitive_variables()
def holds_text(request: HttpRequest) -> bool:
    """Whether something was typed into a form of a view that is marked, or a text into one of the staff's."""
    if request.method != "POST" or request.resolver_match is None:
        return False
    if hasattr(request.resolver_match.func, "takes_text"):
        return any(each.is_typed for each in _sent(request))
    is_secret = any("password" in name for name in request.POST)
    is_staffs = once.is_staff_page(request.resolver_match) and not is_secret
    return is_staffs and any(each.is_text for each in _sent(request))


class SignedOutStaff:
    """Middleware: a text from a page of the admin comes back instead of being lost at the sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or not once.is_staff_page(match) or not holds_text(request):
            return None
        return None if admin.site.has_permission(request) else ask_to_sign_in(request)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    sign_in = redirect_to_login(request.get_full_path()).url
    why, door = _("You were signed out meanwhile."), _("Sign in again in a new window")
    return give_back(request, then=sign_in, why=why, door=door)


@sensitive_variables()
def _sent(request: HttpRequest, known: FormFields | None = None) -> list[_Sent]:
    """What was sent, with the fields of its form as far as known: the view's own also behind a prefix."""
    of_view: FormFields = getattr(request.resolver_match and request.resolver_match.func, "takes_text", {})
    fields = {**of_view, **(known or {})}
    choices = functools.cache(_choices_of)  # once for each field, however many values name it
    sent = []
    for name, values in request.POST.lists():
        if name not in _TOKENS:
            field = fields.get(name) or fields.get(name.rpartition("-")[2])
            sent += [_Sent(name, str(value), field, choices(field)) for value in values]
    return sent


def _choices_of(field: forms.Field | None) -> dict[str, str]:
    listed: Iterable[tuple[Any, Any]] = flatten_choices(getattr(field, "choices", ()))
    return {str(value): str(name) for value, name in listed}


@sensitive_variables()
def _page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    known: FormFields | None = None,
    only: Container[str] | None = None,
    status: int = 403,
) -> HttpResponse:
    """What was chosen is carried along; where nothing can be sent again, all of it is shown."""
    sent = [each for each in _sent(request, known) if only is None or each.name in only]
    may_send_again = context["may_send_again"]
    knows_labels = any(each.label for each in sent)
    shown = [each for each in sent if each.is_written or (each.is_text and not knows_labels)]
    if not may_send_again or not shown:
        shown = [each for each in sent if each.is_typed and each.value != _TICKED]
    carried = [each for each in sent if each not in shown] if may_send_again else []
    context |= {"shown": shown, "carried": carried, "had_files": bool(request.FILES), "holds_text": True}
    response = render(request, "unsent.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response
