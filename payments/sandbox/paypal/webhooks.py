"""Webhooks: announced after the fact, delivered at least once, verified by comparing the very bytes sent."""

import json
import secrets
import uuid
from typing import Any

import requests
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from payments.sandbox import store

from . import signing
from .documents import now
from .endpoint import Exchange, endpoint
from .refusals import Reply
from .shapes import SIGNATURE, check

DELAY = 0.3  # seconds between the fact and its first delivery
RETRIES = [1, 3, 10, 30, 120]
_SUMMARIES = {
    "CHECKOUT.ORDER.APPROVED": "An order has been approved by buyer",
    "PAYMENT.CAPTURE.COMPLETED": "Payment completed for {value} {currency}",
    "PAYMENT.CAPTURE.REFUNDED": "A {value} {currency} capture payment was refunded",
}


def announce(event_type: str, resource_type: str, resource: dict[str, Any]) -> None:
    """Keep the event and have it delivered soon. If the surrounding transaction fails, nothing is sent."""
    amount = resource.get("amount", {})
    summary = _SUMMARIES[event_type].format(value=amount.get("value"), currency=amount.get("currency_code"))
    event: dict[str, Any] = {
        "id": f"WH-{secrets.token_hex(8).upper()}-{secrets.token_hex(8).upper()}",
        "event_version": "1.0",
        "create_time": now(),
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": event_type,
        "summary": summary,
        "resource": resource,
        "links": [],
    }
    event["links"] = [
        {
            "href": f"{settings.PAYPAL_API_BASE}/v1/notifications/webhooks-events/{event['id']}",
            "rel": "self",
            "method": "GET",
        }
    ]
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    store.put("paypal-event", event["id"], {"id": event["id"], "type": event_type, "body": body, "tries": 0})
    store.after(DELAY, deliver, event["id"])


def deliver(event_id: str) -> None:
    """Send an event once; after anything but 2xx try again later, a few times."""
    event = store.get("paypal-event", event_id)
    if event is None or event.get("delivered"):
        return
    status = _post(event["body"].encode())
    store.log("paypal", "webhook", references=[], event=event["type"], event_id=event_id, status=status)
    event["delivered"] = 200 <= status < 300
    event["tries"] += 1
    store.put("paypal-event", event_id, event)
    if not event["delivered"] and event["tries"] <= len(RETRIES):
        store.after(RETRIES[event["tries"] - 1], deliver, event_id)


def resume() -> None:
    """Deliver what a restart has interrupted. For the sandbox server to call when it starts."""
    for event in store.every("paypal-event"):
        if not event.get("delivered") and event["tries"] <= len(RETRIES):
            store.after(DELAY, deliver, event["id"])


def _post(body: bytes) -> int:
    """The status of the shop's answer; 0 without one."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(
                f"{settings.SITE_URL}/pay/notify/paypal/",
                data=body,
                headers=signed_headers(body) | {"Content-Type": "application/json", "Accept": "*/*"},
                timeout=10,
                allow_redirects=False,
            ).status_code
        except requests.RequestException:
            return 0


def signed_headers(body: bytes) -> dict[str, str]:
    """Headers for one transmission of these bytes; remembered, so that it can be verified."""
    time, text = now(), ""
    # The published pattern of a signature wants a letter or digit first; Base64 may begin with + or /.
    while not text[:1].isalnum():
        transmission_id = str(uuid.uuid4())
        text = signing.signature(transmission_id, time, settings.PAYPAL_WEBHOOK_ID, body)
    sent = {
        "transmission_id": transmission_id,
        "transmission_time": time,
        "transmission_sig": text,
        "cert_url": f"{settings.PAYPAL_API_BASE}/v1/notifications/certs/{signing.CERT_ID}",
        "auth_algo": signing.ALGORITHM,
        "webhook_id": settings.PAYPAL_WEBHOOK_ID,
    }
    store.put("paypal-transmission", transmission_id, {**sent, "body": body.decode()})
    return {
        "PayPal-Transmission-Id": sent["transmission_id"],
        "PayPal-Transmission-Time": sent["transmission_time"],
        "PayPal-Transmission-Sig": sent["transmission_sig"],
        "PayPal-Cert-Url": sent["cert_url"],
        "PayPal-Auth-Algo": sent["auth_algo"],
        "PayPal-Auth-Version": "v2",
    }


@endpoint("verify webhook", "POST")
def verify(exchange: Exchange) -> Reply:
    """SUCCESS only for a transmission of ours whose event arrives here byte for byte as it was sent."""
    check(SIGNATURE, exchange.body)
    sent = store.get("paypal-transmission", exchange.body["transmission_id"])
    exchange.facts["event_id"] = str(exchange.body["webhook_event"].get("id", ""))[:100]
    genuine = sent is not None and all(
        exchange.body[name] == value for name, value in sent.items() if name != "body"
    )
    unchanged = sent is not None and member_text(exchange.text, "webhook_event") == sent["body"]
    return Reply(200, {"verification_status": "SUCCESS" if genuine and unchanged else "FAILURE"})


def member_text(document: str, wanted: str) -> str:
    """The member's value as it stands in the text of a JSON object, untouched."""
    decoder, found = json.JSONDecoder(), ""
    place = document.index("{") + 1
    while True:
        place = _after(document, place, " \t\r\n,")
        if document[place] == "}":
            return found
        name, place = decoder.raw_decode(document, place)
        start = _after(document, place, " \t\r\n:")
        _, place = decoder.raw_decode(document, start)
        if name == wanted:
            found = document[start:place]


def _after(document: str, place: int, passed: str) -> int:
    while document[place] in passed:
        place += 1
    return place


def certificate(request: HttpRequest, cert_id: str) -> HttpResponse:
    found = cert_id == signing.CERT_ID
    return HttpResponse(
        signing.certificate_chain() if found else b"",
        status=200 if found else 404,
        content_type="application/x-pem-file",
    )
