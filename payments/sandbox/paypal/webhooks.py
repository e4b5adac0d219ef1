"""Webhooks: announced after the fact, delivered at least once, verified by comparing the very bytes sent."""

import json
import secrets
import uuid
from functools import partial
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from payments.sandbox import store
from payments.sandbox.faults import notifications as faulty_notifications

from . import faults as paypal_faults
from . import signing
from .api import Exchange, endpoint
from .documents import now
from .errors import Reply
from .forgeries import forged
from .schemas import SIGNATURE, check

DELAY = 0.3  # seconds between the fact and its first delivery
RETRIES = [1, 3, 10, 30, 120]
_SUMMARIES = {
    "CHECKOUT.ORDER.APPROVED": "An order has been approved by buyer",
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": "A payment has been reversed after approval.",
    "CUSTOMER.DISPUTE.CREATED": "A new dispute opened with Case # {dispute_id}",
    "CUSTOMER.DISPUTE.RESOLVED": "A dispute was resolved with case # {dispute_id}",
    "CUSTOMER.DISPUTE.UPDATED": "A dispute was updated with Case # {dispute_id}",
    "PAYMENT.CAPTURE.COMPLETED": "Payment completed for {value} {currency}",
    "PAYMENT.CAPTURE.DENIED": "Payment denied for {value} {currency}",
    "PAYMENT.CAPTURE.PENDING": "Payment pending for {value} {currency}",
    "PAYMENT.CAPTURE.REFUNDED": "A {value} {currency} capture payment was refunded",
    "PAYMENT.CAPTURE.REVERSED": "A {value} {currency} capture payment was reversed",
    "PAYMENT.REFUND.FAILED": "A {value} {currency} refund has failed",
    "PAYMENT.REFUND.PENDING": "A {value} {currency} refund is pending",
}


def announce(event_type: str, resource_type: str, resource: dict[str, Any]) -> None:
    """Keep the event and have it delivered soon. If the surrounding transaction fails, nothing is sent."""
    event = new_event(event_type, resource_type, resource)
    document = {
        "id": event["id"],
        "type": event_type,
        "references": paypal_faults.names_in(resource),
        "body": body_of(event).decode(),
        "tries": 0,
    }
    store.put("paypal-event", event["id"], document)
    store.after(DELAY, deliver, event["id"])


def new_event(event_type: str, resource_type: str, resource: dict[str, Any]) -> dict[str, Any]:
    amount = resource.get("amount", {})
    event_id = f"WH-{secrets.token_hex(8).upper()}-{secrets.token_hex(8).upper()}"
    url = f"{settings.PAYPAL_API_BASE}/v1/notifications/webhooks-events/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": now(),
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": event_type,
        "summary": _SUMMARIES[event_type].format(
            value=amount.get("value"),
            currency=amount.get("currency_code"),
            dispute_id=resource.get("dispute_id"),
        ),
        "resource": resource,
        "links": [{"href": url, "rel": "self", "method": "GET"}],
    }


