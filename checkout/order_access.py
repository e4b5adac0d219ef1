"""The orders this browser may see in full: those it placed, and those whose e-mail address it has named.

A signed cookie that outlives the session. Everybody else who has an order's link sees it redacted. Each entry
is stamped with the e-mail address it was given for: a corrected address ends what the old one had opened,
and so does ``revoke_all``.

An entry also says whether the order was placed here. Naming an address proves no more than that one owns its
mailbox, and that may be a mistyped one: only the browser that placed an order may send its parcel elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from checkout.models import Order
from shop.typed_values.email_addresses import identity
from shop.web import unsent

COOKIE = "__Host-orders" if settings.PRODUCTION else "orders"
SALT = "checkout.grants"
AGE = 180 * 24 * 3600
MAX_ORDERS = 20  # the oldest are dropped
PLACED = "p"  # ends the entry of an order that was placed here


@dataclass(frozen=True)
class _Entry:
    stamp: str
    is_placed: bool


def granted_ids(request: HttpRequest) -> list[int]:
    """Ids of the orders this browser may see, oldest first."""
    entries = _read(request)
    orders = Order.objects.only("email", "grants_ended").in_bulk(list(entries))
    return [pk for pk, entry in entries.items() if pk in orders and _fits(entry, orders[pk])]


def is_granted(request: HttpRequest, order: Order) -> bool:
    entry = _read(request).get(order.pk)
    return entry is not None and _fits(entry, order)


def is_placed_here(request: HttpRequest, order: Order) -> bool:
    """Whether this browser placed the order; false as well once it may not see it any more."""
    entry = _read(request).get(order.pk)
    return entry is not None and entry.is_placed and _fits(entry, order)


def ask_who_it_is(request: HttpRequest, order: Order, *, filled: Iterable[BaseForm] = ()) -> HttpResponse:
    """Lead to the order's page, which asks for its e-mail address. What was typed comes back on the page.

    ``filled``: the forms that it was typed into, for their labels.
    """
    return unsent.give_back(
        request,
        filled=filled,
        then=order.get_absolute_url(),
        why=_("We do not know any more whether it is still you."),
        door=_("Open the order again in a new window, with its e-mail address"),
    )


def grant(request: HttpRequest, response: HttpResponse, *orders: Order, is_placed: bool = False) -> None:
    """Let this browser see the orders from now on. An entry of an order it placed stays one."""
    entries = _read(request)
    for order in orders:
        previous = entries.pop(order.pk, None)
        was_placed = previous is not None and previous.is_placed
        entries[order.pk] = _Entry(stamp(order), is_placed or was_placed)
    response.set_signed_cookie(
        COOKIE,
        ".".join(_serialize(pk, entry) for pk, entry in list(entries.items())[-MAX_ORDERS:]),
        salt=SALT,
        max_age=AGE,
        secure=settings.PRODUCTION,
        httponly=True,
        samesite="Lax",
    )


def _serialize(pk: int, entry: _Entry) -> str:
    return "-".join([str(pk), entry.stamp, *([PLACED] if entry.is_placed else [])])


def _read(request: HttpRequest) -> dict[int, _Entry]:
    """The cookie's entries by order id, not checked against the orders."""
    text = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=AGE)
    entries = {}
    for part in filter(None, (text or "").split(".")):
        pk, stamp, *more = part.split("-")
        entries[int(pk)] = _Entry(stamp, PLACED in more)
    return entries


def revoke_all(order: Order) -> None:
    """End every grant: no browser sees the order in full before it names the e-mail address again."""
    Order.objects.filter(pk=order.pk).update(grants_ended=F("grants_ended") + 1)


def stamp(order: Order) -> str:
    """The stamp a grant of the order must carry; e-mail address and ``revoke_all`` change it."""
    ended = f"|{order.grants_ended}" if order.grants_ended else ""
    text = f"{order.pk}|{identity(order.email)}{ended}"
    return salted_hmac(SALT, text, algorithm="sha256").hexdigest()[:12]


def _fits(entry: _Entry, order: Order) -> bool:
    return constant_time_compare(entry.stamp, stamp(order))
