"""Cards of the sandbox: decrypting what the browser encrypted, and what the bank says to it.

A card lives as long as one request. Only its last four digits go further.
"""

import base64
import binascii
import datetime as dt
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from payments.gateways.unionpay.messages import BEIJING
from payments.gateways.unionpay.wire import Fields
from shop import clock

from .envelope import Refusal
from .pki import encryption_pair

# Published test cards, with the CVN2 and, where they have passed, the expiry (YYMM) that go with them.
_CVC = {"6226388000000095": "248"}
_EXPIRY = {"6221558812340000": "2311", "6226388000000095": "1912"}
# Where a telephone was published too, the bank knows no other; else any will do.
_PHONE = {
    "6221558812340000": "13552535506",
    "6216261000000000018": "13552535506",
    "6226388000000095": "18100000000",
    "6226090000000048": "18100000000",
}
CARDS = frozenset(
    [
        "6221558812340000",
        "6216261000000000018",
        "6226388000000095",
        "6226090000000048",
        *(f"62509300000000{end}" for end in ("02", "10", "28", "36", "44", "51", "69", "77", "85", "93")),
    ]
)


@dataclass(frozen=True)
class Card:
    number: str = field(repr=False)
    expiry: str = field(repr=False)  # YYMM
    cvc: str = field(repr=False)
    phone: str = field(default="", repr=False)
    sms_code: str = field(default="", repr=False)
    is_code_enough: bool = False  # nothing else was sent, as some contracts have it

    @property
    def last4(self) -> str:
        return self.number[-4:] if self.number.isdecimal() else ""

    def verdict(self) -> str:
        """The response code of the bank: 00, 61 unknown number, 65 wrong expiry or CVN2, 73 expired."""
        if self.number not in CARDS:
            return "61"
        if self.is_code_enough:
            return "00"
        if self.cvc != _CVC.get(self.number, "123"):
            return "65"
        if self.expiry == _EXPIRY.get(self.number):
            return "00"
        return _expiry_verdict(self.expiry)

    def phone_verdict(self) -> str:
        """Whether the bank sends a code there: 00, 61 unknown number, 66 another telephone."""
        if self.number not in CARDS:
            return "61"
        return "00" if self.phone == _PHONE.get(self.number, self.phone) else "66"


def decrypt_card(fields: Fields) -> Card:
    """Decrypt the card of a no-redirect transaction. Raises Refusal when it was not encrypted as agreed."""
    pair = encryption_pair(fields["encryptCertId"])
    if pair is None:
        raise Refusal("10", "[9100003]Invalid field[encryptCertId]", fields)
    number = _block(fields, "accNo", fields["accNo"], pair.key)
    info = _customer_info(fields)
    encrypted, code = info.get("encryptedInfo"), info.get("smsCode", "")
    if encrypted is None and code:
        return Card(number, "", "", sms_code=code, is_code_enough=True)
    encrypted = encrypted or ""
    secrets = dict(parse_qsl(_block(fields, "customerInfo", encrypted, pair.key)))
    return Card(
        number,
        secrets.get("expired", ""),
        secrets.get("cvn2", ""),
        secrets.get("phoneNo", ""),
        code,
    )


def _customer_info(fields: Fields) -> dict[str, str]:
    """``{k=v&k=v}``; the values hold base64 with its ``=`` and ``+``, so no form decoder here either."""
    try:
        text = base64.b64decode(fields["customerInfo"], validate=True).decode()
    except ValueError as error:
        raise Refusal("10", "[9100003]Invalid field[customerInfo]", fields) from error
    pairs = (part.partition("=") for part in text.removeprefix("{").removesuffix("}").split("&"))
    return {name: value for name, _, value in pairs}


def _block(fields: Fields, name: str, text: str, key: RSAPrivateKey) -> str:
    try:
        return key.decrypt(base64.b64decode(text, validate=True), PKCS1v15()).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise Refusal("10", f"[9100003]Invalid field[{name}]", fields) from error


def _expiry_verdict(expiry: str) -> str:
    if len(expiry) != 4 or not expiry.isdecimal() or not "01" <= expiry[2:] <= "12":
        return "65"
    now = clock.now().astimezone(BEIJING)
    return "00" if expiry >= dt.datetime.strftime(now, "%y%m") else "73"
