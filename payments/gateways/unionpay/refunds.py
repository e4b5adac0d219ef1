"""Giving money back: undone within the clearing day (void, 31), given back after it (refund, 04).

The two are different transactions at UnionPay, with orderIds of their own made from our key, and only one of
them may ever move money. Nothing is remembered here between two calls, so the clock keeps them apart:

* a void is sent only within ``VOID_IS_SENT_FOR`` of the moment at which the refund was stored,
* a refund is sent only once UnionPay shows that the void was refused, or knows of none at
  ``VOID_IS_SETTLED_AFTER``: by then a void whose answer was lost has arrived, or never will.

So a process may die at any place, answers may be lost, and the clearing day may end in between.
"""

import datetime as dt
from decimal import Decimal

from django.conf import settings

from shop import clock
from shop.l10n import money

from ..base import Purchase, Refunded, RefundOutcome, RefundRefused, Unfinished
from . import messages
from .client import ask
from .codes import Meaning, meaning
from .queries import money_of, own, query
from .wire import Fields

VOID_IS_SENT_FOR = dt.timedelta(minutes=4)
VOID_IS_SETTLED_AFTER = dt.timedelta(minutes=10)
_UNDECIDED = {Meaning.DONE, Meaning.UNKNOWN, Meaning.DUPLICATE, Meaning.NOT_FOUND, Meaning.BUSY}


def give_back(
    purchase: Purchase,
    query_id: str,
    amount: Decimal,
    *,
    biz_type: str,
    key: str,
    started_at: dt.datetime,
    captured_at: dt.datetime | None,
) -> RefundOutcome:
    """Void or refund the purchase. Safe to repeat. ``captured_at``: see ``Gateway.refund``."""
    if amount == purchase.amount and _may_have_been_voided(captured_at, started_at):
        request = messages.void(
            purchase, query_id, biz_type=biz_type, key=void_id(key), started_at=started_at
        )
        outcome = _undo(purchase, request, started_at, captured_at)
        if outcome is not None:
            return outcome
    request = messages.refund(purchase, query_id, amount, biz_type=biz_type, key=key, started_at=started_at)
    return _refund(purchase, request, started_at)


def void_id(key: str) -> str:
    """The orderId of the void that stands for the refund with this key."""
    return f"V{key[1:]}"


def clearing_day(moment: dt.datetime) -> dt.date:
    """UnionPay's day, which ends in the evening: 23:00 in Beijing (13:30 in its test environment)."""
    ends = dt.time.fromisoformat(settings.UNIONPAY_DAY_ENDS)
    local = moment.astimezone(messages.BEIJING)
    return local.date() + dt.timedelta(days=local.time() >= ends)


def _may_have_been_voided(captured_at: dt.datetime | None, started_at: dt.datetime) -> bool:
    """Whether any call about this refund can have sent a void. The same in every call."""
    return captured_at is None or clearing_day(captured_at) == clearing_day(started_at)


def _undo(
    purchase: Purchase, request: Fields, started_at: dt.datetime, captured_at: dt.datetime | None
) -> RefundOutcome | None:
    """What became of the void, sent now if it may be. None: no void has moved money nor ever will."""
    answer = query("31", request["orderId"], started_at)
    if answer is not None:
        return _voided(answer, purchase)
    if captured_at is None or not settings.UNIONPAY_VOID:
        return None
    age = clock.now() - started_at
    if age < VOID_IS_SENT_FOR and clearing_day(captured_at) == clearing_day(clock.now()):
        code = own(ask("backTransReq.do", request))["respCode"]
        answer = query("31", request["orderId"], started_at)
        return Unfinished(code) if answer is None else _voided(answer, purchase)
    return Unfinished("34") if age < VOID_IS_SETTLED_AFTER else None


def _voided(answer: Fields, purchase: Purchase) -> RefundOutcome | None:
    outcome = _outcome(answer, purchase)
    return None if isinstance(outcome, RefundRefused) else outcome


def _refund(purchase: Purchase, request: Fields, started_at: dt.datetime) -> RefundOutcome:
    """UnionPay refuses a second transaction with the same orderId (our key) and txnTime: repeat it safely.

    Whatever it answers, only a query tells whether the money went back: also a refusal may be of the
    repetition.
    """
    code = own(ask("backTransReq.do", request))["respCode"]
    answer = query("04", request["orderId"], started_at)
    if answer is None:
        return Unfinished(code) if meaning(code) in _UNDECIDED else RefundRefused(code)
    return _outcome(answer, purchase)


def _outcome(answer: Fields, purchase: Purchase) -> RefundOutcome:
    code = own(answer)["origRespCode"]
    match meaning(code):
        case Meaning.DONE:
            # Answers about refunds may leave the currency out: it is the purchase's.
            currency = {"currencyCode": money.numeric_code(purchase.currency)}
            return Refunded(*money_of(currency | answer, purchase.currency))
        case Meaning.UNKNOWN | Meaning.DUPLICATE | Meaning.NOT_FOUND | Meaning.BUSY:
            return Unfinished(code)
    return RefundRefused(code)
