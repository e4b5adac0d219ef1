"""What the sandbox knows of a transaction: kept by merId, orderId and txnTime; a second one with these is a
duplicate.

No card is kept, only its last four digits.
"""

import datetime as dt
import secrets
from decimal import Decimal
from typing import Any

from django.conf import settings

from payments.gateways.unionpay.messages import BEIJING
from payments.gateways.unionpay.wire import Fields
from payments.sandbox import store
from shop import clock
from shop.l10n import money

from .envelope import MESSAGES, alpha_code

Transaction = dict[str, Any]

PROCESSING_SECONDS = 0.4  # between "accepted" and the bank's answer
WRONG_CODE = "71"  # of the text message: the same orderId and txnTime may come again with another one


def begin(fields: Fields, **more: Any) -> Transaction | None:
    """Record a new transaction, undecided; None when this orderId and txnTime are used up."""
    now = clock.now().astimezone(BEIJING)
    transaction: Transaction = {
        "id": identity(fields),
        "fields": {name: fields[name] for name in _KEPT if name in fields},
        "query_id": f"{now:%y%m%d%H%M%S}{secrets.randbelow(10**9):09}",
        "trace_no": f"{secrets.randbelow(10**6):06}",
        "code": "",
        "settles_at": 0.0,
        "last4": "",
        "refunded": 0,
        "notice": {"url": fields.get("backUrl", ""), "tries": 0, "done": True},
        **more,
    }
    with store.transaction():
        if is_used_up(fields):
            return None
        save(transaction)
        store.put("unionpay-query", transaction["query_id"], {"id": transaction["id"]})
    return transaction


def save(transaction: Transaction) -> None:
    store.put("unionpay", transaction["id"], transaction)


def find(fields: Fields) -> Transaction | None:
    return store.get("unionpay", identity(fields))


def is_used_up(fields: Fields) -> bool:
    earlier = find(fields)
    return earlier is not None and earlier["code"] != WRONG_CODE


def find_by_query_id(query_id: str) -> Transaction | None:
    pointer = store.get("unionpay-query", query_id)
    return store.get("unionpay", pointer["id"]) if pointer else None


def identity(fields: Fields) -> str:
    return "-".join(fields[name] for name in ("merId", "orderId", "txnTime"))


def decide(
    transaction: Transaction, code: str, *, last4: str = "", at_once: bool = False, is_accepted: bool = False
) -> None:
    """Record the verdict. What is accepted queries as 05 for a moment, unless ``at_once``; a no does not."""
    wait = PROCESSING_SECONDS if (code == "00" or is_accepted) and not at_once else 0
    settles_at = clock.now().timestamp() + wait
    transaction |= {"code": code, "last4": last4, "settles_at": settles_at}
    save(transaction)


def state(transaction: Transaction) -> str:
    """The response code as of now; 05 while nobody has paid or the bank is still busy."""
    if is_suspended(transaction):
        return str(transaction["meanwhile"])
    if not transaction["code"] or clock.now().timestamp() < transaction["settles_at"]:
        return "05"
    return str(transaction["code"])


def is_of_this_clearing_day(transaction: Transaction) -> bool:
    """Whether UnionPay's day in which it was decided has not ended yet."""
    hours, minutes = map(int, settings.UNIONPAY_DAY_ENDS.split(":"))
    start = clock.now().astimezone(BEIJING).replace(hour=hours, minute=minutes, second=0, microsecond=0)
    if start > clock.now():
        start -= dt.timedelta(days=1)
    return bool(transaction["settles_at"] >= start.timestamp())


def amount(transaction: Transaction) -> tuple[Decimal, str]:
    fields = transaction["fields"]
    currency = alpha_code(fields["currencyCode"])
    return money.from_minor(int(fields["txnAmt"]), currency), currency


def echo(fields: Fields, code: str) -> Fields:
    """Answer a request that is no transaction of its own."""
    return {name: fields[name] for name in _KEPT if name in fields} | _verdict(code)


def acceptance(transaction: Transaction, code: str) -> Fields:
    """Answer a purchase or refund."""
    reply = _echo(transaction, *_KEPT) | _verdict(code)
    return reply | ({"queryId": transaction["query_id"]} if code == "00" else {})


def query_result(transaction: Transaction) -> Fields:
    """Answer a query: 00 for the query itself, the transaction's own state as origRespCode."""
    code = state(transaction)
    reply = _echo(transaction, *_KEPT) | {"bizType": "000000", "issuerIdentifyMode": "0"} | _verdict("00")
    reply |= {
        "origRespCode": code,
        "origRespMsg": _verdict(code)["respMsg"],
        "queryId": transaction["query_id"],
    }
    return reply | _settlement(transaction) if code == "00" else reply


def notice(transaction: Transaction, *, text: str = "") -> Fields:
    """Build a notification or front return; the two differ in their text."""
    code = state(transaction) if is_suspended(transaction) else transaction["code"]
    fields = _echo(transaction, *_KEPT) | _verdict(code) | {"queryId": transaction["query_id"]}
    fields |= {"respMsg": text} if text else {}
    return fields | _settlement(transaction) if code == "00" else fields


def _echo(transaction: Transaction, *names: str) -> Fields:
    return {name: transaction["fields"][name] for name in names if name in transaction["fields"]}


def _verdict(code: str) -> Fields:
    return {"respCode": code, "respMsg": MESSAGES.get(code, f"交易失败[10000{code}]")}


def _settlement(transaction: Transaction) -> Fields:
    fields = transaction["fields"]
    settled = {
        "settleAmt": fields["txnAmt"],
        "settleCurrencyCode": fields["currencyCode"],
        "settleDate": fields["txnTime"][4:8],
        "traceNo": transaction["trace_no"],
        "traceTime": fields["txnTime"][4:],
    }
    if transaction["last4"]:
        settled["accNo"] = f"************{transaction['last4']}"
    return settled


_KEPT = (
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


def names(fields: Fields) -> list[str]:
    """References of a request: its own, and those of what it is about."""
    names = [fields.get("orderId", ""), fields.get("origQryId", "")]
    original = find_by_query_id(fields.get("origQryId", ""))
    if original:
        names.append(original["fields"]["orderId"])
    return [name for name in names if name]


def names_of(transaction: Transaction) -> list[str]:
    return [*names(transaction["fields"]), transaction["query_id"]]


def is_suspended(transaction: dict[str, Any]) -> bool:
    return "meanwhile" in transaction and clock.now().timestamp() < transaction["settles_at"]