def body_of(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


@faulty_notifications.sender("paypal")
def deliver(event_id: str) -> None:
    """Send an event once, unless otherwise planned; after anything but 2xx try again later, a few times."""
    event = _due(event_id)
    if event is None:
        return
    is_first = not event["tries"]
    status = transmit(event, variant=event["variant"] if is_first else "")
    event["delivered"] = 200 <= status < 300
    event["tries"] += 1
    store.put("paypal-event", event_id, event)
    if not event["delivered"] and event["tries"] <= len(RETRIES):
        store.after(RETRIES[event["tries"] - 1], deliver, event_id)
    if is_first:
        for _ in range(event["copies"] - 1):
            store.after(0, partial(transmit, again=True), event)
        faulty_notifications.sent("paypal", event["turn"])


def transmit(event: store.Document, *, variant: str = "", again: bool = False) -> int:
    """Post an event and return the status of the shop's answer."""
    body = event["body"].encode()
    headers = signed_headers(body)
    if variant:
        body, headers = forged(body, headers, variant)
    status = post(body, headers)
    more = {name: value for name, value in (("variant", variant), ("again", again)) if value}
    store.log(
        "paypal",
        "webhook",
        references=event["references"],
        event=event["type"],
        event_id=event["id"],
        status=status,
        **more,
    )
    return status


def _due(event_id: str) -> store.Document | None:
    """The event if it is to be sent now."""
    with store.transaction():
        event = store.get("paypal-event", event_id)
        if event is None or event.get("delivered") or faulty_notifications.is_held("paypal", event_id):
            return None
        if not event.get("planned"):
            references = event.setdefault("references", [])
            event |= faulty_notifications.plan("paypal", event_id, references, event=event["type"])
            event["delivered"] = event["lost"]
            store.put("paypal-event", event_id, event)
            if event["lost"] or faulty_notifications.is_held("paypal", event_id):
                return None
    return event


def resume() -> None:
    """Deliver what a restart has interrupted. For the sandbox server to call when it starts."""
    faulty_notifications.resume()
    for event in store.every("paypal-event"):
        if not event.get("delivered") and event["tries"] <= len(RETRIES):
            store.after(DELAY, deliver, event["id"])


def post(body: bytes, headers: dict[str, str]) -> int:
    """Send it and return the status of the shop's answer; 0 without one."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(
                f"{settings.SITE_URL}/pay/notify/paypal/",
                data=body,
                headers=headers | {"Content-Type": "application/json", "Accept": "*/*"},
                timeout=10,
                allow_redirects=False,
            ).status_code
        except requests.RequestException:
            return 0


def signed_headers(body: bytes) -> dict[str, str]:
    """Sign one transmission of these bytes; its headers are remembered, so that it can be verified."""
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
    """Answer SUCCESS only for a transmission of ours whose event arrives byte for byte as it was sent."""
    check(SIGNATURE, exchange.body)
    sent = store.get("paypal-transmission", exchange.body["transmission_id"])
    exchange.facts["event_id"] = str(exchange.body["webhook_event"].get("id", ""))[:100]
    genuine = sent is not None and all(
        exchange.body[name] == value for name, value in sent.items() if name != "body"
    )
    unchanged = sent is not None and member_text(exchange.text, "webhook_event") == sent["body"]
    return Reply(200, {"verification_status": "SUCCESS" if genuine and unchanged else "FAILURE"})


@endpoint("list webhooks", "GET")
def listing(exchange: Exchange) -> Reply:
    """The events of some time, newest first, page by page. Unverified: how PayPal names the next page."""
    wanted = exchange.request.GET
    size, page = int(wanted.get("page_size", 10)), int(wanted.get("page", 1))
    events = [json.loads(each["body"]) for each in store.every("paypal-event")]
    since, until = wanted.get("start_time", ""), wanted.get("end_time", "9999")
    events.sort(key=lambda event: (event["create_time"], event["id"]), reverse=True)  # of its own
    found = [event for event in events if since <= event["create_time"] <= until]
    shown = found[size * (page - 1) : size * page]
    links = []
    if len(found) > size * page:
        query = urlencode({**wanted.dict(), "page": page + 1})
        href = f"{settings.PAYPAL_API_BASE}/v1/notifications/webhooks-events?{query}"
        links = [{"href": href, "rel": "next", "method": "GET"}]
    return Reply(200, {"events": shown, "count": len(shown), "links": links})


def member_text(document: str, member: str) -> str:
    """The member's value as it stands in the text of a JSON object, untouched."""
    decoder, value = json.JSONDecoder(), ""
    place = document.index("{") + 1
    while True:
        place = _after(document, place, " \t\r\n,")
        if document[place] == "}":
            return value
        name, place = decoder.raw_decode(document, place)
        start = _after(document, place, " \t\r\n:")
        _, place = decoder.raw_decode(document, start)
        if name == member:
            value = document[start:place]


def _after(document: str, place: int, passed: str) -> int:
    while document[place] in passed:
        place += 1
    return place


def certificate(request: HttpRequest, cert_id: str) -> HttpResponse:
    is_known = cert_id == signing.CERT_ID
    return HttpResponse(
        signing.certificate_chain() if is_known else b"",
        status=200 if is_known else 404,
        content_type="application/x-pem-file",
    )
