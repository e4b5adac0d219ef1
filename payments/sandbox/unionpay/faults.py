"""Where faults meet UnionPay: how exchanges are called, and what is answered when one strikes."""

import math
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import HttpResponse

from payments.gateways.unionpay.wire import Fields, NotAMessage, parse_form, unencoded
from payments.sandbox import scheduler, store
from payments.sandbox.faults import registry as faults
from shop import clock
from shop.l10n import money

from . import forgeries, notifications, transactions
from .envelope import MESSAGES, Refusal, alpha_code, answer
from .transactions import Transaction, is_suspended, names, names_of

OPERATIONS = {"01": "purchase", "77": "sms", "00": "query", "04": "refund", "31": "void", "95": "certificate"}
# Said by the front layer or before the bank was asked: nothing is recorded, the same order may come again.
WITHOUT_TRACE = {"02", "06", "10", "11", "12", "13", "31", "32", "34", "37", "43", "79", "98"}
DECLINED = "01"
_ECHOED = (
    "version",
    "encoding",
    "signMethod",
    "txnType",
    "txnSubType",
    "bizType",
    "accessType",
    "merId",
    "orderId",
    "txnTime",
    "txnAmt",
    "currencyCode",
    "origQryId",
)
_LIES = "unionpay-lies"
_SUSPENSE = "unionpay-suspense"


def unverified_fields(body: bytes) -> Fields:
    """Read the fields of a request, whether it is right or wrong; none if it is no form."""
    try:
        return parse_form(body)
    except NotAMessage:
        return {}


def answer_unless_fault(fields: Fields, door: Callable[[Fields], Fields]) -> Fields:
    """Answer as the door does, unless a fault orders another answer."""
    operation, references = OPERATIONS[fields["txnType"]], partial(names, fields)
    with store.transaction():
        if fault := faults.take("unionpay", operation, references, {"code"}):
            return _refused(fields, fault)
    reply = door(fields)
    if operation == "query":
        return _with_tampering(fields, reply)
    if operation in {"purchase", "refund", "void"} and reply["respCode"] == "00":
        transaction = transactions.find(fields)
        if transaction and (code := apply_faults(transaction, operation)):
            return transactions.acceptance(transaction, code)
    return reply


def apply_faults(transaction: Transaction, operation: str) -> str:
    """Apply the faults armed for what the bank has granted; returns the code to answer instead, or ""."""
    references = partial(names_of, transaction)
    with store.transaction():
        if operation in {"purchase", "front"} and (
            fault := faults.take("unionpay", operation, references, {"tamper"})
        ):
            faults.note(fault, status="00")
            store.put(_LIES, transaction["id"], fault)
        fault = faults.take("unionpay", operation, references, {"unknown"})
        if fault is None:
            return ""
        faults.note(fault, status=fault["code"])
        _suspend(transaction, fault)
    return str(fault["code"])


def refused_later(transaction: Transaction) -> str:
    """The code with which the bank is ordered to refuse a purchase that has just been accepted, or ""."""
    with store.transaction():
        fault = faults.take("unionpay", "purchase", partial(names_of, transaction), {"late_code"})
        if fault:
            faults.note(fault, status="00")
    return str(fault["code"]) if fault else ""


def signed_answer(fields: Fields, reply: Fields) -> HttpResponse:
    """Sign the answer, unless a forged one is ordered."""
    operation = OPERATIONS[fields["txnType"]]
    fault = faults.take("unionpay", operation, partial(names, fields), {"forged"})
    if fault is None:
        return answer(reply)
    faults.note(fault, status=reply["respCode"])
    body = unencoded(forgeries.forged(reply, fault["variant"]))
    return HttpResponse(body, content_type="text/html;charset=UTF-8")


def check_front(fields: Fields) -> None:
    """Raise Refusal where a fault turns the buyer away at the front door."""
    with store.transaction():
        fault = faults.take("unionpay", "front", partial(names, fields), {"code"})
    if fault:
        faults.note(fault, status=fault["code"])
        raise Refusal(fault["code"], _words(fault["code"]), fields)


