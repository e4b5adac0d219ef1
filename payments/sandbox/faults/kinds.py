"""Which faults there are, where they can strike, what can be said about each. ``faults`` explains them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import moneyed
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OPERATIONS = {
    "paypal": ("token", "create", "show", "capture", "refund", "track", "verify", "dispute", "webhook"),
    "unionpay": (
        "front",
        "purchase",
        "sms",
        "query",
        "refund",
        "void",
        "certificate",
        "notification",
    ),
}
OF_NO_PAYMENT = {"token", "certificate"}
MAX_TIMES = 1000
ISSUES = {  # what PayPal may answer; everything not named here is 422
    "create": {
        "PAYEE_ACCOUNT_RESTRICTED": 422,
        "PAYEE_ACCOUNT_INVALID": 422,
        "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": 422,
        "CITY_REQUIRED": 422,
        "POSTAL_CODE_REQUIRED": 422,
        "SHIPPING_ADDRESS_INVALID": 422,
        "INVALID_CURRENCY_CODE": 422,
        "AMOUNT_MISMATCH": 422,
        "ITEM_TOTAL_MISMATCH": 422,
        "DECIMAL_PRECISION": 422,
        "PERMISSION_DENIED": 403,
    },
    "capture": {
        "INSTRUMENT_DECLINED": 422,
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": 422,
        "PAYER_ACTION_REQUIRED": 422,
        "ORDER_NOT_APPROVED": 422,
        "TRANSACTION_REFUSED": 422,
        "PAYMENT_DENIED": 422,
        "PAYER_CANNOT_PAY": 422,
        "PAYER_COUNTRY_NOT_SUPPORTED": 422,
        "PAYER_ACCOUNT_RESTRICTED": 422,
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED": 422,
        "COMPLIANCE_VIOLATION": 422,
        "PAYEE_BLOCKED_TRANSACTION": 422,
        "TRANSACTION_LIMIT_EXCEEDED": 422,
        "TRANSACTION_AMOUNT_EXCEEDS_MONTHLY_MAX_LIMIT": 422,
        "CARD_CLOSED": 422,
        "ORDER_EXPIRED": 422,
        "ORDER_COMPLETED_OR_VOIDED": 422,
        "PAYEE_FX_RATE_ID_EXPIRED": 422,  # of nothing that the shop does: it knows no such code
        "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": 422,
        "DUPLICATE_INVOICE_ID": 422,
        "ORDER_COMPLETION_IN_PROGRESS": 422,
        "PAYEE_ACCOUNT_RESTRICTED": 422,
        "BILLING_ADDRESS_INVALID": 422,
        "SHIPPING_ADDRESS_INVALID": 422,
        "AUTH_CAPTURE_NOT_ENABLED": 422,
        "PERMISSION_DENIED": 403,
        "INVALID_RESOURCE_ID": 404,
    },
    "refund": {
        "REFUND_FAILED_INSUFFICIENT_FUNDS": 422,
        "CAPTURE_FULLY_REFUNDED": 422,
        "REFUND_AMOUNT_EXCEEDED": 422,
        "REFUND_TIME_LIMIT_EXCEEDED": 422,
        "PENDING_CAPTURE": 422,
        "TRANSACTION_DISPUTED": 422,
        "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": 422,
        "MAX_NUMBER_OF_REFUNDS_EXCEEDED": 422,
        "PARTIAL_REFUND_NOT_ALLOWED": 422,
        "PERMISSION_DENIED": 403,
    },
}
FIRST_ISSUE = {name: next(iter(issues)) for name, issues in ISSUES.items()}
REASONS = (
    "PENDING_REVIEW",
    "ECHECK",
    "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
    "TRANSACTION_APPROVED_AWAITING_FUNDING",
    "UNILATERAL",
    "VERIFICATION_REQUIRED",
    "INTERNATIONAL_WITHDRAWAL",
    "OTHER",
)
UNKNOWN_CODES = ("05", "03", "04", "83", "70")
FORGERIES = {
    "paypal": ("signature", "amount", "transmission", "webhook", "certificate", "algorithm", "unsigned"),
    "unionpay": ("signature", "amount", "certificate", "merchant", "unsigned"),
}
PAYEES = {"paypal": "[2-9A-HJ-NP-Z]{13}", "unionpay": "[A-Za-z0-9]{15}"}
ANSWER_FORGERIES = ("signature", "certificate", "unsigned")


class Invalid(Exception):
    """What cannot be ordered: the member that is wrong, and why."""

    def __init__(self, member: str, reason: str | Promise) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


class NotNow(Invalid):
    """An act that the payment's state does not allow."""


