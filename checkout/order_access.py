"""The orders this browser may see: those it placed, and those whose e-mail address it has named.

A signed cookie that outlives the session. Everybody else who has an order's link sees it redacted. Each entry
is stamped with the e-mail address it was given for: a corrected address ends what the old one had opened,
and so does ``revoke_all``.

What a browser may see is graded, for naming an address proves only that one knows it - so do the shop's own
staff, and whoever gets the parcel:

* named, or opened by a mailed link (``is_granted``): what is delivered where, for ``settings.GRANT_DAYS``;
* placed here (``is_placed_here``): also correct it, and add the answers that are missing, for
  ``settings.PLACED_GRANT_DAYS``;
* just placed here (``is_just_placed_here``): also the order key and the files that were sent, for
  ``settings.ORDER_KEY_SHOWN_HOURS``. From then on they are behind the mailbox alone.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from checkout.models import Order
from checkout.signals import browser_forgets_orders
from shop import clock, crypto
from shop.typed_values.email_addresses import identity
from shop.web import unsent

COOKIE = "__Host-orders" if settings.PRODUCTION else "orders"
SALT = "checkout.grants"
AGE = max(settings.GRANT_DAYS, settings.PLACED_GRANT_DAYS) * 24 * 3600
MAX_ORDERS = 20  # that were placed here, and as many others; of each the oldest are dropped
PLACED = "p"  # ends the entry of an order that was placed here; of any other the moment ends it


@dataclass(frozen=True)
class _Entry:
    stamp: str
    named_at: int | None  # seconds; None for an order that was placed here, whose row says when


def granted_ids(request: HttpRequest) -> list[int]:
    """Ids of the orders this browser may see, oldest first."""
    return list(_good_entries(request))


def is_granted(request: HttpRequest, order: Order) -> bool:
    entry = _read(request).get(order.pk)
    return entry is not None and _fits(entry, order)


def is_placed_here(request: HttpRequest, order: Order) -> bool:
    """Whether this browser placed the order; false as well once it may not see it any more."""
    entry = _read(request).get(order.pk)
    return entry is not None and entry.named_at is None and _fits(entry, order)


def is_just_placed_here(request: HttpRequest, order: Order) -> bool:
    """Whether this browser placed the order within the last hours, so that its buyer still sits there."""
    until = order.placed_at + dt.timedelta(hours=settings.ORDER_KEY_SHOWN_HOURS)
    return clock.now() < until and is_placed_here(request, order)


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


def ask_for_order_key(request: HttpRequest) -> HttpResponse:
    """Lead to the form for the order key, which opens what an e-mail address does not."""
    return unsent.give_back(
        request,
        then=reverse("consulting:unlock"),
        why=_("Only the browser in which the order was placed, or the order key, opens this page."),
        door=_("Enter the order key in a new window"),
    )


def grant(
    request: HttpRequest,
    response: HttpResponse,
    *orders: Order,
    is_placed: bool = False,
    if_room: Iterable[Order] = (),
) -> None:
    """Let this browser see the orders from now on. What it placed is never dropped for what was named.

    ``if_room``: orders that nobody paid, most wanted first. Strangers can make many of them in somebody's
    name, so they take the place of none that this browser knows.

    An entry of an order it placed stays one while it is good. One that was ended is not brought back: whoever
    names the address need not be who placed the order.
    """
    entries = _good_entries(request)  # what is over takes no room
    now = int(clock.now().timestamp())
    for order in orders:
        previous = entries.pop(order.pk, None)
        was_placed = previous is not None and previous.named_at is None
        entries[order.pk] = _Entry(stamp(order), None if is_placed or was_placed else now)
    if_room = list(if_room)
    for order in if_room:
        if order.pk in entries and entries[order.pk].named_at is not None:
            entries[order.pk] = _Entry(stamp(order), now)  # renewed, in its place
    placed = [item for item in entries.items() if item[1].named_at is None][-MAX_ORDERS:]
    named = [item for item in entries.items() if item[1].named_at is not None][-MAX_ORDERS:]
    new = [(order.pk, _Entry(stamp(order), now)) for order in if_room if order.pk not in entries]
    named = [*reversed(new[: MAX_ORDERS - len(named)]), *named]
    response.set_signed_cookie(
        COOKIE,
        ".".join(_serialize(pk, entry) for pk, entry in [*placed, *named]),
        salt=SALT,
        max_age=AGE,
        secure=settings.PRODUCTION,
        httponly=True,
        samesite="Lax",
    )


def forget(request: HttpRequest, response: HttpResponse) -> None:
    """Let this browser know of no order any more: the next at this computer finds none."""
    response.delete_cookie(COOKIE, samesite="Lax")
    browser_forgets_orders.send(sender=None, request=request)


def _serialize(pk: int, entry: _Entry) -> str:
    return f"{pk}-{entry.stamp}-{PLACED if entry.named_at is None else entry.named_at}"


def _read(request: HttpRequest) -> dict[int, _Entry]:
    """The cookie's entries by order id, not checked against the orders.

    An entry without an end is of before there were any: naming the address once more makes another.
    """
    text = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=AGE)
    entries = {}
    for part in filter(None, (text or "").split(".")):
        pk, stamp, *end = part.split("-")
        if end:
            entries[int(pk)] = _Entry(stamp, None if end == [PLACED] else int(end[0]))
    return entries


def _good_entries(request: HttpRequest) -> dict[int, _Entry]:
    """The cookie's entries by order id, oldest first, without those that open nothing any more."""
    entries = _read(request)
    orders = Order.objects.only("email", "grants_ended", "placed_at").in_bulk(list(entries))
    return {pk: entry for pk, entry in entries.items() if pk in orders and _fits(entry, orders[pk])}


def revoke_all(order: Order) -> None:
    """End every grant: no browser sees the order in full before it names the e-mail address again.

    The browser that placed it is from then on one like any other.
    """
    Order.objects.filter(pk=order.pk).update(grants_ended=F("grants_ended") + 1)
    order.refresh_from_db(fields=["grants_ended"])


def leave_mailbox(order: Order) -> None:
    """End what its mailbox was given: copies and erasures that are asked for and not done, and every grant.

    For a mailbox that is in doubt, or not the order's any more.
    """
    order.privacy_requests.filter(done_at=None).delete()
    revoke_all(order)


def stamp(order: Order) -> str:
    """The stamp a grant of the order must carry; e-mail address and ``revoke_all`` change it."""
    return _stamps(order)[0]


def is_stamp(given: str, order: Order) -> bool:
    return crypto.is_one_of(given, _stamps(order))


def _stamps(order: Order) -> list[str]:
    ended = f"|{order.grants_ended}" if order.grants_ended else ""
    return crypto.keyed_digests(SALT, f"{order.pk}|{identity(order.email)}{ended}", length=12)


def _fits(entry: _Entry, order: Order) -> bool:
    return not _is_over(entry, order) and is_stamp(entry.stamp, order)


def _is_over(entry: _Entry, order: Order) -> bool:
    if entry.named_at is None:
        return clock.now() >= order.placed_at + dt.timedelta(days=settings.PLACED_GRANT_DAYS)
    return clock.now().timestamp() >= entry.named_at + settings.GRANT_DAYS * 24 * 3600
