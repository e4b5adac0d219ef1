"""Order look-up by a mailed link, never by what a page answers.

Whether an address has orders is looked up by the worker only; whoever asks gets the same page in the same
time.
"""

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet

from checkout.models import Order, OrderSearch
from shop import clock
from shop.background import outbox
from shop.crypto import unopened
from shop.typed_values.email_addresses import identity

from .mailed_link import InvalidLink, MailedLink

LINK = MailedLink("checkout:open_link", salt="checkout.finding", lifetime=dt.timedelta(minutes=30))
KEPT = dt.timedelta(days=1)


@transaction.atomic
def request_link(email: str, *, number: str = "", language: str) -> OrderSearch:
    """Save the search and publish it; the worker sees whether there is anything to send."""
    search = save_search(email, number=number, language=language)
    outbox.publish("mail.order_links", key=str(search.pk), search_id=search.pk)
    return search


def save_search(email: str, *, number: str, language: str) -> OrderSearch:
    """Save, encrypted, what somebody searches for; it is deleted after ``KEPT``."""
    return OrderSearch.objects.create(email=email, number=number, language=language, asked_at=clock.now())


def orders_of(search: OrderSearch) -> list[Order]:
    """Orders the search matches, newest first.

    The database finds letters alike that belong to different mailboxes (ı and I): without the comparison a
    look-alike address could be sent the link to somebody else's orders.
    """
    orders = Order.objects.of_address(search.email)
    if search.number:
        orders = orders.filter(number=search.number)
    return [order for order in orders if identity(order.email) == identity(search.email)]


def read_link(token: str) -> OrderSearch:
    """The search that the link was mailed for, to the address it names. Raises InvalidLink."""
    search = OrderSearch.objects.filter(pk=LINK.read(token).pk).first()
    if search is None:
        raise InvalidLink
    return search


def old_searches() -> QuerySet[OrderSearch]:
    return OrderSearch.objects.filter(asked_at__lt=clock.now() - KEPT)


def delete_old_searches() -> None:
    """Delete searches older than ``KEPT`` (hourly job)."""
    unopened(old_searches()).delete()
