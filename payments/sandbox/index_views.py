"""The sandbox's own pages: what this process is, and its log."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from . import store


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "sandbox/start.html", {"site_url": settings.SITE_URL})


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """One JSON object per line: time, gateway, kind, references, amount, currency, request id."""
    path = store.folder() / "log.jsonl"
    lines = path.read_bytes() if path.exists() else b""
    return HttpResponse(lines, content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "sandbox/missing.html", status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """The traceback stands in the log of the process."""
    return HttpResponse("The sandbox made a mistake.\n", status=500, content_type="text/plain")
