"""The shop's own pages: help, contact, terms, privacy, and what is shown when something went wrong."""

import datetime as dt
import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, override
from django.views.decorators.http import require_safe

from shop import clock
from shop.privacy import retention

logger = logging.getLogger(__name__)

NOT_FOR_ROBOTS = ["cart:detail", "checkout:begin", "checkout:orders", "checkout:find", "admin:index"]
SECURITY_CONTACT_HOLDS = dt.timedelta(days=180)  # RFC 9116 asks for less than a year


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


def no_such_page(request: HttpRequest, **_parts: str) -> HttpResponse:
    raise Http404


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines need not fetch. Pages of orders say themselves that they belong in no index."""
    lines = ["User-agent: *"]
    for language, _name in settings.LANGUAGES:
        with override(language):
            lines += [f"Disallow: {reverse(name)}" for name in NOT_FOR_ROBOTS]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def security_contact(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a hole in the shop: RFC 9116."""
    expires = clock.now().astimezone(dt.UTC) + SECURITY_CONTACT_HOLDS
    lines = [
        f"Contact: mailto:{settings.SECURITY_EMAIL}",
        f"Expires: {expires:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: zh-Hant, en",
        f"Canonical: {settings.SITE_URL}{reverse('security_contact')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, _in_language("pages/help"))


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/contact.html")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    versions = {"version": settings.TERMS_VERSION, "refund_version": settings.REFUND_VERSION}
    return render(request, _in_language("pages/terms"), versions)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """The table is the schedule that the hourly job obeys."""
    context = {"version": settings.PRIVACY_VERSION, "schedule": retention.schedule()}
    return render(request, _in_language("pages/privacy"), context | {"services": retention.questions()})


def _in_language(page: str) -> str:
    return f"{page}.{get_language()}.html"
