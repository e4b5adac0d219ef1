"""Background work about money. Every task may run twice, late, or never: the rows say what is left to do."""

import logging
from collections.abc import Callable, Iterable

from checkout.models import Order
from payments.attempts import closing, settlement
from payments.gateways import unionpay
from payments.gateways.base import GatewayError
from payments.health import alerts
from payments.models import GatewayEvent, Payment
from payments.models.payment import UNANSWERED
from payments.webhooks import inbox
from shop.background import breakers, dispatch, leases, peers
from shop.devstack.failpoints import failpoint

logger = logging.getLogger(__name__)

MAX_ROWS = 200  # of one round
MAX_GIVEN_UP = 50  # of these, so that the next round begins soon


def process_event(event_id: int) -> bool:
    """Act on one notification. Returns False where the gateway did not answer."""
    failpoint("before_event_processed")
    return inbox.process(GatewayEvent.objects.select_related("payment").get(pk=event_id))


def settle_payment(payment_id: int) -> bool | None:
    """Ask about one attempt. Returns whether the gateway answered; None where it was not asked."""
    payment = Payment.objects.get(pk=payment_id)
    if payment.status == Payment.Status.CAPTURED or _is_unknown_there(payment):
        settlement.settle(payment)
        return None
    if settlement.ask(payment):
        return True
    payment.refresh_from_db()
    return False if payment.problem in UNANSWERED else None


def _is_unknown_there(payment: Payment) -> bool:
    """Whether the attempt never reached PayPal, so that nobody is asked about it."""
    return payment.gateway == "paypal" and not payment.gateway_id


@peers.task(peer=peers.GATEWAYS, alone=True)
def sweep(gateway: str) -> None:
    """Ask again about every attempt whose outcome is unknown and whose time has come.

    One sweep at a time for each gateway; one that does not answer is left alone, and no other waits for it.
    First come the attempts that buyers wait for, then a few of those that were given up.
    """
    due = Payment.objects.due().at(gateway)
    live = due.live().order_by("next_check_at").values_list("pk", flat=True)[:MAX_ROWS]
    given_up = due.given_up().values_list("pk", flat=True)[:MAX_GIVEN_UP]
    _one_by_one("sweep", gateway, [*live, *given_up], settle_payment)


@peers.task(peer=peers.GATEWAYS, alone=True)
def follow_notices(gateway: str) -> None:
    """Verify and follow up what the gateway has sent, one notice at a time. Woken by each that comes."""
    due = GatewayEvent.objects.due().filter(gateway=gateway)
    _one_by_one("notices", gateway, due.values_list("pk", flat=True)[:MAX_ROWS], process_event)


@peers.task(peer=(*peers.GATEWAYS, peers.LOCAL), alone=True)
def expire_orders(peer: str) -> None:
    """Release the stock of orders that nobody paid in time, after asking the gateway of their live attempt.

    Chance decides whose turn it is; ``local`` are those without a live attempt.
    """
    live = Payment.objects.live()
    orders = Order.objects.past_hold()
    if peer == peers.LOCAL:
        orders = orders.exclude(payments__in=live)
    else:
        orders = orders.filter(payments__in=live.at(peer))
    _one_by_one("expiry", peer, orders.order_by("?").values_list("pk", flat=True)[:MAX_ROWS], _expire)


def _expire(order_id: int) -> bool | None:
    asks = [each for each in Payment.objects.filter(order=order_id).live() if not _is_unknown_there(each)]
    closing.expire_order(order_id)
    is_silent = Payment.objects.filter(order=order_id, problem__in=UNANSWERED).live().exists()
    return not is_silent if asks else None


def _one_by_one(what: str, peer: str, rows: Iterable[int], act: Callable[[int], bool | None]) -> None:
    """Do it with each row, as long as the peer answers and no other process does the same."""
    breaker = breakers.of(peer)
    with leases.hold(f"{what} {peer}") as lease:
        if lease is None:
            return
        for row_id in rows:
            if not lease.renew() or not breaker.may_ask():
                return
            try:
                has_answered = act(row_id)
            except Exception:  # one broken row must not stop the others
                logger.exception("%s of %s failed for row %s", what, peer, row_id)
                has_answered = None
            if has_answered is None:
                breaker.unasked()
            elif has_answered:
                breaker.answered()
            else:
                breaker.silent()


@breakers.when_back(peers.PAYPAL)
def wake_paypal() -> None:
    _wake(peers.PAYPAL)


@breakers.when_back(peers.UNIONPAY)
def wake_unionpay() -> None:
    _wake(peers.UNIONPAY)


def _wake(gateway: str) -> None:
    """What could not be asked about is due now, not at its own time."""
    woken = Payment.objects.all().wake(gateway) + GatewayEvent.objects.all().wake(gateway)
    if woken:
        for task in ("sweep", "follow_notices"):
            dispatch.now(f"payments.tasks.{task}", gateway)


@peers.task(peer=peers.UNIONPAY)
def renew_encryption_certificate() -> None:
    """UnionPay's encryption certificate of the day."""
    try:
        unionpay.renew_encryption_certificate()
    except GatewayError as error:
        logger.error("UnionPay's encryption certificate could not be renewed: %s", error.code)


@peers.task(peer=peers.LOCAL)
def watch_certificates() -> None:
    """Staff hear in time of UnionPay's certificates that end."""
    alerts.watch_certificates()


@peers.task(peer=peers.LOCAL)
def watch_money() -> None:
    """Staff hear of what has turned red: one mail a day for each check."""
    alerts.watch_money()