@dataclass(frozen=True)
class Kind:
    """A fault: where it may strike, and its parameters with what reads them and their defaults."""

    on: dict[str, frozenset[str]]
    parameters: dict[str, tuple[Callable[[Any], Any], Any]] = field(default_factory=dict)


def whole(least: int, most: int) -> Callable[[Any], int]:
    def reader(value: Any) -> int:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", text, re.ASCII):
            raise ValueError(_("Please enter a whole number."))
        if not least <= int(text) <= most:
            raise ValueError(
                _("Please enter a number from %(least)s to %(most)s.") % {"least": least, "most": most}
            )
        return int(text)

    return reader


def number(least: float, most: float) -> Callable[[Any], float]:
    def reader(value: Any) -> float:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", text, re.ASCII):
            raise ValueError(_("Please enter a number."))
        if not least <= float(text) <= most:
            raise ValueError(
                _("Please enter a number from %(least)s to %(most)s.") % {"least": least, "most": most}
            )
        return float(text)

    return reader


def optional(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)


def one_of(*choices: str) -> Callable[[Any], str]:
    def reader(value: Any) -> str:
        if value not in choices:
            raise ValueError(_("Please choose one of: %(choices)s.") % {"choices": ", ".join(choices)})
        return str(value)

    return reader


def text(pattern: str) -> Callable[[Any], str]:
    def reader(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(_("This does not have the right form."))
        return value

    return reader


def amount(value: Any) -> str:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,10}(\.\d{1,2})?", str(value), re.ASCII):
        raise ValueError(_("Please enter an amount, e.g. 1.00."))
    if Decimal(str(value)) == 0:
        raise ValueError(_("Please enter an amount, e.g. 1.00."))
    return str(value)


def currency(value: Any) -> str:
    if value not in moneyed.CURRENCIES:
        raise ValueError(_("Please enter the three letters of a currency, e.g. USD."))
    return str(value)


def _on(paypal: str = "", unionpay: str = "") -> dict[str, frozenset[str]]:
    return {"paypal": frozenset(paypal.split()), "unionpay": frozenset(unionpay.split())}


_CALLS = _on(
    "token create show capture refund track verify dispute",
    "front purchase sms query refund void certificate",
)
_NOTICES = _on("webhook", "notification")
_SECONDS = number(0, 3600)
_ERROR = whole(400, 599)
_STATUS = whole(200, 599)
_MINUTES = number(0, 60 * 24 * 60)
_EVENT = (text(r"[A-Z.\-]{0,60}"), "")

