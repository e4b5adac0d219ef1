"""The number beside the cart in every page's header."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .cart import count_in


def cart(request: HttpRequest) -> dict[str, object]:
    """``cart_count``. Looking at it neither starts a session nor asks the catalogue."""
    return {"cart_count": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    session = getattr(request, "session", None)
    return 0 if session is None or session.is_empty() else count_in(session)
