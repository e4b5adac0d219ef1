"""The pages of signing in that come after the password, and those of a person's own account."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop.web.asks_again import asks_again

from . import known_browsers, limits, links, notices, pages, second_factor
from .forms import CodeForm, LinkForm, NewAppForm
from .guard_marks import before_second_factor

View = Callable[..., HttpResponse]
either_way = require_http_methods(["GET", "HEAD", "POST"])


def staff_only(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_staff):
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go; a foreign address is none of ours."""
    there = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        there, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return there if is_ours else reverse("admin:index")


# --- after the password ---


@before_second_factor
@staff_only
@either_way
@sensitive_post_parameters("code")
def code(request: HttpRequest) -> HttpResponse:
    """Asks for a code of the app, or a recovery code."""
    user, there = _user(request), _next(request)
    if second_factor.is_verified(request) or not second_factor.app_of(user):
        return redirect(there)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        found = second_factor.verify(request, user, form.cleaned_data["code"])
        if isinstance(found, limits.Refusal):
            return pages.refused_code(request, found)
        if found is second_factor.Taken.RECOVERY_CODE:
            _tell_what_is_left(request, user)
        if found:
            return redirect(there)
        form.add_error("code", pages.WRONG)
    context = {"title": _("Your code"), "form": form, "next": there, "is_half_way": True}
    return pages.page(request, "code.html", context)


def _tell_what_is_left(request: HttpRequest, user: User) -> None:
    text = _("You used a recovery code; %(left)s are left. With a new phone, set it up under “Signing in”.")
    messages.warning(request, text % {"left": second_factor.codes_left(user)})


@before_second_factor
@asks_again
@staff_only
@either_way
@sensitive_post_parameters("code")
def set_up(request: HttpRequest) -> HttpResponse:
    """Shows a key to an app and asks for a first code of it."""
    user, there = _user(request), _next(request)
    has_one = second_factor.app_of(user) is not None
    if has_one and not second_factor.is_verified(request):
        return redirect(f"{reverse('sign_in:code')}")
    app = second_factor.pending_app(request, user)
    form = NewAppForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        tries = limits.count_code(request, user)
        if isinstance(tries, limits.Refusal):
            return pages.refused_code(request, tries)
        codes = second_factor.confirm(request, user, app, form.cleaned_data["code"])
        if codes:
            tries.release()
            return _codes_page(request, codes, there)
        form.add_error("code", pages.WRONG)
    context = {
        "title": _("Set up the second factor"),
        "form": form,
        "next": there,
        "key": second_factor.key_text(app),
        "qr": _qr(second_factor.uri(app)),
        "uri": second_factor.uri(app),
        "is_half_way": not has_one and second_factor.is_required(user),
        "has_one": has_one,
    }
    return pages.page(request, "set_up.html", context)


def _qr(text: str) -> str:
    drawn = segno.make(text, error="m", micro=False)
    return mark_safe(drawn.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True))


def _codes_page(request: HttpRequest, codes: list[str], there: str) -> HttpResponse:
    """Once: they are kept as digests."""
    context = {"title": _("Your recovery codes"), "codes": codes, "next": there}
    return pages.page(request, "recovery_codes.html", context)


# --- a person's own account ---


@staff_only
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """How this person signs in, and what can be changed about it."""
    user = _user(request)
    context = {
        "title": _("Signing in"),
        "app": second_factor.app_of(user),
        "codes_left": second_factor.codes_left(user),
        "is_required": second_factor.is_required(user),
    }
    return pages.page(request, "account.html", context)


@asks_again
@staff_only
@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New ones; those of before end."""
    user = _user(request)
    if not second_factor.app_of(user):
        return redirect("sign_in:account")
    return _codes_page(request, second_factor.new_codes(user), reverse("sign_in:account"))


@asks_again
@staff_only
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Only where none is required."""
    user = _user(request)
    if second_factor.is_required(user):
        raise PermissionDenied
    if second_factor.remove(user):
        messages.success(request, _("The second factor is removed: your password alone signs you in."))
    return redirect("sign_in:account")


@asks_again
@staff_only
@either_way
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner takes away the second factor of somebody who has lost the phone."""
    if not _user(request).is_superuser:
        raise PermissionDenied
    person = get_object_or_404(User, pk=pk)
    if request.method == "POST":
        if second_factor.remove(person):
            messages.success(request, _("The second factor of %(name)s is reset.") % {"name": person})
        else:
            messages.info(request, _("%(name)s has no second factor.") % {"name": person})
        return redirect("admin:auth_user_change", person.pk)
    context = {
        "title": _("Reset the second factor of %(name)s") % {"name": person},
        "person": person,
        "has_one": second_factor.app_of(person) is not None,
    }
    return pages.page(request, "reset.html", context)


# --- the link past the limits ---


@before_second_factor
@require_POST
def send_link(request: HttpRequest) -> HttpResponse:
    """The answer is the same whether or not there is such an account."""
    form = LinkForm(request.POST)
    if not form.is_valid():
        return render(request, "sign_in/ask_for_link.html", {"form": form}, status=400)
    notices.ask_for_link(request, form.cleaned_data["username"], get_language() or settings.LANGUAGE_CODE)
    return redirect("sign_in:link_sent")


@before_second_factor
@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "sign_in/link_sent.html", {"minutes": links.MINUTES})


@before_second_factor
@never_cache
@either_way
def use_link(request: HttpRequest, link: str) -> HttpResponse:
    """A press of the button makes this browser a known one: a mailbox that opens links uses up none."""
    user = links.read(link, use=request.method == "POST")
    if user is None:
        return render(request, "sign_in/link_ended.html", status=403)
    if request.method != "POST":
        return render(request, "sign_in/use_link.html", {"account": user})
    known_browsers.remember(request, user)
    return redirect(reverse("admin:login"))
