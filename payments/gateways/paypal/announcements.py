"""What PayPal lists as told to our webhooks: hints about money that this database may not know.

Recorded in PayPal's description of its webhooks API (``/v1/notifications/webhooks-events``).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from payments.gateways.base import GatewayError

from .answers import ID, UNREADABLE
from .notifications import own_ids, parents

MOST_PAGES = 100  # of a hundred events each


@dataclass(frozen=True)
class Announcement:
    kind: str  # such as PAYMENT.CAPTURE.COMPLETED
    at: str
    gateway_id: str  # of the capture, the refund, the order
    reference: str  # our own, where it is told
    amount: str
    own_ids: tuple[str, ...] = ()  # under which it may be booked
    parent_id: str = ""  # of a refund, its capture


def read_announcements(body: dict[str, Any]) -> list[Announcement]:
    try:
        return [_announcement(event) for event in body.get("events", [])]
    except UNREADABLE:
        raise GatewayError("UNREADABLE_ANSWER") from None


def next_query(body: dict[str, Any]) -> str:
    """The next page's, empty on the last. Only the query counts: where we ask is for us to say."""
    for link in body.get("links", []):
        if link.get("rel") == "next" and body.get("events"):
            return urlsplit(str(link.get("href"))).query
    return ""


def utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _announcement(event: dict[str, Any]) -> Announcement:
    resource = event.get("resource") or {}
    amount = resource.get("amount") or {}
    gateway_id = str(resource.get("id", ""))
    return Announcement(
        kind=str(event["event_type"])[:60],
        at=str(event.get("create_time", ""))[:30],
        gateway_id=gateway_id if ID.fullmatch(gateway_id) else "",
        reference=str(resource.get("custom_id") or resource.get("invoice_id") or "")[:64],
        own_ids=tuple(str(each) for each in own_ids(resource) if ID.fullmatch(str(each))),
        parent_id=next((each for each in parents(resource) if ID.fullmatch(each)), ""),
        amount=f"{amount.get('currency_code', '')} {amount.get('value', '')}".strip()[:30],
    )
