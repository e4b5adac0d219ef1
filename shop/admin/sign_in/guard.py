"""Nobody is in before the second factor: asked on every staff page there is, and again before grave deeds.

Every address below the staff's folders passes here (``sessions.is_staff_path``), whatever its view asks
itself; a page that is added is guarded unless it is marked (``guard_marks``).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from shop.web import error_pages, once, unsent

from . import hashers, known_browsers, limits, pages, second_factor
from .forms import CodeForm
from .sessions import is_staff_path

CODE = "second_factor_code"
DOORS = {"admin:login", "admin:logout"}


class Guard:
    """Middleware: see the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_staff_path(request.path_info):
            return self.get_response(request)
        token = hashers.is_known_browser.set(known_browsers.is_known(request))
        try:
            response = self.get_response(request)
        finally:
            hashers.is_known_browser.reset(token)
        known_browsers.write(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not is_staff_path(request.path_info):
            return None
        if getattr(request, "staff_session_ended", False) and request.method == "GET":
            messages.info(
                request, _("You were signed out, because it was long ago that you did something here.")
            )
        if not request.user.is_authenticated:
            return None  # their own views ask for the password
        user = request.user
        if second_factor.is_verified(request):
            return _ask_again(request, user, view)
        if _is_door(request, view):
            return None
        if second_factor.app_of(user):
            return _send_to(request, "sign_in:code", _("The code of your app was not asked yet."))
        if second_factor.is_required(user):
            return _send_to(request, "sign_in:set_up", _("Your account needs a second factor first."))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, hashers.Busy):
            return None
        if tries := getattr(request, "sign_in_tries", None):
            tries.release()  # nothing was compared
        return error_pages.unavailable(request)


def _is_door(request: HttpRequest, view: object) -> bool:
    match = request.resolver_match
    is_admins = match is not None and match.view_name in DOORS
    return is_admins or getattr(view, "before_second_factor", False)


def _send_to(request: HttpRequest, name: str, why: str) -> HttpResponse:
    """What was typed comes back; else the page where the code is given, and from there back here."""
    there = f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}"
    return unsent.give_back(request, then=there, why=why, door=_("Go on in a new window"))


@sensitive_variables()
def _ask_again(request: HttpRequest, user: User, view: object) -> HttpResponse | None:
    """None where it was asked minutes ago, or is answered by this POST; else the page that asks.

    The page carries what was sent: with the right code, the same POST goes on to its view.
    """
    asks = getattr(view, "asks_again", False)
    if not asks or asks not in {True, request.method} or second_factor.is_fresh(request):
        return None
    form = None
    if request.method == "POST" and CODE in request.POST:
        form = CodeForm({"code": request.POST[CODE]})
        if form.is_valid():
            found = second_factor.verify(request, user, form.cleaned_data["code"])
            if isinstance(found, limits.Refusal):
                return pages.refused_code(request, found)
            if found:
                is_page = pages.PAGE_ONLY in request.POST
                return HttpResponseRedirect(request.get_full_path()) if is_page else None
            form.add_error("code", pages.WRONG)
    carried = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {CODE, pages.PAGE_ONLY, "csrfmiddlewaretoken", once.FIELD} and "password" not in name
        for value in values
    ]
    if request.method != "POST" or pages.PAGE_ONLY in request.POST:
        carried = [(pages.PAGE_ONLY, "1")]
    form = form or CodeForm()
    return pages.again(request, form, carried)
