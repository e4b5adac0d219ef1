"""UnionPay as the shop sees it.

``gateway_id`` is ``card-<orderId>`` or ``page-<orderId>``: UnionPay itself identifies a transaction by
merchant, orderId and txnTime, which we know before the first call; the prefix remembers which of the two
products it is. The reference of money is UnionPay's queryId, because a refund is made against it.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings

from shop import clock, money

from ..base import (
    Captured,
    Declined,
    EncryptedCard,
    GatewayError,
    Handoff,
    Misconfigured,
    Notification,
    Outcome,
    Purchase,
    Refunded,
    RefundOutcome,
    RefundRefused,
    Started,
    Unfinished,
)
from . import certificates, codes, messages, notifications
from .client import ask
from .codes import Meaning, meaning
from .crypto import Untrusted, read_certificate
from .wire import Fields

# How long after payTimeout UnionPay may still show a payment that was made in time.
SETTLING = dt.timedelta(minutes=5)


class UnionPay:
    code = "unionpay"
    captures = False  # a purchase takes the money at once

    def start(self, purchase: Purchase, card: EncryptedCard | None = None) -> Started | Declined:
        """With a card: charge it, which UnionPay only *accepts* here; the result comes by ``fetch``.

        Without: sign the form for UnionPay's own page, without any call.
        """
        if card is None:
            return _own_page(purchase)
        answer = _own(ask("backTransReq.do", messages.onsite_purchase(purchase, card)))
        code = answer["respCode"]
        if meaning(code) is Meaning.BUSY:
            return _after_busy(purchase, code)
        if meaning(code) in {Meaning.DONE, Meaning.UNKNOWN, Meaning.DUPLICATE, Meaning.NOT_FOUND}:
            return _started(purchase)
        return Declined(code, codes.retry(code, on_own_page=False))

    def fetch(self, purchase: Purchase) -> Outcome:
        answer = _query("01", purchase.reference, purchase.started_at)
        if answer is None:
            return _undecided(purchase, "34", final_after_timeout=True)
        code = answer["origRespCode"]
        match meaning(code):
            case Meaning.DONE:
                return _captured(answer, purchase)
            case Meaning.UNKNOWN | Meaning.DUPLICATE | Meaning.NOT_FOUND | Meaning.BUSY:
                # An order that nobody paid on UnionPay's page stays 05 for ever; UnionPay refuses it after
                # payTimeout.
                return _undecided(purchase, code, final_after_timeout=_is_own_page(purchase))
        return Declined(code, codes.retry(code, on_own_page=_is_own_page(purchase)))

    def capture(self, purchase: Purchase) -> Outcome:
        return self.fetch(purchase)

    def refund(
        self,
        purchase: Purchase,
        capture_reference: str,
        amount: Decimal,
        *,
        key: str,
        started_at: dt.datetime,
    ) -> RefundOutcome:
        """UnionPay refuses a second transaction with the same orderId (our key) and txnTime, so repeating is
        safe.

        Whatever it answers, only a query tells whether the money went back: also a refusal may be of the
        repetition.
        """
        biz_type = messages.OWN_PAGE if _is_own_page(purchase) else messages.ONSITE
        request = messages.refund(
            purchase, capture_reference, amount, biz_type=biz_type, key=key, started_at=started_at
        )
        code = _own(ask("backTransReq.do", request))["respCode"]
        answer = _query("04", key, started_at)
        if answer is None:
            undecided = {Meaning.DONE, Meaning.UNKNOWN, Meaning.DUPLICATE, Meaning.NOT_FOUND, Meaning.BUSY}
            return Unfinished(code) if meaning(code) in undecided else RefundRefused(code)
        return _refunded(answer, purchase)

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        return notifications.read(headers, body)

    def verify_notification(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Local, no network. Works for the front return as well."""
        return notifications.is_genuine(headers, body)


