"""A cart whose session is gone comes back to the browser that filled it, and with it what was typed.

A signed cookie beside the session's says what the session said: the cart's token, which names its sealed
draft, its quantities, its code, and what was last shown of it. It begins at the checkout, where there is
something to lose, follows what the cart holds, and ends with it or with the order. It is worth as much as the
session cookie and guarded like it; who shares a computer has a button that ends both and the draft.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from shop.web import unsent
from shop.web.middleware import may_begin_session, too_many_sessions

from .cart import KEY
from .locking import locked_cart

COOKIE = "__Host-cart" if settings.PRODUCTION else "cart"
SALT = "cart.recovery"
DAYS = 7
AGE = DAYS * 24 * 3600
MAX_COOKIE_BYTES = 3800  # browsers refuse cookies of more than 4096, name and attributes included
P = ParamSpec("P")

# Asked with ``token`` before a cart comes back; a receiver answers True if it has been bought meanwhile.
cart_was_bought = Signal()


def recovers(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A view that begins with the cart of a lost session, and leaves the cookie as the cart is."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *arguments: P.args, **named: P.kwargs) -> HttpResponse:
        if not _bring_back(request):
            return _refuse(request)
        response = view(request, *arguments, **named)
        follow(request, response)
        return response

    return wrapper


def keep(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie that brings the cart back; delete it without a cart, or if it is too large."""
    state = _kept(request)
    value = signing.dumps(state, salt=SALT, compress=True) if state else ""
    if not state or len(value) > MAX_COOKIE_BYTES:
        end(response)
        return
    response.set_cookie(COOKIE, value, max_age=AGE, secure=settings.PRODUCTION, httponly=True, samesite="Lax")


def follow(request: HttpRequest, response: HttpResponse) -> None:
    """Bring a cookie that is there up to date with the cart, which the view may have changed."""
    if COOKIE in request.COOKIES and COOKIE not in response.cookies and _read(request) != _kept(request):
        keep(request, response)


def end(response: HttpResponse) -> None:
    """Delete the cookie."""
    response.delete_cookie(COOKIE, samesite="Lax")
    response.cookies[COOKIE]["secure"] = settings.PRODUCTION  # else browsers refuse the name __Host-


def token_of(request: HttpRequest) -> str:
    """The token of the cart that can come back; empty if there is none."""
    return str(_read(request).get("token", ""))


def _bring_back(request: HttpRequest) -> bool:
    """Whether the view may run: not with a cart that names a draft, and no session that was counted."""
    token = token_of(request)
    if not token or request.session.get(KEY):
        return True
    if any(is_bought for _receiver, is_bought in cart_was_bought.send(sender=None, token=token)):
        return True
    if request.session.session_key is None and not may_begin_session(request):
        return False
    with locked_cart(request):  # which saves it: whoever locks the cart next reads the row
        if not request.session.get(KEY):
            request.session[KEY] = _read(request)
    messages.info(request, _("Your visit had been interrupted. We kept your cart and what you had typed."))
    return True


def _refuse(request: HttpRequest) -> HttpResponse:
    """The page for a network that has begun too many sessions; what was typed is on it, to be sent again."""
    why = _(
        "Too many new visitors from your network. Please keep this page open and try again in 15 minutes."
    )
    if not unsent.holds_text(request):
        return too_many_sessions(request)
    return unsent.give_back(
        request, then=request.get_full_path(), why=why, door=_("Go on in a new window"), status=429
    )


def _kept(request: HttpRequest) -> dict[str, Any]:
    """What the session holds of the cart; of the pages that were shown only the last."""
    state: Any = request.session.get(KEY)
    if not isinstance(state, dict) or not state.get("items"):
        return {}
    looks = state.get("looks")
    return state | ({"looks": {"last": looks.get("last")}} if isinstance(looks, dict) else {})


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        state = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=AGE)
    except signing.BadSignature:
        return {}
    return state if isinstance(state, dict) else {}
