"""A browser that named an order's e-mail address: its mailbox hears of it, and the history keeps it."""

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order, OrderEvent
from shop.background import outbox, peers
from shop.mail import send
from shop.typed_values.email_addresses import identity
from shop.web.rate_limit import RateLimit

NAMED = RateLimit("new-browser", limit=settings.NEW_BROWSERS_A_DAY, minutes=24 * 60)  # per order
# Orders that were never paid share those of their address: whoever orders types any address.


class TooMany(Exception):
    """So many browsers have named the address today that another has to take the mailed link."""


@transaction.atomic
def note(order: Order) -> None:
    """Enter the browser into the history and publish the mail about it. Raises TooMany.

    None is let in unheard: where the mails of a day are used up, no address is taken.
    """
    if not NAMED.take(f"unpaid {identity(order.email)}" if order.was_never_paid else order.number):
        raise TooMany(order.number)
    event = order.log("opened in another browser, by its e-mail address", fact=OrderEvent.Fact.OPENED)
    outbox.publish("mail.order_opened", key=str(event.pk), event_id=event.pk)


@outbox.subscribe("mail.order_opened", peer=peers.MAIL)
def send_order_opened(event_id: int) -> None:
    """Somebody has named the address of the order in a browser that did not know it; perhaps its owner."""
    event = OrderEvent.objects.select_related("order").get(pk=event_id)
    order = event.order
    if order.erased_at:
        return
    with override(order.language):
        context = {
            "order": order,
            "at": event.at,
            "contact_url": settings.SITE_URL + reverse("shop:contact"),
            "days": settings.GRANT_DAYS,
        }
    send(
        "order_opened",
        to=[order.email],
        concerns=order.number,
        context=context,
        language=order.language,
        message_key=f"order-opened-{event.pk}",
    )
