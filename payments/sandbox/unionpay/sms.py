"""The bank's text messages: a code for one purchase, shown in the mailbox for want of a telephone.

As in UnionPay's test environment the code is 111111, and any six digits pass but two.
"""

import re

from django.conf import settings

from payments.gateways.unionpay.wire import Fields
from payments.sandbox import mailbox, store
from shop import clock
from shop.l10n import money

from . import transactions
from .cards import Card, decrypt_card
from .envelope import MESSAGES, Refusal, alpha_code, check_given, check_time

KIND = "unionpay-sms"
CODE = "111111"
WRONG = frozenset({"123456", "654321"})
RESEND_SECONDS = 60
LASTS_SECONDS = 600


def send(fields: Fields) -> Fields:
    """Send a code (77/02) for the purchase with this orderId, txnTime and amount. Moves no money."""
    check_given(fields, "accNo", "customerInfo", "encryptCertId")
    if fields["txnSubType"] != "02" or fields["bizType"] != settings.UNIONPAY_CARD_BIZ_TYPE:
        raise Refusal("32", "无此交易权限[6131010]", fields)
    check_time(fields)
    if transactions.is_used_up(fields):
        raise Refusal("12", MESSAGES["12"], fields)
    card = decrypt_card(fields)
    if not re.fullmatch("[0-9]{8,15}", card.phone):
        raise Refusal("10", "[9100003]Invalid field[phoneNo]", fields)
    code = _sent(fields, card)
    amount, currency = _price(fields)
    store.log(
        "unionpay",
        "sms",
        references=[fields["orderId"]],
        amount=str(amount),
        currency=currency,
        request_id=transactions.identity(fields),
        status=code,
    )
    return transactions.echo(fields, code)


def verdict(fields: Fields, card: Card) -> str:
    """What the bank says to the code in a purchase: 00, 71 wrong or for another purchase, 69 too late."""
    if not card.sms_code and not settings.UNIONPAY_SMS:  # this merchant's contract asks for none
        return "00"
    sent = store.get(KIND, transactions.identity(fields))
    if sent is None or sent["price"] != [fields["txnAmt"], fields["currencyCode"]]:
        return "71"
    if not re.fullmatch("[0-9]{6}", card.sms_code) or card.sms_code in WRONG:
        return "71"
    return "00" if clock.now().timestamp() - sent["at"] <= LASTS_SECONDS else "69"


def _sent(fields: Fields, card: Card) -> str:
    code = card.phone_verdict()
    if code != "00":
        return code
    now = clock.now().timestamp()
    identity = transactions.identity(fields)
    with store.transaction():
        before = store.get(KIND, identity)
        if before and now - before["at"] < RESEND_SECONDS:
            return "37"
        store.put(KIND, identity, {"price": [fields["txnAmt"], fields["currencyCode"]], "at": now})
    _deliver(fields, card)
    return "00"


def _deliver(fields: Fields, card: Card) -> None:
    amount, currency = _price(fields)
    text = (
        f"【銀聯沙盒】驗證碼:{CODE}。您正在支付{currency} {amount}(訂單{fields['orderId']})。\n"
        f"[UnionPay sandbox] Your code is {CODE}. You are paying {currency} {amount} ({fields['orderId']}).\n"
    )
    mailbox.keep(to=f"SMS ··{card.phone[-4:]}", sender="UnionPay", subject="SMS", text=text)


def _price(fields: Fields) -> tuple[object, str]:
    currency = alpha_code(fields["currencyCode"])
    return money.from_minor(int(fields["txnAmt"]), currency), currency
