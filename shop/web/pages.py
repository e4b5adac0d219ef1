"""The shop's own pages: help, contact, terms, privacy, and what is shown when something went wrong."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from shop.privacy import retention

logger = logging.getLogger(__name__)


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
    versions = {"version": settings.TERMS_VERSION, "refund_version": settings.REFUND_VERSION}
    return render(request, _in_language("pages/terms"), versions)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """The table is the schedule that the hourly job obeys."""
    context = {"version": settings.PRIVACY_VERSION, "schedule": retention.schedule()}
    return render(request, _in_language("pages/privacy"), context | {"services": retention.questions()})


def _in_language(page: str) -> str:
    return f"{page}.{get_language()}.html"
