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
from .unpaid_mails import MAILED

LINK = MailedLink("checkout:open_link", salt="checkout.finding", lifetime=dt.timedelta(minutes=30))
# Where no order of the address was ever paid, few links a day are mailed (``unpaid_mails``). Each is good for
# that day and opens all of them, whatever number was named: whoever is sent no other has one.
UNPAID_LINK = MailedLink(
    "checkout:open_link", salt="checkout.finding.unpaid", lifetime=dt.timedelta(minutes=MAILED.minutes)
)
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
    """Orders the search matches: those paid or under review first, those that ended unpaid last.

    So what strangers make in somebody's name comes after what that person has paid. Within each the newest
    comes first. A mailbox in doubt opens none.

    The database finds letters alike that belong to different mailboxes (ı and I): without the comparison a
    look-alike address could be sent the link to somebody else's orders.
    """
    own = _of_address(search.email)
    return [order for order in own if order.number == search.number] if search.number else own


def _of_address(email: str) -> list[Order]:
    orders = Order.objects.of_address(email).filter(mailbox_doubted_at=None)
    own = [order for order in orders if identity(order.email) == identity(email)]
    return sorted(own, key=lambda order: (order.was_never_paid, order.status != Order.Status.PENDING))


def link_for(search: OrderSearch, orders: list[Order]) -> tuple[str, dt.timedelta]:
    """The link to mail for orders that the search matches, and how long it is good."""
    link = UNPAID_LINK if all(order.was_never_paid for order in orders) else LINK
    return link.url(search.pk, to=search.email, language=search.language), link.lifetime


def open_link(token: str) -> list[Order]:
    """What the link opens, as ``orders_of`` sorts it. One of a day opens all that was never paid.

    Raises InvalidLink, also where nothing is left of that: whoever asks is sent a link to what was paid.
    """
    search, link = _read(token)
    if link is LINK:
        return orders_of(search)
    unpaid = [order for order in _of_address(search.email) if order.was_never_paid]
    if not unpaid:
        raise InvalidLink
    return unpaid


def _read(token: str) -> tuple[OrderSearch, MailedLink]:
    """The search that the link was mailed for, and the kind of link.

    A copy restored from a backup gives ids again: the search may be somebody else's than the link's.
    """
    try:
        link, opened = LINK, LINK.read(token)
    except InvalidLink:
        link, opened = UNPAID_LINK, UNPAID_LINK.read(token)
    search = OrderSearch.objects.filter(pk=opened.pk).first()
    is_its = opened.stamp == "" or (search and opened.went_to(search.email))  # of before there were stamps
    if search is None or not is_its:
        raise InvalidLink
    return search, link


def old_searches() -> QuerySet[OrderSearch]:
    return OrderSearch.objects.filter(asked_at__lt=clock.now() - KEPT)


def delete_old_searches() -> None:
    """Delete searches older than ``KEPT`` (hourly job)."""
    unopened(old_searches()).delete()
