"""A form of the staff's pages does its work once per page that was seen, however often it is sent.

Every form carries a token of its page (``csrf_token`` writes it along). The first POST with it and the view's
own writes are one transaction, so a second one of the same contents - a double click, a reload, a slow line -
waits for the first and is led to its result. A page that is drawn again, with what was wrong, has a new one;
what was refused with a warning on the next page was not done, and may be sent again from the old one.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import ResolverMatch
from django.utils.translation import gettext as _

from shop import clock
from shop.crypto import keyed_digests
from shop.models import SentForm

FIELD = "page_token"
STAFF_NAMESPACES = {"admin"}
SIGNING_IN = {"login", "logout", "password_change"}  # these rotate the session, and count failures
STAFF_MODULES = ("consulting.workspace.", "consulting.client.message_views")
# What the session of a client has who may write there: the posts of strangers leave no rows.
CLIENTS_SESSION = {"consulting.client.message_views": "report_grant"}

View = TypeVar("View", bound=Callable[..., Any])


def new_token() -> str:
    return secrets.token_urlsafe(12)


def safe_to_repeat(why: str) -> Callable[[View], View]:
    """Mark a view that may run for every POST and opens its own transactions; ``why`` is for readers."""

    def mark(view: View) -> View:
        view.safe_to_repeat = why  # type: ignore[attr-defined]
        return view

    return mark


class OncePerPage:
    """Middleware: see the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        token = request.POST.get(FIELD) if request.method == "POST" and is_guarded(request, view) else None
        if not token or not _may_write(request, view):
            return None
        key = _key_of(request, token)
        try:
            with transaction.atomic():
                return _first(request, key, lambda: _recorded(request, view(request, *args, **kwargs)))
        except _SentBefore:
            return _again(request, key)


class _SentBefore(Exception):
    """The page was sent before, and that was done."""


def is_guarded(request: HttpRequest, view: Callable[..., HttpResponse]) -> bool:
    """Whether the view is one of the staff's pages, or one on which clients write to them."""
    match = request.resolver_match
    is_staffs = match is not None and is_staff_page(match)
    is_desks = getattr(view, "__module__", "").startswith(STAFF_MODULES)
    return (is_staffs or is_desks) and not getattr(view, "safe_to_repeat", "")


def _may_write(request: HttpRequest, view: Callable[..., HttpResponse]) -> bool:
    needed = CLIENTS_SESSION.get(getattr(view, "__module__", ""))
    return needed is None or needed in request.session


def is_staff_page(match: ResolverMatch) -> bool:
    """Whether it is a page of the admin, of those behind the sign-in."""
    return bool(STAFF_NAMESPACES.intersection(match.namespaces)) and match.url_name not in SIGNING_IN


def _first(request: HttpRequest, key: str, act: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        with transaction.atomic():
            sent = SentForm.objects.create(key=key, at=clock.now())  # waits for another's transaction
    except IntegrityError:
        raise _SentBefore from None
    response = act()
    if isinstance(response, HttpResponseRedirect) and not _has_warned(request):
        sent.result = response.url[: SentForm.MAX_RESULT]
        sent.save(update_fields=["result"])
    else:  # nothing was done: the page, or the next one, says what is wrong
        sent.delete()
    return response


def _recorded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """What was done and its entry in the audit trail are true together, or neither is."""
    record = getattr(request, "record_deed", None)
    if record and isinstance(response, HttpResponseRedirect):
        record(response)
    return response


def _has_warned(request: HttpRequest) -> bool:
    told = getattr(messages.get_messages(request), "_queued_messages", ())  # in this request, not shown yet
    return any(message.level >= messages.WARNING for message in told)


def _again(request: HttpRequest, key: str) -> HttpResponse:
    sent = SentForm.objects.filter(key=key).first()
    if sent is None:  # taken back meanwhile
        return HttpResponseRedirect(request.get_full_path())
    messages.info(request, _("This was already done, once; here is the result."))
    return HttpResponseRedirect(sent.result)


def _key_of(request: HttpRequest, token: str) -> str:
    """Of this page with what was typed into it, for this person: says nothing about any of it.

    Whoever comes back to the page and types something else sends something else.
    """
    person = getattr(request.user, "pk", None) or request.session.session_key
    typed = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    files = sorted(
        (name, file.name, file.size, _digest(file)) for name, files in request.FILES.lists() for file in files
    )
    plain = json.dumps([person, request.path, token, typed, files])
    return keyed_digests("shop.once", plain)[
        -1
    ]  # of the oldest secret: a rotation meanwhile is no other page


def _digest(file: "UploadedFile[Any]") -> str:
    digest = hashlib.blake2b()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
