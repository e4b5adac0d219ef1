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
    """Send every event about the payment again, twice, in any order; without a reference all of them."""
    events = [
        event for event in store.every("paypal-event") if faults.is_meant(reference, event["references"])
    ]
    if not events:
        raise faults.NotPossible("there is no notification")
    copies = [*events, *events]
    SHUFFLE(copies)
    return {"statuses": [webhooks.transmit(event, again=True) for event in copies]}


def send_forgery(reference: str, variant: str) -> dict[str, Any]:
    """Tell the shop, as a stranger would, that this payment was made, whatever is true."""
    orders = _orders(reference)
    if not reference or not orders:
        raise faults.NotPossible("no such payment")
    order = orders[-1]
    captures = [store.get("paypal-capture", id) for id in order["captures"]]
    capture = show_capture(captures[-1] if captures and captures[-1] else new_capture(order))
    body = webhooks.body_of(webhooks.new_event("PAYMENT.CAPTURE.COMPLETED", "capture", capture))
    body, headers = forged(body, webhooks.signed_headers(body), variant)
    status = webhooks.post(body, headers)
    store.log("paypal", "forged webhook", references=names_of(order), status=status, variant=variant)
    return {"variant": variant, "status": status}


def reference_of(name: str) -> str:
    """Our reference of the payment that an order number or an id of PayPal's names; empty if none."""
    if not name:
        return ""
    for order in sorted(_orders(name), key=lambda order: len(order["captures"]), reverse=True):
        return str(order["unit"].get("custom_id", ""))
    return ""


def _orders(name: str) -> list[dict[str, Any]]:
    return [order for order in store.every("paypal-order") if faults.is_meant(name, names_of(order))]
