"""Who may have a notification stored: anybody can send one, and only the gateway can say whether it did.

PayPal repeats for three days what it gets no 2xx for, and the shop asks PayPal about every payment by
itself: so a notification that is turned away costs time, never money. Those about nothing we know, those
about payments that anybody can begin, and those about money that is there each have a room of their own: only
what costs money to name has a large one, for of complaints the shop hears in no other way.
"""

import datetime as dt
import hashlib
import math
from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest

from payments.gateways.base import InvalidNotification
from payments.models import GatewayEvent, Payment
from shop import clock
from shop.web.client_address import client_address
from shop.web.rate_limit import RateLimit, network_of

# Notifications of one network, about nothing we know and about payments of ours. A sale sends hundreds of
# the second kind in a minute, from few addresses.
STRANGE_ONES = RateLimit("strange-notice", limit=60, minutes=10)
KNOWN_ONES = RateLimit("known-notice", limit=2_000, minutes=10)
PER_PAYMENT = 20  # whose money has come; not verified yet
PER_UNPAID = 5
ROOM_FOR_PAID = 10  # times as many may wait as of the others
UNPAID_OF_NETWORK = 0.5  # of their room
RETRY_AFTER = 60  # seconds
ASKED_AGAIN_AFTER = dt.timedelta(hours=1)  # about the same bytes; what refused them may have been our setting
DISPUTES = "CUSTOMER.DISPUTE."
FAMILIES = ("PAYMENT.", "CHECKOUT.", DISPUTES)  # of PayPal's events about money of ours
# Those that leave no row, for the alarm. One network counts up to so many.
REFUSED = RateLimit("refused-notice", limit=100, minutes=60)


class TooManyWait(Exception):
    """No room for one more that is not verified. The gateway sends it again."""


def admit(payment: Payment | None, sender: HttpRequest | None) -> None:
    """Let one more wait for PayPal's word. Raises TooManyWait. Of several at once a few more may pass."""
    waiting = GatewayEvent.objects.filter(is_verified=None, processed_at=None)
    most = settings.PAYPAL_NOTICES_WAITING
    about_it = waiting.filter(payment=payment).count()
    if payment is None:
        share, is_full = STRANGE_ONES, about_it >= most
    elif payment.capture_reference:
        share = KNOWN_ONES
        is_full = about_it >= PER_PAYMENT or waiting.about_money().count() >= ROOM_FOR_PAID * most
    else:
        share, unpaid = KNOWN_ONES, waiting.about_unpaid()
        of_network = unpaid.filter(network=network_told(sender)).count()
        is_full = about_it >= PER_UNPAID or unpaid.count() >= most or of_network >= UNPAID_OF_NETWORK * most
    if is_full or (sender is not None and not share.take(sender)):
        raise TooManyWait


def concerns_us(kind: str) -> bool:
    """Whether PayPal's event may be about money; a webhook can subscribe to many others."""
    return kind.startswith(FAMILIES)


def digest_of(headers: Mapping[str, str], body: bytes) -> str:
    """The same for the same bytes: of the headers that are kept, and of the body."""
    kept = "\n".join(f"{name}: {headers[name]}" for name in sorted(headers))
    return hashlib.sha256(kept.encode() + b"\n\n" + body).hexdigest()


def check_repetition(event: GatewayEvent, digest: str) -> None:
    """Raises InvalidNotification for what PayPal has disowned within the hour."""
    if event.digest == digest and clock.now() - event.received_at < ASKED_AGAIN_AFTER:
        raise InvalidNotification("refused before")


def network_told(sender: HttpRequest | None) -> str:
    return network_of(client_address(sender)) if sender is not None else ""


def refuse(event: GatewayEvent, reason: str) -> None:
    """Keep nothing of what was sent but what a repetition is known by."""
    event.digest = digest_of(event.headers, bytes(event.body))
    event.headers, event.body, event.refused_for = {}, b"", reason
    event.save(update_fields=["is_verified", "digest", "headers", "body", "refused_for"])


def count_refused(since: dt.datetime) -> int:
    """Refused notifications of the last hour: those that left a row, and (at least) those that left none."""
    rows = GatewayEvent.objects.filter(is_verified=False, received_at__gte=since).count()
    return rows + REFUSED.total(minutes=math.ceil((clock.now() - since).total_seconds() / 60))
