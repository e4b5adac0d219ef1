"""Is every cent where it belongs? All checks of all apps, and, when asked, the gateways' own word.

The checks are a few statements over all rows, however many orders there are, and change nothing. Asking the
gateways settles what differs, as every other way of asking does.
"""

import datetime as dt
import time
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from checkout.signals import money_checks
from payments.attempts import settlement
from payments.gateways import get_gateway
from payments.gateways.base import Captured, GatewayError
from payments.models import LedgerEntry, Payment
from payments.purchase import purchase_of
from shop import clock
from shop.money import formatted
from shop.monitoring.audit import Check, Finding

from .captures import page_of
from .repairs import GATEWAYS_LISTING_REFUNDS

STATES = ["red", "note", "ok"]
DAYS = 2
MAX_ASKED = 500


def checks() -> list[Check]:
    """What is wrong first."""
    answers: list[tuple[Any, Any]] = money_checks.send(sender=Check)
    found: list[Check] = [each for _receiver, part in answers for each in part]
    return sorted(found, key=lambda each: STATES.index(each.state))


def is_red(found: Iterable[Check]) -> bool:
    return any(each.state == "red" for each in found)


def ask_gateways(*, days: int = DAYS, most: int = MAX_ASKED, seconds: float = float("inf")) -> Check:
    """Whether the gateways tell of the last days' payments what our books tell. Needs no transaction open.

    Where they differ, the payment is settled and compared again: a note tells what was missing, red what
    still differs. Ends after ``most`` payments or when so many ``seconds`` are over, and says so.
    """
    since = clock.now() - dt.timedelta(days=days)
    recent = Payment.objects.filter(Q(started_at__gte=since) | Q(captured_at__gte=since))
    payments = recent.exclude(gateway_id="").select_related("order").order_by("-started_at", "-pk")
    left, end, found = payments.count(), time.monotonic() + seconds, []
    for payment in payments[:most]:
        if time.monotonic() > end:
            break
        left -= 1
        found += _compare(payment)
    if left:
        text = _("%(count)s older payments were not asked about.") % {"count": left}
        advice = _("Ask about them with: manage.py money_health --ask")
        found.append(Finding("rest", text, advice, is_red=False))
    title = _("The gateways tell the same of the payments of the last days as our books.")
    return Check("gateways", title, tuple(found))


def _compare(payment: Payment) -> list[Finding]:
    try:
        before = _differences(payment)
        if not before or payment.is_claimed:  # somebody is asking just now
            return []
        settlement.ask(payment)
        payment.refresh_from_db()
        still = _differences(payment)
    except GatewayError:
        text = _("%(payment)s: the gateway could not be asked.") % {"payment": payment.reference}
        advice = _("Please try again in a few minutes.")
        return [Finding(payment.reference, text, advice, page_of(payment), is_red=False)]
    if still:
        advice = _("Please compare the payment with the account at the gateway.")
        return [_difference(payment, words, advice) for words in still]
    advice = _("It has been settled now; nothing is left to do.")
    return [_difference(payment, words, advice, is_red=False) for words in before]


def _difference(payment: Payment, words: str, advice: str, *, is_red: bool = True) -> Finding:
    text = f"{payment.reference}: {words}"
    return Finding(text, text, advice, page_of(payment), is_red=is_red)


def _differences(payment: Payment) -> list[str]:
    """In words; empty where the gateway tells what our books tell."""
    booked = [entry for entry in payment.ledger.all() if _is_told(payment, entry)]
    here = {entry.reference: formatted(entry.amount, entry.currency) for entry in booked}
    there = _told(payment)
    missing = _("the gateway tells of %(amount)s (%(reference)s), our books do not")
    unknown = _("our books tell of %(amount)s (%(reference)s), the gateway does not")
    lacking = {name: amount for name, amount in there.items() if here.get(name) != amount}
    return [
        *(missing % {"amount": amount, "reference": name} for name, amount in lacking.items()),
        *(unknown % {"amount": here[name], "reference": name} for name in here if name not in there),
    ]


def _is_told(payment: Payment, entry: LedgerEntry) -> bool:
    return payment.gateway in GATEWAYS_LISTING_REFUNDS or entry.kind == LedgerEntry.Kind.CAPTURE


def _told(payment: Payment) -> dict[str, str]:
    """Reference -> amount of all money that the gateway tells of."""
    gateway, purchase = get_gateway(payment.gateway), purchase_of(payment)
    fact = gateway.fetch(purchase)
    if not isinstance(fact, Captured):
        return {}
    told = {fact.reference: formatted(fact.amount, fact.currency)}
    for movement in gateway.movements(purchase, fact.reference):
        told[movement.reference] = formatted(-movement.amount, movement.currency)
    return told
