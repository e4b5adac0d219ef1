"""The requests that we send, field by field, before they are signed."""

import base64
import datetime as dt
import re
from decimal import Decimal

import moneyed
from django.conf import settings

from shop.l10n import money

from ..base import EncryptedCard, Misconfigured, Purchase
from .crypto import SIGN_METHOD, VERSION
from .wire import Fields

BEIJING = dt.timezone(dt.timedelta(hours=8))  # has no summer time
_NO_PRODUCT = "000000"
_COMPUTER, _TELEPHONE = "07", "08"  # channelType

_BASE64 = r"[A-Za-z0-9+/]{4,1366}={0,2}"
_URL = r"(?=.{1,256}\Z)https?://[!-~]+"
_FORMATS = {
    "version": r"5\.1\.0",
    "encoding": "UTF-8",
    "signMethod": "01",
    "txnType": "[0-9]{2}",
    "txnSubType": "[0-9]{2}",
    "bizType": "[0-9]{6}",
    "channelType": "0[78]",
    "accessType": "[012]",
    "merId": "[A-Za-z0-9]{15}",
    "orderId": "[A-Za-z0-9]{8,32}",
    "txnTime": "[0-9]{14}",
    "payTimeout": "[0-9]{14}",
    "txnAmt": "[1-9][0-9]{0,11}",
    "currencyCode": "[0-9]{3}",
    "backUrl": _URL,
    "frontUrl": _URL,
    "frontFailUrl": _URL,
    "accNo": _BASE64,
    "customerInfo": _BASE64,
    "encryptCertId": "[0-9]{1,128}",
    "origQryId": "[A-Za-z0-9]{1,32}",
    "certType": "01",
}


def beijing(moment: dt.datetime) -> str:
    """``YYYYMMDDhhmmss`` on a clock in Beijing, whatever zone this machine is in."""
    return moment.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def onsite_purchase(purchase: Purchase, card: EncryptedCard) -> Fields:
    """Charge a card that the browser encrypted. We only wrap what we cannot read."""
    return _checked(_purchase(purchase, settings.UNIONPAY_CARD_BIZ_TYPE) | _card(card))


def sms_request(purchase: Purchase, card: EncryptedCard) -> Fields:
    """Have a code sent to the telephone named in the encrypted block.

    The code is good for exactly this orderId, txnTime and txnAmt: those of the purchase that follows.
    """
    biz_type = settings.UNIONPAY_CARD_BIZ_TYPE
    common = _common("77", "02", biz_type, purchase.reference, purchase.started_at)
    return _checked(common | _channel(purchase) | _amount(purchase) | _card(card))


def own_page_purchase(purchase: Purchase) -> Fields:
    """The form with which the buyer's browser goes to UnionPay's own page."""
    page = {"frontUrl": purchase.return_url, "frontFailUrl": purchase.cancel_url}
    return _checked(_purchase(purchase, settings.UNIONPAY_PAGE_BIZ_TYPE) | page)


def query(order_id: str, started_at: dt.datetime) -> Fields:
    """Ask about a transaction. It is identified by its *original* txnTime."""
    return _checked(_common("00", "00", _NO_PRODUCT, order_id, started_at))


def refund(
    purchase: Purchase, query_id: str, amount: Decimal, *, biz_type: str, key: str, started_at: dt.datetime
) -> Fields:
    """Give money of a purchase back. A refund is a transaction of its own, with an orderId of its own."""
    return _checked(
        _common("04", "00", biz_type, key, started_at)
        | {
            "origQryId": query_id,
            "txnAmt": str(money.to_minor(amount, purchase.currency)),
            "backUrl": purchase.notify_url,
        }
    )


def void(purchase: Purchase, query_id: str, *, biz_type: str, key: str, started_at: dt.datetime) -> Fields:
    """Undo all of a purchase within its clearing day. A transaction of its own, too."""
    return _checked(
        _common("31", "00", biz_type, key, started_at)
        | {
            "origQryId": query_id,
            "txnAmt": str(money.to_minor(purchase.amount, purchase.currency)),
            "backUrl": purchase.notify_url,
        }
    )


def certificate_update(order_id: str, now: dt.datetime) -> Fields:
    """Ask for UnionPay's present encryption certificate."""
    return _checked(_common("95", "00", _NO_PRODUCT, order_id, now) | {"certType": "01"})


def amount_of(answer: Fields, currency: str) -> tuple[Decimal, str]:
    """Amount and currency that a message names. Raises ValueError when there is none.

    ``currency`` is the one that we expect; another one comes back as its own code, or as the number if
    unknown.
    """
    text, number = answer.get("txnAmt", ""), answer.get("currencyCode", "")
    if not re.fullmatch("[0-9]{1,12}", text) or not re.fullmatch("[0-9]{3}", number):
        raise ValueError("no amount")
    if number != money.numeric_code(currency):
        currency = next((code for code, c in moneyed.CURRENCIES.items() if c.numeric == number), "")
        if not currency:
            return Decimal(text), number
    return money.from_minor(int(text), currency), currency


def _purchase(purchase: Purchase, biz_type: str) -> Fields:
    common = _common("01", "01", biz_type, purchase.reference, purchase.started_at)
    until = {"payTimeout": beijing(purchase.pay_until), "backUrl": purchase.notify_url}
    return common | _channel(purchase) | _amount(purchase) | until


def _channel(purchase: Purchase) -> Fields:
    return {"channelType": _TELEPHONE if purchase.on_phone else _COMPUTER}


def _amount(purchase: Purchase) -> Fields:
    return {
        "txnAmt": str(money.to_minor(purchase.amount, purchase.currency)),
        "currencyCode": money.numeric_code(purchase.currency),
    }


def _card(card: EncryptedCard) -> Fields:
    """``customerInfo`` hides an ``&`` and an ``=`` of its own, so it travels as base64 of ``{k=v&k=v}``."""
    code = f"smsCode={card.sms_code}&" if card.sms_code else ""
    info = base64.b64encode(f"{{{code}encryptedInfo={card.encrypted_info}}}".encode()).decode()
    return {"accNo": card.acc_no, "customerInfo": info, "encryptCertId": card.encrypt_cert_id}


def _common(txn_type: str, sub_type: str, biz_type: str, order_id: str, started_at: dt.datetime) -> Fields:
    return {
        "version": VERSION,
        "encoding": "UTF-8",
        "signMethod": SIGN_METHOD,
        "txnType": txn_type,
        "txnSubType": sub_type,
        "bizType": biz_type,
        "channelType": _COMPUTER,
        "accessType": "0",
        "merId": settings.UNIONPAY_MERCHANT_ID,
        "orderId": order_id,
        "txnTime": beijing(started_at),
    }


def _checked(fields: Fields) -> Fields:
    """The fields, if all have the form that UnionPay demands. The error names the field, never its value."""
    for name, value in fields.items():
        if not re.fullmatch(_FORMATS[name], value):
            raise Misconfigured(f"format of {name}")
    return fields