LINE: dict[str, Kind] = {
    "hang": Kind(_CALLS, {"seconds": (_SECONDS, 30.0)}),
    "slow": Kind(_CALLS, {"seconds": (_SECONDS, 3.0)}),
    "late": Kind(_CALLS, {"seconds": (_SECONDS, 3.0)}),
    "error": Kind(_CALLS, {"status": (_ERROR, 500)}),
    "error_after": Kind(_CALLS, {"status": (_ERROR, 500)}),
    "reset": Kind(_CALLS),
    "reset_after": Kind(_CALLS),
    "rate_limit": Kind(_CALLS, {"retry_after": (optional(whole(0, 86400)), 5)}),
    "unauthorized": Kind(_CALLS),
    "html": Kind(_CALLS, {"status": (_STATUS, 502)}),
    "garbage": Kind(_CALLS, {"status": (_STATUS, 200)}),
    "empty": Kind(_CALLS, {"status": (_STATUS, 200)}),
}
_TAMPER = {
    "amount": (optional(amount), None),
    "currency": (optional(currency), None),
    "told": (optional(text(r"[A-Za-z0-9\-]{1,40}")), None),
    "payee": (optional(text(r"[A-Za-z0-9]{1,20}")), None),
}
ANSWERS: dict[str, Kind] = {
    "decline": Kind(
        _on("create capture refund"),
        {
            "issue": (optional(text(r"[A-Z_]{3,60}")), None),
            "leaves": (one_of("PAYER_ACTION_REQUIRED", "APPROVED"), "PAYER_ACTION_REQUIRED"),
        },
    ),
    "pending": Kind(
        _on("capture refund"),
        {
            "reason": (one_of(*REASONS), REASONS[0]),
            "minutes": (_MINUTES, 5.0),
            "then": (one_of("completed", "denied", "failed"), "completed"),
        },
    ),
    "tamper": Kind(_on("capture show", "purchase front query"), _TAMPER),
    "code": Kind(
        _on("", "front purchase sms query refund void certificate"),
        {"code": (text(r"0[1-9]|[1-9]\d|A6"), "65")},
    ),
    "late_code": Kind(_on("", "purchase"), {"code": (text(r"0[1-9]|[1-9]\d"), "73")}),
    "unknown": Kind(
        _on("", "purchase front refund void"),
        {
            "code": (one_of(*UNKNOWN_CODES), UNKNOWN_CODES[0]),
            "minutes": (_MINUTES, 5.0),
            "then": (one_of("completed", "failed"), "completed"),
        },
    ),
}
NOTICES: dict[str, Kind] = {
    "lost": Kind(_NOTICES, {"event": _EVENT}),
    "delay": Kind(_NOTICES, {"seconds": (number(0, 60 * 86400), 60.0), "event": _EVENT}),
    "reorder": Kind(_NOTICES, {"event": _EVENT}),
    "duplicate": Kind(_NOTICES, {"copies": (whole(2, 50), 5), "event": _EVENT}),
    "forged": Kind(
        _on("webhook", "notification purchase sms query refund void certificate"),
        {
            "variant": (one_of(*FORGERIES["paypal"], *FORGERIES["unionpay"]), "signature"),
            "event": _EVENT,
        },
    ),
}
FAULTS = LINE | ANSWERS | NOTICES


def checked(order: Any) -> dict[str, Any]:
    """Read every member of an order into a fault. Raises Invalid."""
    if not isinstance(order, dict):
        raise Invalid("body", _("An object is expected."))
    members = dict(order)
    fault = {
        "gateway": read("gateway", one_of(*OPERATIONS), members.pop("gateway", None)),
        "on": members.pop("on", None),
        "fault": members.pop("fault", None),
        "times": read("times", whole(0, MAX_TIMES), members.pop("times", 1)),
        "reference": read("reference", text(r"[A-Za-z0-9\-]{0,64}"), members.pop("reference", "")),
    }
    read("on", one_of(*OPERATIONS[fault["gateway"]]), fault["on"])
    kinds = [name for name, kind in FAULTS.items() if fault["on"] in kind.on[fault["gateway"]]]
    read("fault", one_of(*kinds), fault["fault"])
    if fault["reference"] and fault["on"] in OF_NO_PAYMENT:
        raise Invalid("reference", _("This call belongs to no payment. Leave the reference empty."))
    for name, (reader, default) in FAULTS[fault["fault"]].parameters.items():
        fault[name] = read(name, reader, members.pop(name)) if name in members else default
    if members:
        raise Invalid(sorted(members)[0], _("This fault knows no such parameter."))
    _check_together(fault)
    return fault


def read(member: str, reader: Callable[[Any], Any], value: Any) -> Any:
    """Read the value of a member. Raises Invalid."""
    try:
        return reader(value)
    except ValueError as error:
        raise Invalid(member, error.args[0]) from None


def _check_together(fault: dict[str, Any]) -> None:
    """What depends on more than one member."""
    name, on = fault["fault"], fault["on"]
    if name == "decline":
        fault["issue"] = fault["issue"] or FIRST_ISSUE[on]
        read("issue", one_of(*ISSUES[on]), fault["issue"])
        if fault["leaves"] == "APPROVED" and fault["issue"] != "INSTRUMENT_DECLINED":
            raise Invalid("leaves", _("Only a declined card can leave the approval as it is."))
    if name == "pending":
        read("then", one_of("completed", "failed" if on == "refund" else "denied"), fault["then"])
    if name == "tamper" and fault["payee"] is not None:
        read("payee", text(PAYEES[fault["gateway"]]), fault["payee"])
    if name == "tamper" and not any(fault[part] is not None for part in _TAMPER):
        raise Invalid("amount", _("Please say what is told wrongly: amount, currency, told or payee."))
    if name == "forged":
        variants = FORGERIES[fault["gateway"]] if on in {"webhook", "notification"} else ANSWER_FORGERIES
        read("variant", one_of(*variants), fault["variant"])
