"""Webhooks that nobody waits for: all once more, or one that is not PayPal's."""

import secrets
from typing import Any

from payments.sandbox import store
from payments.sandbox.faults import registry as faults

from . import webhooks
from .documents import new_capture, show_capture
from .faults import names_of
from .forgeries import forged

SHUFFLE = secrets.SystemRandom().shuffle


def resend(reference: str) -> dict[str, Any]:
    """Every event about the payment again, twice, in any order; without a reference all of them."""
    events = [one for one in store.every("paypal-event") if faults.is_meant(reference, one["references"])]
    if not events:
        raise faults.NotPossible("there is no notification")
    copies = [*events, *events]
    SHUFFLE(copies)
    return {"statuses": [webhooks.transmit(event, again=True) for event in copies]}


def forge(reference: str, variant: str) -> dict[str, Any]:
    """Someone tells the shop that this payment was made, whatever is true."""
    meant = [one for one in store.every("paypal-order") if faults.is_meant(reference, names_of(one))]
    if not reference or not meant:
        raise faults.NotPossible("no such payment")
    order = meant[-1]
    taken = [store.get("paypal-capture", id) for id in order["captures"]]
    capture = show_capture(taken[-1] if taken and taken[-1] else new_capture(order))
    body = webhooks.body_of(webhooks.new_event("PAYMENT.CAPTURE.COMPLETED", "capture", capture))
    body, headers = forged(body, webhooks.signed_headers(body), variant)
    status = webhooks.post(body, headers)
    store.log("paypal", "forged webhook", references=names_of(order), status=status, variant=variant)
    return {"variant": variant, "status": status}


def reference_of(known: str) -> str:
    """Our reference of the payment that is known by an order number or an id of PayPal's."""
    if not known:
        return ""
    meant = [one for one in store.every("paypal-order") if faults.is_meant(known, names_of(one))]
    for order in sorted(meant, key=lambda order: len(order["captures"]), reverse=True):
        return str(order["unit"].get("custom_id", ""))
    return ""
