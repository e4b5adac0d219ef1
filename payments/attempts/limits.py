"""How often strangers may begin a payment, have a code sent or tried, and have a gateway asked.

Each is taken by the service that does the work, so that no address leads past it.
"""

from django.conf import settings
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from checkout.models import Order
from payments.models import Payment
from shop import clock
from shop.web.rate_limit import RateLimit

# --- payments that are begun: each new one is asked about at its gateway for days ---
MINUTES = 15  # well within the time that an order is kept: who was refused can still pay it
# A card that is refused takes one each time. Going on with the attempt under way takes none.
PER_ORDER = RateLimit("payment-attempt", 10, MINUTES)
# Neighbours share a network, and orders are limited there: nobody repeating takes the others' first payments.
FIRST_ONES = 2  # of an order, which take nothing of its network's
PER_NETWORK = RateLimit("payment-attempt-network", max(1, settings.PAYMENTS_PER_NETWORK // 2), MINUTES)

# --- codes of the bank, by text message ---
CODE_MINUTES = 30
SENT_PER_NETWORK = RateLimit("sms", 20, CODE_MINUTES)  # an office may be one network
SENT_PER_ORDER = RateLimit("sms-order", 8, CODE_MINUTES)
CODE_GUESSES = RateLimit("sms-code", 10, CODE_MINUTES)  # per order, whoever guesses

# --- questions at a gateway about one payment, from the pages that anybody can call again and again ---
QUESTIONS = RateLimit("gateway-question", 5, 5)


class TooManyAttempts(Exception):
    """No further payment of this order may be begun for now. Nothing has changed."""


class TooManyCodes(TooManyAttempts):
    """No further code is sent, or tried, for now. The bank was not asked."""


def count_attempt(order: Order, sender: HttpRequest | None) -> None:
    """Count one more attempt. Needs the order's lock, in the transaction that makes the attempt.

    Raises TooManyAttempts: the transaction has to be rolled back.
    """
    if not PER_ORDER.take(str(order.pk)):
        raise TooManyAttempts(order.number)
    is_repetition = order.payments.count() >= FIRST_ONES
    if sender is not None and is_repetition and not PER_NETWORK.take(sender):
        raise TooManyAttempts(order.number)


def count_code_sent(order_id: int, sender: HttpRequest | None) -> None:
    """Count one more code that the bank is to send. Raises TooManyCodes."""
    taken = SENT_PER_NETWORK.take(sender) if sender is not None else []
    if sender is not None and not taken:
        raise TooManyCodes(order_id)
    if not SENT_PER_ORDER.take(str(order_id)):
        SENT_PER_NETWORK.release(taken)
        raise TooManyCodes(order_id)


def require_code_tries(order_id: int) -> None:
    """Raise TooManyCodes where no code can be tried now. Nothing is counted or allowed by it."""
    if CODE_GUESSES.free_at(str(order_id)) > clock.now():
        raise TooManyCodes(order_id)


def count_code_tried(payment: Payment) -> None:
    """Count one more code that the bank is to judge. Raises TooManyCodes."""
    if not CODE_GUESSES.take(str(payment.order_id)):
        raise TooManyCodes(payment.order_id)


def may_ask_for_visitor(payment: Payment) -> bool:
    """Count one more question at the gateway that a page's visitor causes. Returns whether it may be asked.

    Only per payment: how many a network has that wait is limited where they are begun, so that no
    neighbour's repetitions keep a buyer's first question back.
    """
    return bool(QUESTIONS.take(str(payment.pk)))


def too_many(reason: TooManyAttempts, order: Order, sender: HttpRequest) -> str:
    """What the buyer reads: from when on it goes on, and who helps."""
    if isinstance(reason, TooManyCodes):
        return _(
            "Too many tries. No money was taken. Please wait half an hour, or choose another way to pay."
        )
    until = max(PER_ORDER.free_at(str(order.pk)), PER_NETWORK.free_at(sender))
    return _(
        "Payments were begun very often within a short time, so no further one was begun now. "
        "Your order stays as it is. If you have paid already, please do not pay again: we write to you as "
        "soon as we know. Otherwise please try again from %(time)s (Hong Kong time), or write to customer "
        "service: %(email)s"
    ) % {"time": date_format(clock.next_full_minute(until), "H:i"), "email": settings.CUSTOMER_SERVICE_EMAIL}
