"""Which orders this browser may see in full: those it placed, and those whose e-mail address it has named.

A signed cookie that outlives the session. Everybody else who has an order's link sees it redacted.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .models import Order

COOKIE = "__Host-orders" if settings.PRODUCTION else "orders"
SALT = "checkout.grants"
AGE = 180 * 24 * 3600
MOST = 20  # the oldest are forgotten


def granted(request: HttpRequest) -> list[int]:
    """Ids of the orders, oldest first."""
    text = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=AGE)
    return [int(part) for part in (text or "").split(".") if part]


def is_granted(request: HttpRequest, order: Order) -> bool:
    return order.pk in granted(request)


def grant(request: HttpRequest, response: HttpResponse, order: Order) -> None:
    """Let this browser see the order from now on."""
    orders = [pk for pk in granted(request) if pk != order.pk] + [order.pk]
    response.set_signed_cookie(
        COOKIE,
        ".".join(map(str, orders[-MOST:])),
        salt=SALT,
        max_age=AGE,
        secure=settings.PRODUCTION,
        httponly=True,
        samesite="Lax",
    )
