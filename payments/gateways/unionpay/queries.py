"""Asking UnionPay what became of a transaction of ours, and reading the money out of the answer."""

import datetime as dt
from decimal import Decimal

from django.conf import settings

from ..base import GatewayError, Misconfigured
from . import codes, messages
from .client import ask
from .codes import Meaning, meaning
from .wire import Fields


def query(txn_type: str, order_id: str, started_at: dt.datetime) -> Fields | None:
    """Ask UnionPay about a transaction of ours; None when it knows of none.

    The ``respCode`` tells only whether the *query* worked; the result is ``origRespCode``.
    """
    answer = ask("queryTrans.do", messages.query(order_id, started_at))
    code = answer["respCode"]
    if meaning(code) is Meaning.NOT_FOUND:
        own(answer)
        return None
    if code in codes.OUR_FAULT:
        raise Misconfigured(code)
    if code != "00":
        raise GatewayError(code, about_one=meaning(code) is not Meaning.BUSY)
    if not answer.get("origRespCode") or answer.get("txnType") != txn_type:
        raise GatewayError("incomplete", about_one=True)
    return answer if meaning(answer["origRespCode"]) is Meaning.DONE else own(answer)


def own(answer: Fields) -> Fields:
    """An answer about another merchant says nothing of us. (Money of another merchant is reported, not
    refused.)
    """
    if answer.get("merId") != settings.UNIONPAY_MERCHANT_ID:
        raise GatewayError("foreign-answer", about_one=True)
    return answer


def money_of(answer: Fields, currency: str) -> tuple[str, Decimal, str]:
    """UnionPay's reference, the amount and its currency."""
    try:
        amount, paid_currency = messages.amount_of(answer, currency)
        return answer["queryId"], amount, paid_currency
    except (KeyError, ValueError) as error:
        raise GatewayError("incomplete", about_one=True) from error
