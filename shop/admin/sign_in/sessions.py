"""Sessions of staff: in a cookie of their own, ended after a while, and apart from a shopper's.

The address decides: pages below ``admin/`` and ``consultant/`` have the staff session, all others the
shopper's. So a staff page anywhere else never finds anybody signed in, and signing out empties no cart.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from shop import clock

SIGNED_IN_AT, SEEN_AT = "signed_in_at", "seen_at"
LONGEST = dt.timedelta(hours=8)
IDLE = dt.timedelta(minutes=30)
NOTED = dt.timedelta(minutes=1)  # so seldom is the session written
FOLDERS = ("admin", "consultant")
_STAFF_PATH = re.compile(rf"^/[a-z-]{{2,10}}/(?:{'|'.join(FOLDERS)})(?:/|$)")


def is_staff_path(path: str) -> bool:
    """Whether a page at this address has the session of staff."""
    return bool(_STAFF_PATH.match(path))


def begin(session: SessionBase) -> None:
    """Note that somebody signs in now."""
    session[SIGNED_IN_AT] = session[SEEN_AT] = clock.now().timestamp()
    session.set_expiry(int(LONGEST.total_seconds()))  # after which its row may go


class StaffSessions:
    """Middleware, directly below Django's of the shopper's session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.STAFF_COOKIE_NAME)
        if not is_staff_path(request.path_info):
            if key:  # the audit trail tells who of the staff looks at a client's own page
                request.staff_session = self.store(key)  # type: ignore[attr-defined]
                request.staff_behind = SimpleLazyObject(lambda: _who(request))  # type: ignore[attr-defined]
            return self.get_response(request)
        shoppers = request.session
        session = self.store(key)
        request.session = session
        request.staff_session_ended = _end_if_late(session)  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        finally:
            staffs, request.session = request.session, shoppers
        _write(request, response, staffs)
        return response


def _who(request: Any) -> Any:
    """The person of the staff's session, which is left as it is."""
    if _is_late(request.staff_session):
        return AnonymousUser()
    asking: Any = HttpRequest()
    asking.session = _Held(request.staff_session.items())
    return get_user(asking)


class _Held(dict[str, Any]):
    """What a session holds, for asking whose it is. A new name for it would reach no cookie."""

    def cycle_key(self) -> None: ...

    def flush(self) -> None: ...


def _is_late(session: Any) -> bool:
    now = clock.now().timestamp()
    signed_in, seen = session.get(SIGNED_IN_AT, 0), session.get(SEEN_AT, 0)
    return bool(now - signed_in > LONGEST.total_seconds() or now - seen > IDLE.total_seconds())


def _end_if_late(session: Any) -> bool:
    """Whether somebody was signed in until now, for too long or too long without a page."""
    if SESSION_KEY not in session:
        return False
    if _is_late(session):
        session.flush()
        return True
    now = clock.now().timestamp()
    if now - session[SEEN_AT] > NOTED.total_seconds():
        session[SEEN_AT] = now
    return False


def _write(request: HttpRequest, response: HttpResponse, session: Any) -> None:
    """As Django's own middleware does it for its one cookie."""
    name = settings.STAFF_COOKIE_NAME
    if session.accessed:
        patch_vary_headers(response, ("Cookie",))
    if session.is_empty():
        if name in request.COOKIES:
            response.delete_cookie(name, samesite=settings.SESSION_COOKIE_SAMESITE)  # type: ignore[arg-type]
        return
    if not session.modified or response.status_code == 500:
        return
    try:
        session.save()
    except UpdateError:
        raise SessionInterrupted("The session was deleted before the request completed.") from None
    response.set_cookie(
        name,
        session.session_key,
        max_age=int(LONGEST.total_seconds()),
        secure=settings.SESSION_COOKIE_SECURE or False,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,  # type: ignore[arg-type]
    )
