"""Messages that only look like UnionPay's."""

from functools import cache

from payments.gateways.unionpay.crypto import GATEWAY_NAME, signature
from payments.gateways.unionpay.wire import Fields

from . import pki
from .envelope import crlf, signed_fields

ANOTHER_MERCHANT = "777290058199999"


def forged(fields: Fields, variant: str) -> Fields:
    """Change and sign the message so that a careful shop refuses it."""
    if variant == "merchant":  # truly signed, but about somebody else's money
        return signed_fields(fields | {"merId": ANOTHER_MERCHANT})
    if variant == "certificate":  # signed by a key that nobody has certified
        pair = _stranger()
        complete = fields | {"signPubKeyCert": crlf(pair.pem.decode())}
        return complete | {"signature": signature(complete, pair.key)}
    true = signed_fields(fields)
    if variant == "unsigned":
        return {name: value for name, value in true.items() if name not in {"signature", "signPubKeyCert"}}
    if variant == "amount":
        return true | {"txnAmt": f"{true['txnAmt']}0"}
    return true | {"signature": ("B" if true["signature"][0] == "A" else "A") + true["signature"][1:]}


@cache
def _stranger() -> pki.Pair:
    return pki.issue(f"041@8310000000083040@{GATEWAY_NAME}@00099999")
