"""Pages that answer in place of another: the lock-out, and the question for the code again."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from shop import clock

from .forms import CodeForm, LinkForm
from .limits import Refusal

PAGE_ONLY = "second_factor_page"  # it was asked for the page, before anything was typed
WRONG = _("This code is not right, or was used before. An app shows a new one every 30 seconds.")


def locked_out(request: HttpRequest, _response: object = None, _credentials: object = None) -> HttpResponse:
    """The answer to a sign-in after too many wrong passwords, even with the right one, for a while."""
    refusal: Refusal = getattr(request, "sign_in_refusal", None) or Refusal(clock.now())
    return _locked(request, refusal, request.POST.get("username", ""))


def refused_code(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The same after too many wrong codes."""
    return _locked(request, refusal, request.user.get_username())


def _locked(request: HttpRequest, refusal: Refusal, username: str) -> HttpResponse:
    until = clock.next_full_minute(refusal.until)
    context = {
        "is_error_page": True,
        "until": until,
        "is_today": until.date() == localtime(clock.now()).date(),
        "is_code": refusal.is_code,
        "form": LinkForm(initial={"username": username[:150]}),
    }
    response = render(request, "locked_out.html", context, status=429)
    response["Retry-After"] = str(refusal.seconds)
    add_never_cache_headers(response)
    return response


def again(request: HttpRequest, form: CodeForm, carried: list[tuple[str, str]]) -> HttpResponse:
    """Asks for the code before the page, or before what was sent is done."""
    is_page = [name for name, _value in carried] == [PAGE_ONLY]
    context = {
        "title": _("Please confirm that it is you"),
        "form": form,
        "carried": carried,
        "is_page": is_page,
        "had_files": bool(request.FILES),
    }
    return page(request, "again.html", context, status=403)


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page in the admin's look; stored nowhere."""
    shared = admin.site.each_context(request)
    response = render(request, f"admin/sign_in/{template}", {**shared, **context}, status=status)
    add_never_cache_headers(response)
    return response