def settle_suspended(reference: str, outcome: str) -> dict[str, Any]:
    """End the suspense of a payment or refund now. Raises NotPossible when there is none."""
    with store.transaction():
        suspended = [each for each in store.every("unionpay") if is_suspended(each)]
        named = (each for each in suspended if faults.is_meant(reference, names_of(each)))
        transaction = next(named, None)
        if not reference or transaction is None:
            raise faults.NotPossible("nothing is undecided")
        scheduler.cancel(_SUSPENSE, transaction["id"])
        if outcome == "failed" and transaction["code"] == "00":
            _take_no_money(transaction)
        elif outcome == "completed":
            _take_money(transaction)
        transaction["settles_at"] = clock.now().timestamp()
        notifications.announce(transaction)
    return {"query_id": transaction["query_id"], "status": transaction["code"]}


@scheduler.when_due(_SUSPENSE)
def end_suspense(transaction_id: str) -> None:
    transaction = store.get("unionpay", transaction_id)
    if transaction:
        notifications.announce(transaction)


@faults.on_disarm_all
def stop_tampering() -> None:
    for transaction in store.every("unionpay"):
        store.remove(_LIES, transaction["id"])


def _suspend(transaction: Transaction, fault: faults.Fault) -> None:
    """Accepted; what became of it shows after the minutes, or with ``settle_suspended``."""
    seconds = fault["minutes"] * 60 or math.inf
    if fault["then"] == "failed":
        _take_no_money(transaction)
    transaction |= {"meanwhile": fault["code"], "settles_at": clock.now().timestamp() + seconds}
    transactions.save(transaction)
    if seconds < math.inf:
        scheduler.appoint(_SUSPENSE, transaction["id"], seconds=seconds)


def _take_no_money(transaction: Transaction) -> None:
    transaction["code"] = DECLINED
    _count_refund(transaction, -1)


def _take_money(transaction: Transaction) -> None:
    if transaction["code"] != "00":
        transaction["code"] = "00"
        _count_refund(transaction, +1)


def _count_refund(transaction: Transaction, sign: int) -> None:
    """A refund or void counts against its purchase only if it happens."""
    purchase = transactions.find_by_query_id(transaction["fields"].get("origQryId", ""))
    if purchase:
        purchase["refunded"] += sign * int(transaction["fields"]["txnAmt"])
        purchase["voided"] = transaction["fields"]["txnType"] == "31" and sign > 0
        transactions.save(purchase)


def _refused(fields: Fields, fault: faults.Fault) -> Fields:
    code = fault["code"]
    if OPERATIONS[fields["txnType"]] in {"purchase", "refund", "void"} and code not in WITHOUT_TRACE:
        _record(fields, code)
    faults.note(fault, status=code)
    echo = {name: fields[name] for name in _ECHOED if name in fields}
    return echo | {"respCode": code, "respMsg": _words(code)}


def _record(fields: Fields, code: str) -> None:
    """The bank's no is final for this orderId and txnTime."""
    original = transactions.find_by_query_id(fields.get("origQryId", ""))
    currency = original["fields"]["currencyCode"] if original else "344"
    transaction = transactions.begin({"currencyCode": currency, **fields})
    if transaction is None:
        raise Refusal("12", MESSAGES["12"], fields)
    transactions.decide(transaction, code)
    notifications.log(OPERATIONS[fields["txnType"]], transaction, status=code)


def _with_tampering(fields: Fields, reply: Fields) -> Fields:
    """Alter the answer to a query where a ``tamper`` fault holds for the payment."""
    transaction = transactions.find(fields)
    if transaction is None:
        return reply
    lies = store.get(_LIES, transaction["id"])
    if fault := faults.take("unionpay", "query", partial(names_of, transaction), {"tamper"}):
        faults.note(fault, status=reply["respCode"])
        lies = fault
    return _altered(reply, lies) if lies else reply


def _altered(reply: Fields, lies: faults.Fault) -> Fields:
    altered = dict(reply)
    if lies["currency"] is not None:
        altered["currencyCode"] = money.numeric_code(lies["currency"])
    if lies["amount"] is not None:
        currency = lies["currency"] or alpha_code(reply["currencyCode"])
        altered["txnAmt"] = str(int(Decimal(lies["amount"]).scaleb(money.exponent(currency))))
    if lies["told"] is not None:
        altered["orderId"] = lies["told"]
    if lies["payee"] is not None:
        altered["merId"] = lies["payee"]
    return altered


def _words(code: str) -> str:
    return MESSAGES.get(code, f"交易失败[10000{code}]")
