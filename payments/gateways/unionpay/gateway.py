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

from shop import clock

from ..base import (
    Captured,
    CodeSent,
    Declined,
    DisputeFact,
    EncryptedCard,
    GatewayError,
    Handoff,
    InvalidNotification,
    Misconfigured,
    Movement,
    Notification,
    Outcome,
    Parcel,
    Purchase,
    RefundOutcome,
    Started,
    Unfinished,
)
from . import certificates, codes, messages, notifications, refunds
from .client import ask
from .codes import Meaning, meaning
from .crypto import Untrusted, read_certificate
from .queries import money_of, own, query
from .wire import Fields

# How long after payTimeout UnionPay may still show a payment that was made in time.
SETTLING = dt.timedelta(minutes=5)
_UNCLEAR = {Meaning.DONE, Meaning.UNKNOWN, Meaning.DUPLICATE, Meaning.NOT_FOUND}  # only a query tells


class UnionPay:
    code = "unionpay"
    captures = False  # a purchase takes the money at once

    def send_code(self, purchase: Purchase, card: EncryptedCard) -> CodeSent | Declined:
        """The purchase must follow with the same orderId, txnTime and amount: the code is bound to them."""
        code = own(ask("backTransReq.do", messages.sms_request(purchase, card)))["respCode"]
        if code == "00":
            return CodeSent(_started(purchase).gateway_id)
        if code == codes.TOO_OFTEN:
            return Declined(code, "same-gateway-page")  # the code that was sent before is still good
        if meaning(code) in _UNCLEAR or meaning(code) is Meaning.BUSY:
            is_busy = meaning(code) is Meaning.BUSY
            raise GatewayError(code, about_one=not is_busy)  # no money moves here: the buyer may ask again
        return Declined(code, "card-fields" if meaning(code) is Meaning.CARD else "other-method")

    def start(self, purchase: Purchase, card: EncryptedCard | None = None) -> Started | Declined:
        """With a card: charge it, which UnionPay only *accepts* here; the result comes by ``fetch``.

        Without: sign the form for UnionPay's own page, without any call.
        """
        if card is None:
            return _own_page(purchase)
        answer = own(ask("backTransReq.do", messages.onsite_purchase(purchase, card)))
        code = answer["respCode"]
        if meaning(code) is Meaning.BUSY:
            return _after_busy(purchase, code)
        if meaning(code) is Meaning.DUPLICATE and card.sms_code:
            return _after_wrong_code(purchase)
        if meaning(code) in _UNCLEAR:
            return _started(purchase)
        return Declined(code, codes.retry(code, on_own_page=False))

    def fetch(self, purchase: Purchase) -> Outcome:
        answer = query("01", purchase.reference, purchase.started_at)
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
        captured_at: dt.datetime | None = None,
    ) -> RefundOutcome:
        return refunds.give_back(
            purchase,
            capture_reference,
            amount,
            biz_type=settings.UNIONPAY_PAGE_BIZ_TYPE
            if _is_own_page(purchase)
            else settings.UNIONPAY_CARD_BIZ_TYPE,
            key=key,
            started_at=started_at,
            captured_at=captured_at,
        )

    def refund_voids(self, captured_at: dt.datetime, at: dt.datetime) -> bool:
        """Within the same clearing day."""
        is_same_day = refunds.clearing_day(captured_at) == refunds.clearing_day(at)
        return bool(settings.UNIONPAY_VOID) and is_same_day

    def movements(self, purchase: Purchase, capture_reference: str) -> tuple[Movement, ...]:
        """UnionPay cannot be asked for them: refunds made in its portal stand in the reconciliation file."""
        return ()

    def dispute(self, reference: str) -> DisputeFact:
        """Chargebacks of cards come by letter and file, never as a notification."""
        raise Misconfigured("UnionPay tells of no disputes")

    def track(self, purchase: Purchase, capture_reference: str, parcel: Parcel) -> list[str]:
        """UnionPay does not want to know of parcels."""
        return []

    def untrack(self, purchase: Purchase, tracker: str) -> None:
        """Nothing was told."""

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        return notifications.read(headers, body)

    def judge_notification(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The signature tells everything, and is never asked about again."""
        if not notifications.is_genuine(headers, body):
            raise InvalidNotification("signature")
        return {}

    def verify_notification(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Local, no network. Works for the front return as well."""
        return notifications.is_genuine(headers, body)


def renew_encryption_certificate() -> bool:
    """Fetch UnionPay's encryption certificate; to be called once a day. True when there was a new one.

    Old and new are both good for about a month, so a day's failure (GatewayError) harms nothing.
    """
    answer = own(ask("backTransReq.do", messages.certificate_update(secrets.token_hex(16), clock.now())))
    if answer["respCode"] != "00":
        raise GatewayError(answer["respCode"])
    try:
        certificate = read_certificate(answer.get("encryptPubKeyCert", ""))
        certificates.trust().accept(certificate, clock.now(), certificates.ENCRYPTION_NAMES)
    except Untrusted as error:
        raise GatewayError("untrusted") from error
    try:
        is_new = certificates.replace_encryption_certificate(certificate)
        certificates.note_renewal()
    except OSError as error:
        raise Misconfigured("UNIONPAY_CERT_DIR cannot be written") from error
    return is_new


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
    if query("01", purchase.reference, purchase.started_at) is None:
        return Declined(code, "card-fields")
    return _started(purchase)


def _after_wrong_code(purchase: Purchase) -> Started | Declined:
    """Should UnionPay take no second code for the same order, another attempt needs another code."""
    answer = query("01", purchase.reference, purchase.started_at)
    if answer and meaning(answer["origRespCode"]) is Meaning.SMS_CODE:
        return Declined(codes.TOO_LATE, "card-fields")
    return _started(purchase)


def _undecided(purchase: Purchase, code: str, *, final_after_timeout: bool) -> Unfinished | Declined:
    if final_after_timeout and clock.now() > purchase.pay_until + SETTLING:
        return Declined(code)
    return Unfinished(code)


def _captured(answer: Fields, purchase: Purchase) -> Captured:
    query_id, amount, currency = money_of(answer, purchase.currency)
    return Captured(
        reference=query_id,
        our_reference=answer["orderId"],
        amount=amount,
        currency=currency,
        payee_matches=answer.get("merId") == settings.UNIONPAY_MERCHANT_ID,
    )
