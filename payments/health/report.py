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
from payments.refunds.reconciliation import GATEWAYS_LISTING_REFUNDS
from shop import clock
from shop.background import outbound
from shop.l10n.money import formatted
from shop.monitoring.audit import Check, Checks, Finding

from .captures import page_of

STATES = ["red", "note", "ok"]
DAYS = 2


def checks(*names: str) -> list[Check]:
    """Run the checks of these names, without any all checks of all apps; red ones first."""
    responses: list[tuple[Any, Any]] = money_checks.send(sender=Check)
    parts: list[Checks] = [part for _receiver, part in responses]
    results = [run() for part in parts for name, run in part.items() if not names or name in names]
    return sorted(results, key=lambda check: STATES.index(check.state))


def is_red(results: Iterable[Check]) -> bool:
    return any(check.state == "red" for check in results)


def ask_gateways(*, days: int = DAYS, most: int | None = None, seconds: float = float("inf")) -> Check:
    """Compare the last days' payments with the gateways. Needs no transaction open.

    Where they differ, the payment is settled and compared again: a note says what was missing, red what
    still differs. Ends after ``most`` payments or after ``seconds``, and says so. In a shop that is to be
    silent only captured money is asked about, for that changes nothing at the gateway.
    """
    since = clock.now() - dt.timedelta(days=days)
    recent = Payment.objects.filter(Q(started_at__gte=since) | Q(captured_at__gte=since))
    if outbound.is_off():
        recent = recent.filter(status=Payment.Status.CAPTURED)
    payments = recent.exclude(gateway_id="").select_related("order").order_by("-started_at", "-pk")
    left, end, findings = payments.count(), time.monotonic() + seconds, []
    for payment in payments[:most]:
        if time.monotonic() > end:
            break
        left -= 1
        findings += _compare(payment)
    if left:
        text = _("%(count)s older payments were not asked about.") % {"count": left}
        advice = _("Ask about them with: manage.py money_health --ask")
        findings.append(Finding("rest", text, advice, is_red=False))
    title = _("The gateways tell the same of the payments of the last days as our books.")
    return Check("gateways", title, tuple(findings))


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
    """The differences in words; empty where the gateway and our books agree."""
    booked = [entry for entry in payment.ledger.all() if _is_comparable(payment, entry)]
    here = {entry.reference: formatted(entry.amount, entry.currency) for entry in booked}
    there = _gateway_amounts(payment)
    missing = _("the gateway tells of %(amount)s (%(reference)s), our books do not")
    unknown = _("our books tell of %(amount)s (%(reference)s), the gateway does not")
    lacking = {name: amount for name, amount in there.items() if here.get(name) != amount}
    return [
        *(missing % {"amount": amount, "reference": name} for name, amount in lacking.items()),
        *(unknown % {"amount": here[name], "reference": name} for name in here if name not in there),
    ]


def _is_comparable(payment: Payment, entry: LedgerEntry) -> bool:
    return payment.gateway in GATEWAYS_LISTING_REFUNDS or entry.kind == LedgerEntry.Kind.CAPTURE


def _gateway_amounts(payment: Payment) -> dict[str, str]:
    """Reference -> amount of all money that the gateway lists for the payment."""
    gateway, purchase = get_gateway(payment.gateway), purchase_of(payment)
    outcome = gateway.fetch(purchase)
    if not isinstance(outcome, Captured):
        return {}
    amounts = {outcome.reference: formatted(outcome.amount, outcome.currency)}
    for movement in gateway.movements(purchase, outcome.reference):
        amounts[movement.reference] = formatted(-movement.amount, movement.currency)
    return amounts
