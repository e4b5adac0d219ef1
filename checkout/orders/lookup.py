"""Finding one's orders again by a link that is mailed, never by what a page answers.

Whether an address has orders is looked up by the worker only; whoever asks gets the same page in the same
time. The link names nobody: it is the signed number of the request and the moment it was mailed.
"""

import datetime as dt

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order, OrderSearch
from shop import clock
from shop.background import outbox

SALT = "checkout.finding"
LINK_LIFETIME = dt.timedelta(minutes=30)
KEPT = dt.timedelta(days=1)


class InvalidLink(Exception):
    """The link is not ours, or its time is over."""


@transaction.atomic
def request_link(email: str, *, number: str = "", language: str) -> OrderSearch:
    """Write down that a link is wanted; the worker sees whether there is anything to send."""
    search = save_search(email, number=number, language=language)
    outbox.publish("mail.order_links", key=str(search.pk), search_id=search.pk)
    return search


def save_search(email: str, *, number: str, language: str) -> OrderSearch:
    """Keep, sealed and for a day, what somebody asks for."""
    return OrderSearch.objects.create(email=email, number=number, language=language, asked_at=clock.now())


def orders_of(search: OrderSearch) -> list[Order]:
    """What was asked for, newest first.

    The database finds letters alike that belong to different mailboxes (ı and I), so only ASCII is folded:
    else a look-alike address could be sent the link to somebody else's orders.
    """
    found = Order.objects.of_address(search.email)
    if search.number:
        found = found.filter(number=search.number)
    return [order for order in found if _folded(order.email) == _folded(search.email)]


def _folded(email: str) -> bytes:
    return email.encode().lower()


def link_of(search: OrderSearch) -> str:
    """The whole address, good for ``LASTS`` from now."""
    token = signing.dumps([search.pk, int(clock.now().timestamp())], salt=SALT)
    with override(search.language):
        return settings.SITE_URL + reverse("checkout:open_link", args=[token])


def read_link(token: str) -> OrderSearch:
    "The request that the link was mailed for. Raises InvalidLink."
    try:
        search_id, mailed_at = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise InvalidLink from None
    search = OrderSearch.objects.filter(pk=search_id).first()
    if search is None or clock.now().timestamp() >= mailed_at + LINK_LIFETIME.total_seconds():
        raise InvalidLink
    return search


def delete_old_searches() -> None:
    """Requests have had their time."""
    OrderSearch.objects.filter(asked_at__lt=clock.now() - KEPT).delete()
