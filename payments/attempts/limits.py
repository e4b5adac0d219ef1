"""How many payments may be begun: each new one is asked about at its gateway for days."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from checkout.models import Order
from shop import clock
from shop.web.rate_limit import RateLimit

MINUTES = 30
# A card that is refused takes one each time. Going on with the attempt under way takes none.
PER_ORDER = RateLimit("payment-attempt", 20, MINUTES)
PER_NETWORK = RateLimit("payment-attempt-network", settings.PAYMENTS_PER_NETWORK, MINUTES)


class TooManyAttempts(Exception):
    """No further payment of this order may be begun for now. Nothing has changed."""


def count_attempt(order: Order, sender: HttpRequest | None) -> None:
    """Count one more attempt. Needs the order's lock, in the transaction that makes the attempt.

    Raises TooManyAttempts: the transaction has to be rolled back.
    """
    if not PER_ORDER.take(str(order.pk)) or not (sender is None or PER_NETWORK.take(sender)):
        raise TooManyAttempts(order.number)


def too_many(order: Order, sender: HttpRequest) -> str:
    """What the buyer reads: from when on it goes on, and who helps."""
    until = max(PER_ORDER.free_at(str(order.pk)), PER_NETWORK.free_at(sender))
    return _(
        "Payments were begun very often within a short time, so no further one was begun now. "
        "Your order stays as it is. If you have paid already, please do not pay again: we write to you as "
        "soon as we know. Otherwise please try again from %(time)s (Hong Kong time), or write to customer "
        "service: %(email)s"
    ) % {"time": date_format(clock.next_full_minute(until), "H:i"), "email": settings.CUSTOMER_SERVICE_EMAIL}
