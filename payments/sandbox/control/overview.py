"""The latest payments at each gateway, and what has happened lately, for people to read."""

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from payments.sandbox import store
from payments.sandbox.unionpay import transactions
from payments.sandbox.unionpay.envelope import parsed_time

from .forms import CALLS
from .scenarios import GATEWAYS, title_of

PAYMENTS, EVENTS = 8, 12
_TAIL = 256 * 1024  # bytes of the log that are read
_STATES: dict[str, str | Promise] = {
    "waiting": pgettext_lazy("payment", "waiting for the buyer"),
    "approved": pgettext_lazy("payment", "approved, not taken yet"),
    "paid": pgettext_lazy("payment", "paid"),
    "review": pgettext_lazy("payment", "under review"),
    "unknown": pgettext_lazy("payment", "not decided yet"),
    "declined": pgettext_lazy("payment", "declined"),
    "partly": pgettext_lazy("payment", "partly given back"),
    "refunded": pgettext_lazy("payment", "given back"),
}
_PAYPAL = {
    "COMPLETED": "paid",
    "PENDING": "review",
    "DECLINED": "declined",
    "FAILED": "declined",
    "PARTIALLY_REFUNDED": "partly",
    "REFUNDED": "refunded",
}


@dataclass(frozen=True)
class PaymentSummary:
    """A payment as the gateway knows it."""

    reference: str
    amount: Decimal
    currency: str
    state: str
    at: dt.datetime

    @property
    def order_number(self) -> str:
        return order_number(self.reference)

    @property
    def state_name(self) -> str | Promise:
        return _STATES[self.state]


@dataclass(frozen=True)
class Event:
    at: dt.datetime
    gateway: str
    text: str
    order_number: str
    count: int = 1


def order_number(reference: str) -> str:
    """The shop's references begin with the number of the order; others are shown as they are."""
    if re.fullmatch(r"[0-9A-Z]{8}\d{6}(\d{4}|[0-9A-Z]{10})", reference):  # and as they were once
        return f"{reference[:4]}-{reference[4:8]}"
    return reference


def payments(gateway: str, *, most: int = PAYMENTS) -> list[PaymentSummary]:
    """Newest first."""
    payments = _paypal() if gateway == "paypal" else _unionpay()
    return payments[-most:][::-1]


def _paypal() -> list[PaymentSummary]:
    payments = []
    for order in sorted(store.every("paypal-order"), key=lambda order: str(order["create_time"])):
        unit = order["unit"]
        state = "approved" if order["status"] == "APPROVED" else "waiting"
        for id in order["captures"]:
            state = _PAYPAL[(store.get("paypal-capture", id) or {})["status"]]
        amount = unit["amount"]
        reference = str(unit.get("custom_id", order["id"]))
        at = dt.datetime.fromisoformat(order["create_time"])
        payments.append(
            PaymentSummary(reference, Decimal(amount["value"]), amount["currency_code"], state, at)
        )
    return payments


def _unionpay() -> list[PaymentSummary]:
    payments = []
    for transaction in store.every("unionpay"):
        fields = transaction["fields"]
        at = parsed_time(fields["txnTime"])
        if fields["txnType"] == "01" and at:
            amount, currency = transactions.amount(transaction)
            state = _state(transaction)
            payments.append(PaymentSummary(fields["orderId"], amount, currency, state, at))
    return sorted(payments, key=lambda payment: payment.at)


def _state(payment: transactions.Transaction) -> str:
    code = transactions.state(payment)
    if code == "00":
        whole = int(payment["fields"]["txnAmt"])
        return "paid" if not payment["refunded"] else "refunded" if payment["refunded"] == whole else "partly"
    if not payment["code"]:
        return "waiting"
    return "unknown" if code != payment["code"] else "declined"


def events() -> list[Event]:
    """What the log tells about faults, acts and notifications, newest first; what repeats is told once."""
    events: dict[tuple[str, ...], Event] = {}
    for line in reversed(_lines()):
        if event := _event(line):
            key = (event.gateway, event.text, event.order_number)
            events[key] = replace(events[key], count=events[key].count + 1) if key in events else event
    return list(events.values())[:EVENTS]


def _lines() -> list[dict[str, Any]]:
    path = store.folder() / "log.jsonl"
    if not path.exists():
        return []
    with path.open("rb") as file:
        start = max(0, path.stat().st_size - _TAIL)
        file.seek(start, os.SEEK_SET)
        lines = file.read().splitlines()[1 if start else 0 :]
    return list(_read(lines))


def _read(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:  # half a line: it is being written
            continue


def _event(line: dict[str, Any]) -> Event | None:
    tell = _TELL.get(line["kind"])
    if tell is None:
        return None
    numbers = [order_number(reference) for reference in line["references"]]
    order_numbers = [number for number in numbers if "-" in number]
    return Event(
        at=dt.datetime.fromisoformat(line["time"]),
        gateway=str(GATEWAYS[line["gateway"]]),
        text=tell(line),
        order_number=(order_numbers or [""])[0],
    )


def _armed(line: dict[str, Any]) -> str:
    return _("Arranged: %(what)s") % {"what": title_of(line["gateway"], line)}


def _struck(line: dict[str, Any]) -> str:
    what = {"what": title_of(line["gateway"], line), "when": dict(CALLS[line["gateway"]]).get(line["on"], "")}
    return _("It happened: %(what)s (%(when)s)") % what if what["when"] else _("It happened: %(what)s") % what


def _acted(line: dict[str, Any]) -> str:
    return _("Done: %(what)s") % {"what": title_of(line["gateway"], line)}


def _notified(line: dict[str, Any]) -> str:
    if not line["status"]:
        return _("Notification sent; the shop did not answer")
    return _("Notification sent; the shop answered %(status)s") % {"status": line["status"]}


def _forged(line: dict[str, Any]) -> str:
    if not line["status"]:
        return _("Forged notification sent; the shop did not answer")
    return _("Forged notification sent; the shop answered %(status)s") % {"status": line["status"]}


_TELL: dict[str, Callable[[dict[str, Any]], str]] = {
    "armed": _armed,
    "fault": _struck,
    "act": _acted,
    "webhook": _notified,
    "notification": _notified,
    "forged webhook": _forged,
    "forged notification": _forged,
}