def renew_encryption_certificate() -> bool:
    """Fetch UnionPay's encryption certificate; to be called once a day. True when there was a new one.

    Old and new are both good for about a month, so a day's failure (GatewayError) harms nothing.
    """
    answer = _own(ask("backTransReq.do", messages.certificate_update(secrets.token_hex(16), clock.now())))
    if answer["respCode"] != "00":
        raise GatewayError(answer["respCode"])
    try:
        certificate = read_certificate(answer.get("encryptPubKeyCert", ""))
        certificates.trust().accept(certificate, clock.now(), certificates.ENCRYPTION_NAMES)
    except Untrusted as error:
        raise GatewayError("untrusted") from error
    return certificates.replace_encryption_certificate(certificate)


def _own_page(purchase: Purchase) -> Started:
    fields = certificates.merchant_key().signed(messages.own_page_purchase(purchase))
    return Started(
        f"page-{purchase.reference}", Handoff(f"{settings.UNIONPAY_GATEWAY}/frontTransReq.do", fields)
    )


def _is_own_page(purchase: Purchase) -> bool:
    return purchase.gateway_id.startswith("page-")


def _started(purchase: Purchase) -> Started:
    return Started(f"card-{purchase.reference}")


def _after_busy(purchase: Purchase, code: str) -> Started | Declined:
    """Busy means "not processed"; believed only when a query finds nothing either."""
    if _query("01", purchase.reference, purchase.started_at) is None:
        return Declined(code, "card-fields")
    return _started(purchase)


def _query(txn_type: str, order_id: str, started_at: dt.datetime) -> Fields | None:
    """UnionPay's answer about a transaction of ours, or None when it knows of none.

    The ``respCode`` tells only whether the *query* worked; the result is ``origRespCode``.
    """
    answer = ask("queryTrans.do", messages.query(order_id, started_at))
    code = answer["respCode"]
    if meaning(code) is Meaning.NOT_FOUND:
        _own(answer)
        return None
    if code in codes.OUR_FAULT:
        raise Misconfigured(code)
    if code != "00":
        raise GatewayError(code)
    if not answer.get("origRespCode") or answer.get("txnType") != txn_type:
        raise GatewayError("incomplete")
    return answer if meaning(answer["origRespCode"]) is Meaning.DONE else _own(answer)


def _own(answer: Fields) -> Fields:
    """An answer about another merchant says nothing of us. (Money of another merchant is reported, not
    refused.)
    """
    if answer.get("merId") != settings.UNIONPAY_MERCHANT_ID:
        raise GatewayError("foreign-answer")
    return answer


def _undecided(purchase: Purchase, code: str, *, final_after_timeout: bool) -> Unfinished | Declined:
    if final_after_timeout and clock.now() > purchase.pay_until + SETTLING:
        return Declined(code)
    return Unfinished(code)


def _captured(answer: Fields, purchase: Purchase) -> Captured:
    query_id, amount, currency = _money(answer, purchase.currency)
    return Captured(
        reference=query_id,
        our_reference=answer["orderId"],
        amount=amount,
        currency=currency,
        payee_matches=answer.get("merId") == settings.UNIONPAY_MERCHANT_ID,
    )


def _refunded(answer: Fields, purchase: Purchase) -> RefundOutcome:
    code = _own(answer)["origRespCode"]
    match meaning(code):
        case Meaning.DONE:
            # Answers about refunds may leave the currency out: it is the purchase's.
            currency = {"currencyCode": money.numeric_code(purchase.currency)}
            return Refunded(*_money(currency | answer, purchase.currency))
        case Meaning.UNKNOWN | Meaning.DUPLICATE | Meaning.NOT_FOUND | Meaning.BUSY:
            return Unfinished(code)
    return RefundRefused(code)


def _money(answer: Fields, currency: str) -> tuple[str, Decimal, str]:
    try:
        amount, found = messages.amount_of(answer, currency)
        return answer["queryId"], amount, found
    except (KeyError, ValueError) as error:
        raise GatewayError("incomplete") from error
