"""Request id, guards against caches, and headers that every answer has."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_cache_control
from django.utils.translation import gettext as _

from shop.background import lines
from shop.keyring import fingerprints
from shop.monitoring.logging import current_request_id

from .client_address import client_address
from .error_pages import too_many, unavailable
from .rate_limit import RateLimit, network_of

# A shop that is paid on other sites' pages needs nothing of the visitor's device.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "display-capture",
        "encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid",
        "identity-credentials-get", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi",
        "payment", "picture-in-picture",
        "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial",
        "storage-access", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip

NEW_SESSIONS = RateLimit("new-session", limit=settings.NEW_SESSIONS_PER_NETWORK, minutes=15)

_BEGINS = "_begins_session"  # on the request: whether it may

GetResponse = Callable[[HttpRequest], HttpResponse]


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id that every log line of it carries and the answer returns."""

    def middleware(request: HttpRequest) -> HttpResponse:
        identity = secrets.token_hex(6)
        token = current_request_id.set(identity)
        try:
            response = get_response(request)
        finally:
            current_request_id.reset(token)
        response["X-Request-ID"] = identity
        return response

    return middleware


def fair_lines(get_response: GetResponse) -> GetResponse:
    """Where requests wait for a gateway, those of one network do not keep out the others."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with lines.asked_from(network_of(client_address(request))):
            return get_response(request)

    return middleware


def few_new_sessions(get_response: GetResponse) -> GetResponse:
    """So many rows a network may begin: each click without a cookie is one. Within the session's own.

    It comes after the view, whose work is done by then. A view that writes more than the session asks
    ``may_begin_session`` first.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        session = request.session
        is_new = session.modified and session.session_key is None and not session.is_empty()
        if is_new and not may_begin_session(request):
            session.clear()  # an empty one is not stored
            return too_many_sessions(request)
        return response

    return middleware


def may_begin_session(request: HttpRequest) -> bool:
    """Whether this request may begin a session, counted once however often it is asked."""
    if not hasattr(request, _BEGINS):
        setattr(request, _BEGINS, bool(NEW_SESSIONS.take(request)))
    return bool(getattr(request, _BEGINS))


def too_many_sessions(request: HttpRequest) -> HttpResponse:
    """The page for a network that has begun too many."""
    title = _("Too many new visitors from your network")
    why = _("Whoever has a shopping cart or an order in this shop already can go on.")
    return too_many(request, NEW_SESSIONS, title=title, why=why)


def refuse_without_secrets(get_response: GetResponse) -> GetResponse:
    """A process that began while the database was away may learn late that it lacks a secret."""

    def middleware(request: HttpRequest) -> HttpResponse:
        is_told_itself = request.path_info == "/readyz"  # which says what is missing
        if not is_told_itself and fingerprints.is_refused():
            return unavailable(request)
        return get_response(request)

    return middleware


def headers_of_all(get_response: GetResponse) -> GetResponse:
    """Static files, refusals and errors have these too: it stands before whatever may answer.

    An answer that gives its visitor a cookie, such as the token of its forms, is shared by no cache.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if response.cookies and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, max_age=0)
        return response

    return middleware


def personal_pages_are_not_cached(get_response: GetResponse) -> GetResponse:
    """Whatever was made for one person (any page that read the session, or any non-GET) is stored nowhere.

    Nor is any page that is not there, for its address may be somebody's order. Search engines list no page
    whose address holds a token: such links travel, and one that is found by a search would be everybody's.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        session = getattr(request, "session", None)
        is_personal = request.method != "GET" or (session is not None and session.accessed)
        is_personal = is_personal or response.status_code == 404
        match = request.resolver_match
        if match is not None and "token" in match.kwargs:
            response["X-Robots-Tag"] = "noindex, nofollow"
            is_personal = True
        if is_personal and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    return middleware
