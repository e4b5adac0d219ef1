"""Browsers in which somebody has signed in before: whoever guesses from elsewhere cannot keep them out.

A signed cookie names the people and carries a random mark of the browser, by which its own tries are
counted ("device cookies" of OWASP). It opens nothing: password and code are asked as of everybody.
"""

import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse

SALT = "shop.admin.sign_in.known_browsers"
MAX_AGE = 180 * 24 * 3600
MOST = 5  # people who share a browser


def mark_of(request: HttpRequest, user_pk: int | None) -> str:
    """The mark by which this browser's tries for the person are counted; empty for a strange browser."""
    return _read(request).get(str(user_pk), "") if user_pk else ""


def is_known(request: HttpRequest) -> bool:
    """Whether anybody of the staff has signed in here."""
    return bool(_read(request))


def remember(request: HttpRequest, user: User) -> None:
    """This browser is one of the person's; ``write`` sets the cookie."""
    request.remembered_user = user  # type: ignore[attr-defined]


def write(request: HttpRequest, response: HttpResponse) -> None:
    user = getattr(request, "remembered_user", None)
    if user is None:
        return
    known = _read(request)
    mark = known.pop(str(user.pk), "") or secrets.token_urlsafe(12)
    known = {**dict(list(known.items())[-(MOST - 1) :]), str(user.pk): mark}
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(known, salt=SALT),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE or False,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,  # type: ignore[arg-type]
    )


def _read(request: HttpRequest) -> dict[str, str]:
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    if not cookie:
        return {}
    try:
        known: dict[str, str] = signing.loads(cookie, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return {}
    return known
