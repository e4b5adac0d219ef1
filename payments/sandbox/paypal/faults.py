"""Where faults meet PayPal: how exchanges are called, whose they are, and a payment that tells untruths."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from django.http import HttpRequest

from payments.sandbox import store
from payments.sandbox.faults import registry as faults
from payments.sandbox.faults.kinds import ISSUES

from .errors import Reply

OPERATIONS = {
    "create order": "create",
    "show order": "show",
    "show capture": "show",
    "show refund": "show",
    "capture": "capture",
    "refund": "refund",
    "track": "track",
    "update tracker": "track",
    "show dispute": "dispute",
    "verify webhook": "verify",
    "list webhooks": "list",
}
# The processor's or PayPal's last word on this attempt; the rest may pass when it is tried again.
FINAL_ISSUES = {
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    "TRANSACTION_REFUSED",
    "PAYMENT_DENIED",
    "PAYER_CANNOT_PAY",
    "PAYER_COUNTRY_NOT_SUPPORTED",
    "PAYER_ACCOUNT_RESTRICTED",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
    "COMPLIANCE_VIOLATION",
    "PAYEE_BLOCKED_TRANSACTION",
    "TRANSACTION_LIMIT_EXCEEDED",
    "TRANSACTION_AMOUNT_EXCEEDS_MONTHLY_MAX_LIMIT",
    "CARD_CLOSED",
    "REFUND_FAILED_INSUFFICIENT_FUNDS",
}
_LIES = "paypal-lies"


def status_of(fault: faults.Fault) -> int:
    return ISSUES[fault["on"]][fault["issue"]]


def names(request: HttpRequest, ids: dict[str, str]) -> list[str]:
    """All references by which this exchange may be meant. Reads whatever is there, right or wrong."""
    return [*_names_by_id(ids), *_names_in(request)]


def names_of(document: store.Document) -> list[str]:
    """References of an order, a capture or a refund as it is stored."""
    names = [document.get("id", ""), document.get("order_id", ""), document.get("capture_id", "")]
    for part in (document, document.get("unit", {})):
        names += [part.get("custom_id", ""), part.get("invoice_id", "")]
    return [name for name in names if name]


def names_in(resource: dict[str, Any]) -> list[str]:
    """References in the resource of a webhook: an order, a capture, a refund, a dispute."""
    names = {resource.get("id", ""), resource.get("order_id", "")}
    for part in [resource, *resource.get("purchase_units", []), *resource.get("disputed_transactions", [])]:
        names |= {part.get(name, "") for name in ("custom_id", "invoice_id", "seller_transaction_id")}
    names |= {link["href"].rpartition("/")[2] for link in resource.get("links", []) if link["rel"] == "up"}
    for id in list(names):
        names |= set(names_of(store.get("paypal-capture", id) or store.get("paypal-order", id) or {}))
    return sorted(names - {""})


def _names_by_id(ids: dict[str, str]) -> Iterator[str]:
    yield from ids.values()
    for kind in ("order", "capture", "refund", "dispute"):
        document = store.get(f"paypal-{kind}", ids.get(f"{kind}_id", ""))
        if document is None:
            continue
        yield from names_of(document)
        capture = store.get("paypal-capture", document.get("capture_id", ""))
        yield from names_of(capture or {})


def _names_in(request: HttpRequest) -> Iterator[str]:
    """What a body names: a new order, or an event that is to be verified."""
    body: Any = None
    with suppress(ValueError, RecursionError):
        body = json.loads(request.body or b"null")
    if not isinstance(body, dict):
        return
    event = body.get("webhook_event")
    if isinstance(event, dict):
        stored = store.get("paypal-event", str(event.get("id", "")))
        yield from (stored or {}).get("references", [])
    units = body.get("purchase_units")
    for unit in units if isinstance(units, list) else []:
        if isinstance(unit, dict):
            yield from (str(unit[name]) for name in ("custom_id", "invoice_id") if name in unit)


def with_tampering(operation: str, ids: dict[str, str], reply: Reply) -> Reply:
    """Alter the answer where a ``tamper`` fault holds for the payment."""
    if operation not in {"show", "capture"} or "refund_id" in ids or reply.status >= 300 or not reply.body:
        return reply
    references = partial(_names_by_id, ids)
    if operation == "capture" and (fault := faults.take("paypal", "capture", references, {"tamper"})):
        faults.note(fault, status=reply.status)
        store.put(_LIES, _order_id(ids), fault)
    lies = store.get(_LIES, _order_id(ids))
    if operation == "show" and (fault := faults.take("paypal", "show", references, {"tamper"})):
        faults.note(fault, status=reply.status)
        lies = fault
    return Reply(reply.status, _altered(reply.body, lies)) if lies else reply


@faults.on_disarm_all
def stop_tampering() -> None:
    for lie in store.every(_LIES):
        for name in lie["names"]:
            store.remove(_LIES, name)


def _order_id(ids: dict[str, str]) -> str:
    if "order_id" in ids:
        return ids["order_id"]
    capture = store.get("paypal-capture", ids["capture_id"])
    return str(capture["order_id"]) if capture else ""


def _altered(body: dict[str, Any], lies: faults.Fault) -> dict[str, Any]:
    body = copy.deepcopy(body)
    units = body.get("purchase_units", [])
    captures = [capture for unit in units for capture in unit.get("payments", {}).get("captures", [])]
    for part in [*units, *captures, *([] if units else [body])]:
        _alter(part, lies)
    return body


def _alter(part: dict[str, Any], lies: faults.Fault) -> None:
    if "amount" in part and lies["amount"] is not None:
        part["amount"]["value"] = lies["amount"]
    if "amount" in part and lies["currency"] is not None:
        part["amount"]["currency_code"] = lies["currency"]
    for name in ("custom_id", "invoice_id"):
        if name in part and lies["told"] is not None:
            part[name] = lies["told"]
    if "payee" in part and lies["payee"] is not None:
        part["payee"]["merchant_id"] = lies["payee"]
