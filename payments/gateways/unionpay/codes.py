"""What UnionPay's response codes mean for us (``respCode`` of a transaction, ``origRespCode`` of a query)."""

from enum import Enum
from typing import Literal

Retry = Literal["same-gateway-page", "card-fields", "sms-code", "other-method"]


class Meaning(Enum):
    DONE = "done"  # on a purchase or refund itself only: accepted, ask for the result
    UNKNOWN = "unknown"  # ask again later
    DUPLICATE = "duplicate"  # this orderId and txnTime are known already: ask for its result
    NOT_FOUND = "not found"  # not arrived, or never sent
    BUSY = "busy"  # not processed
    CARD = "card"  # number, expiry, CVC or identity wrong
    SMS_CODE = "sms code"  # wrong; the same transaction takes another one
    OTHER_CARD = "other card"
    OWN_PAGE = "own page"  # needs a step of UnionPay's own page, or our card fields lack permission
    REFUSED = "refused"


_CODES: dict[Meaning, str] = {
    Meaning.DONE: "00 A6",
    Meaning.UNKNOWN: "03 04 05 37 70 74 75 83 99",
    Meaning.DUPLICATE: "12",
    Meaning.NOT_FOUND: "34",
    Meaning.BUSY: "02 06",
    Meaning.CARD: "61 65 66 69 73",
    Meaning.SMS_CODE: "71",
    Meaning.OTHER_CARD: "30 62 63 64 67 68 90",
    Meaning.OWN_PAGE: "10 13 31 32 43 72 76 77 79 82",
    Meaning.REFUSED: "01 11 33 35 36 38 39 40 42 44 45 46 60 78 80 81 85 86 87 88 89 91 92 93 94 95 96",
}
_MEANINGS = {code: meaning for meaning, codes in _CODES.items() for code in codes.split()}

# Our message, key, permission or the money's whereabouts is wrong: someone must look.
FOR_STAFF = frozenset(["10", "11", "13", "31", "32", "42", "43", "74", "75", "A6"])
# A code was sent a moment ago; the next one has to wait.
TOO_OFTEN = "37"
# The code was entered too late.
TOO_LATE = "69"
# Why a *query* can be refused that asking again will not cure.
OUR_FAULT = frozenset(["10", "11", "13", "31", "32", "43"])


def meaning(code: str) -> Meaning:
    """A code that is not in the table is never a success and never a failure."""
    return _MEANINGS.get(code, Meaning.UNKNOWN)


def is_known(code: str) -> bool:
    return code in _MEANINGS


def retry(code: str, *, on_own_page: bool) -> Retry:
    """What can help after a decline. ``on_own_page``: the buyer was on UnionPay's page already."""
    if meaning(code) is Meaning.SMS_CODE:
        return "sms-code"
    if meaning(code) is Meaning.CARD:
        return "same-gateway-page" if on_own_page else "card-fields"
    if meaning(code) is Meaning.OWN_PAGE and not on_own_page:
        return "same-gateway-page"
    return "other-method"
