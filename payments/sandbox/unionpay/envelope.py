"""Reading requests and signing what goes out: every request and every answer passes through here."""

import datetime as dt
import re

import moneyed
from django.conf import settings
from django.http import HttpResponse

from payments.gateways.unionpay.crypto import SIGN_METHOD, VERSION, is_signed_by, rsa_key, signature
from payments.gateways.unionpay.messages import BEIJING
from payments.gateways.unionpay.wire import Fields, NotAMessage, parse_form, unencoded
from shop import clock

from . import pki

MESSAGES = {
    "00": "成功[0000000]",
    "05": "交易已受理，请稍后查询交易结果[6154037]",
    "12": "重复交易[2010002]",
    "34": "查无此交易[2600000]",
    "35": "原交易不存在或状态不正确[2011001]",
    "36": "与原交易信息不符[2031003]",
    "37": "操作过于频繁，请稍后再试[1000037]",
    "39": "交易不在受理时间范围内[2031039]",
    "45": "原交易已被成功退货或已被成功撤销[2031045]",
    "61": "输入的卡号无效，请确认后输入[1000061]",
    "65": "您输入的密码、有效期或CVN2有误，交易失败[1000065]",
    "66": "银行卡验证失败，请核对手机号[1000066]",
    "69": "交易超时，请重新获取短信验证码[1000069]",
    "71": "短信验证码错误[1000071]",
    "73": "支付卡已超过有效期[1000073]",
}
_FAR = dt.timedelta(hours=6)  # a txnTime in UTC instead of Beijing time is further off
_COMMON = (
    "version",
    "encoding",
    "signMethod",
    "txnType",
    "txnSubType",
    "bizType",
    "accessType",
    "merId",
    "orderId",
    "txnTime",
)
REQUIRED = {
    "00": [],
    "01": ["txnAmt", "currencyCode", "backUrl"],
    "04": ["txnAmt", "origQryId", "backUrl"],
    "31": ["txnAmt", "origQryId", "backUrl"],
    "77": ["txnAmt", "currencyCode"],
    "95": ["certType"],
}
_PATTERNS = {
    "version": re.escape(VERSION),
    "signMethod": SIGN_METHOD,
    "encoding": "(?i)utf-8",
    "merId": "[A-Za-z0-9]{15}",
    "orderId": "[A-Za-z0-9]{8,40}",
    "txnTime": "[0-9]{14}",
    "payTimeout": "[0-9]{14}",
    "txnAmt": "[1-9][0-9]{0,11}",
    "backUrl": "https?://[!-~]{1,248}",
    "frontUrl": "https?://[!-~]{1,248}",
    "frontFailUrl": "https?://[!-~]{1,248}",
}


_FRONT_LAYER = {"10", "11"}
_NOT_ECHOED = {
    "certId", "channelType", "encryptCertId", "customerInfo", "backUrl", "frontUrl", "frontFailUrl",
    "payTimeout",
}  # fmt: skip


class Refusal(Exception):
    """The gateway's front layer says no; without fields in a plain sentence, as the real one does."""

    def __init__(self, code: str, message: str, fields: Fields | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, fields


def verified_fields(body: bytes) -> Fields:
    """Read a request of our merchant, proven by its signature. Raises Refusal."""
    try:
        fields = parse_form(body)
    except NotAMessage as error:
        raise Refusal("10", "Invalid request.") from error
    for name in [*_COMMON, *REQUIRED.get(fields.get("txnType", ""), [])]:
        if name not in fields:
            raise Refusal("10", f"[9100003]Mandatory field[{name}] missed", fields)
    for name, pattern in _PATTERNS.items():
        if name in fields and not re.fullmatch(pattern, fields[name]):
            raise Refusal("10", f"[9100003]Invalid field[{name}]", fields)
    _check_signature(fields)
    if fields["merId"] != settings.UNIONPAY_MERCHANT_ID:
        raise Refusal("31", "商户状态不正确[6131001]", fields)
    if "currencyCode" in fields and not alpha_code(fields["currencyCode"]):
        raise Refusal("10", "[9100003]Invalid field[currencyCode]", fields)
    return fields


def check_given(fields: Fields, *names: str) -> None:
    """Raise Refusal unless they are there; an empty one is wrong, not missing."""
    for name in names:
        if name not in fields:
            raise Refusal("10", f"[9100003]Mandatory field[{name}] missed", fields)
        if not fields[name]:
            raise Refusal("10", f"[9100003]Invalid field[{name}]", fields)


def check_time(fields: Fields) -> None:
    """Raise Refusal unless the transaction happens now."""
    moment = parsed_time(fields["txnTime"])
    if moment is None or abs(clock.now() - moment) > _FAR:
        raise Refusal("10", "[9100003]Invalid field[txnTime]", fields)


def parsed_time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None


def alpha_code(number: str) -> str:
    """Turn 344 into HKD; empty when there is no such currency."""
    return next((code for code, c in moneyed.CURRENCIES.items() if c.numeric == number), "")


def signed_fields(fields: Fields) -> Fields:
    """Add certificate (with CRLF, as UnionPay sends it) and signature."""
    key = pki.signing_key()
    complete = fields | {"signPubKeyCert": crlf(pki.certificate_text("signing"))}
    return complete | {"signature": signature(complete, key.private_key)}


def crlf(pem: str) -> str:
    return pem.replace("\n", "\r\n")


def answer(fields: Fields) -> HttpResponse:
    """Answer a call: signed, and not URL-encoded."""
    return HttpResponse(unencoded(signed_fields(fields)), content_type="text/html;charset=UTF-8")


def refusal_answer(refusal: Refusal) -> HttpResponse:
    """Answer as the front layer, which echoes what it was sent, empty fields too; or as the layer behind it.

    The front layer (10, 11) names its own certificate; the other one echoes what identifies the transaction.
    """
    if refusal.fields is None:
        return HttpResponse(refusal.message, content_type="text/plain;charset=UTF-8")
    echo = {name: value for name, value in refusal.fields.items() if name != "signature"}
    if refusal.code in _FRONT_LAYER:
        echo["certId"] = str(pki.signing_key().certificate.serial_number)
    else:
        echo = {name: value for name, value in echo.items() if name not in _NOT_ECHOED}
    echo |= {"version": VERSION, "signMethod": SIGN_METHOD}  # we know no other
    return answer(echo | {"respCode": refusal.code, "respMsg": refusal.message})


def _check_signature(fields: Fields) -> None:
    certificate = pki.merchant_certificate()
    is_known = fields.get("certId") == str(certificate.serial_number)
    if not is_known or not is_signed_by(fields, rsa_key(certificate)):
        raise Refusal("11", "[9100004]Signature verification failed", fields)
