"""What PayPal's issue codes mean for an attempt. We decide on these codes, never on prose."""

import re
from enum import Enum, auto
from typing import Literal

from payments.gateways.base import Declined, GatewayError, Misconfigured, Unfinished

# The buyer still has something to do on PayPal's page.
_WAITING = {"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"}

# The same order, approved again with another card or account, can still be captured (with a new request id).
_OTHER_FUNDING = {"INSTRUMENT_DECLINED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"}

# The delivery address is not one that PayPal takes: the buyer mends it in our form.
ADDRESS = {
    "BILLING_ADDRESS_INVALID",
    "CITY_REQUIRED",
    "POSTAL_CODE_REQUIRED",
    "SHIPPING_ADDRESS_INVALID",
}

# PayPal has forgotten or closed the order: it was not approved and captured in time.
GONE = {"INVALID_RESOURCE_ID", "ORDER_COMPLETED_OR_VOIDED", "ORDER_EXPIRED", "RESOURCE_NOT_FOUND"}

_DECLINED = ADDRESS | GONE | {
    "CARD_CLOSED",
    "CARD_EXPIRED",
    "COMPLIANCE_VIOLATION",
    "DECLINED_DUE_TO_RELATED_TXN",
    "DOMESTIC_TRANSACTION_REQUIRED",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
    "PAYEE_BLOCKED_TRANSACTION",
    "PAYER_CANNOT_PAY",
    "PAYER_COUNTRY_NOT_SUPPORTED",
    "PAYMENT_DENIED",
    "PAYMENT_SOURCE_CANNOT_BE_USED",
    "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR",
    "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED",
    "TRANSACTION_AMOUNT_EXCEEDS_MONTHLY_MAX_LIMIT",
    "TRANSACTION_BLOCKED_BY_PAYEE",
    "TRANSACTION_LIMIT_EXCEEDED",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
    "TRANSACTION_REFUSED",
}  # fmt: skip

# Codes of a decline that are no issues: what became of a capture or of an order, and words of our own.
_REASONS = {
    "BUYER_COMPLAINT",
    "CAPTURE_DECLINED",
    "CAPTURE_FAILED",
    "CHARGEBACK",
    "DECLINED_BY_RISK_FRAUD_FILTERS",
    "ECHECK",
    "INTERNATIONAL_WITHDRAWAL",
    "OTHER",
    "PENDING_REVIEW",
    "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
    "START_TOO_OLD",
    "TRANSACTION_APPROVED_AWAITING_FUNDING",
    "UNILATERAL",
    "VERIFICATION_REQUIRED",
    "VOIDED",
}

# Another request of ours is at work on the order.
_AT_WORK = {"ORDER_COMPLETION_IN_PROGRESS"}

# Another request of ours may have taken the money.
_MAYBE_PAID = {"ORDER_ALREADY_CAPTURED", "DUPLICATE_INVOICE_ID"}

# Our account, our permissions or our request: no repetition and no buyer can help. What PayPal does not
# support is only ours where we have asked for it: of a buyer's country it says so too.
_OURS = re.compile(
    r"(PAYEE_ACCOUNT|INVALID_(?!RESOURCE)|MISSING_|MALFORMED_|MULTI_CURRENCY|DECIMAL|CANNOT_BE_|UNSUPPORTED_)\w*"
    r"|\w+_(MISMATCH|REQUIRED|NOT_ENABLED)|NOT_ENABLED_\w+|PERMISSION_DENIED\w*|NOT_AUTHORIZED"
    r"|(CARD_BRAND|CARD_TYPE|CURRENCY|DONATION_ITEMS|IBAN_COUNTRY|MULTIPLE_SHIPPING_(ADDRESS|OPTION|TYPE)"
    r"|PAYMENT_SOURCE|PLATFORM_FEES|SAVE_ORDER|SHIPPING_OPTIONS?)_NOT_SUPPORTED"
    r"|NOT_SUPPORTED|CONSENT_NEEDED|MAX_VALUE_EXCEEDED|INCOMPATIBLE_PARAMETER_VALUE"
)


class Meaning(Enum):
    WAITING = auto()  # for the buyer
    OTHER_FUNDING = auto()  # declined; the same order may be paid in another way
    DECLINED = auto()
    AT_WORK = auto()  # open: ask again
    MAYBE_PAID = auto()  # open: the order tells
    OURS = auto()  # a person must act
    UNKNOWN = auto()


def meaning(issue: str) -> Meaning:
    """The meaning of an issue that PayPal answers to a create, a show or a capture."""
    if issue in _WAITING:
        return Meaning.WAITING
    if issue in _OTHER_FUNDING:
        return Meaning.OTHER_FUNDING
    if issue in _DECLINED or issue.startswith("PAYER_ACCOUNT_"):
        return Meaning.DECLINED
    if issue in _AT_WORK:
        return Meaning.AT_WORK
    if issue in _MAYBE_PAID:
        return Meaning.MAYBE_PAID
    return Meaning.OURS if _OURS.fullmatch(issue) else Meaning.UNKNOWN


def concern_of(code: str) -> Literal["", "ours", "unknown"]:
    """What staff must hear about a payment that was declined with this code."""
    if code in _REASONS:
        return ""
    concerns: dict[Meaning, Literal["ours", "unknown"]] = {
        Meaning.OURS: "ours",
        Meaning.UNKNOWN: "unknown",
    }
    return concerns.get(meaning(code), "")


def takes_other_funding(issue: str) -> bool:
    """Whether the buyer can still pay the same order at PayPal, in another way."""
    return issue in _OTHER_FUNDING


def outcome_of(issue: str, debug_id: str = "") -> Declined | Unfinished:
    """The outcome of a refused create or show.

    Raises Misconfigured where a person must act, and GatewayError for codes that leave the outcome open:
    another request is working (ORDER_COMPLETION_IN_PROGRESS), or a code that is not known here.
    """
    match meaning(issue):
        case Meaning.WAITING:
            return Unfinished(issue)
        case Meaning.OTHER_FUNDING:
            return Declined(issue, retry="same-gateway-page")
        case Meaning.DECLINED:
            return Declined(issue)
        case Meaning.OURS:
            raise Misconfigured(issue, debug_id=debug_id)
    if issue == "DUPLICATE_INVOICE_ID":
        raise Misconfigured(issue, debug_id=debug_id, about_one=True)
    raise GatewayError(issue, debug_id=debug_id, about_one=True)
