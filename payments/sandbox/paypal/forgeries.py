"""Transmissions that only look like PayPal's."""

import json
import uuid

from payments.sandbox import store

from . import signing

Headers = dict[str, str]
_ELSEWHERE = "http://169.254.169.254/latest/meta-data/"  # what a careless shop would fetch


def forged(body: bytes, headers: Headers, variant: str) -> tuple[bytes, Headers]:
    """Change a true transmission so that a careful shop refuses it."""
    if variant == "unsigned":
        return body, {}
    if variant == "amount":
        return _dearer(body), headers
    name, value = {
        "signature": ("PayPal-Transmission-Sig", _other(headers["PayPal-Transmission-Sig"])),
        "transmission": ("PayPal-Transmission-Id", str(uuid.uuid4())),
        "certificate": ("PayPal-Cert-Url", _ELSEWHERE),
        "algorithm": ("PayPal-Auth-Algo", "SHA1withRSA"),
        "webhook": ("PayPal-Transmission-Sig", _for_another_webhook(body, headers)),
    }[variant]
    return body, headers | {name: value}


def _dearer(body: bytes) -> bytes:
    """The same event about ten times the money."""
    event = json.loads(body)
    amount = event["resource"].get("amount")
    if amount:
        amount["value"] = f"1{amount['value']}"
    else:
        event["summary"] += "!"
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _for_another_webhook(body: bytes, headers: Headers) -> str:
    """Truly signed, and remembered, but as a message to another shop's webhook."""
    transmission_id, time = headers["PayPal-Transmission-Id"], headers["PayPal-Transmission-Time"]
    text = signing.signature(transmission_id, time, "WH-ANOTHER-SHOP", body)
    sent = store.get("paypal-transmission", transmission_id) or {}
    another = {"webhook_id": "WH-ANOTHER-SHOP", "transmission_sig": text}
    store.put("paypal-transmission", transmission_id, sent | another)
    return text


def _other(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]
