"""What PayPal's issue codes mean for an attempt. We decide on these codes, never on prose."""

import re

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

_DECLINED = ADDRESS | {
    "CARD_EXPIRED",
    "COMPLIANCE_VIOLATION",
    "DECLINED_DUE_TO_RELATED_TXN",
    "DOMESTIC_TRANSACTION_REQUIRED",
    "INVALID_RESOURCE_ID",  # expired: PayPal forgets an order that was not approved and captured in time
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
    "PAYEE_BLOCKED_TRANSACTION",
    "PAYER_CANNOT_PAY",
    "PAYMENT_SOURCE_CANNOT_BE_USED",
    "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR",
    "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED",
    "RESOURCE_NOT_FOUND",
    "TRANSACTION_BLOCKED_BY_PAYEE",
    "TRANSACTION_LIMIT_EXCEEDED",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
    "TRANSACTION_REFUSED",
}

# Our account, our permissions or our request: no repetition and no buyer can help.
_OURS = re.compile(
    r"(PAYEE_ACCOUNT|INVALID_(?!RESOURCE)|MISSING_|MALFORMED_|MULTI_CURRENCY|DECIMAL|CANNOT_BE_|UNSUPPORTED_)\w*"
    r"|\w+_(MISMATCH|REQUIRED|NOT_ENABLED|NOT_SUPPORTED)|NOT_ENABLED_\w+|PERMISSION_DENIED\w*|NOT_AUTHORIZED"
    r"|NOT_SUPPORTED|CONSENT_NEEDED|DUPLICATE_INVOICE_ID|MAX_VALUE_EXCEEDED|INCOMPATIBLE_PARAMETER_VALUE"
)


def takes_other_funding(issue: str) -> bool:
    """Whether the buyer can still pay the same order at PayPal, in another way."""
    return issue in _OTHER_FUNDING


def outcome_of(issue: str, debug_id: str = "") -> Declined | Unfinished:
    """The outcome of a refused create, show or capture.

    Raises Misconfigured where a person must act, and GatewayError for codes that leave the outcome open:
    another request is working (ORDER_COMPLETION_IN_PROGRESS), or a code that is not known here.
    """
    if issue in _WAITING:
        return Unfinished(issue)
    if issue in _OTHER_FUNDING:
        return Declined(issue, retry="same-gateway-page")
    if issue in _DECLINED or issue.startswith("PAYER_ACCOUNT_"):
        return Declined(issue)
    if _OURS.fullmatch(issue):
        raise Misconfigured(issue, debug_id=debug_id)
    raise GatewayError(issue, debug_id=debug_id)
