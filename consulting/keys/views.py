"""Pages about keys that clients and consultants both meet."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from consulting.keys import throttle as key_throttle


def too_many(request: HttpRequest) -> HttpResponse:
    """Too many wrong keys from this network."""
    response = render(request, "consulting/too_many.html", {"minutes": key_throttle.MINUTES}, status=429)
    response["Retry-After"] = str(60 * key_throttle.MINUTES)
    return response
