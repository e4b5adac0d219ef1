"""The shop's own pages: help, contact, terms, privacy, and what is shown when something went wrong."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from .context_processors import shop_details


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
    return render(request, _in_language("pages/terms"), {"version": settings.TERMS_VERSION})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, _in_language("pages/privacy"))


def _in_language(page: str) -> str:
    return f"{page}.{get_language()}.html"


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The page for a status that has one: 400, 403, 404, 429, 503."""
    return render(request, f"{status}.html", {"is_error_page": True}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", {"is_error_page": True}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: session and database may be what is broken."""
    page = get_template("500.html").render({"shop": shop_details()})
    return HttpResponse(page, status=500)
