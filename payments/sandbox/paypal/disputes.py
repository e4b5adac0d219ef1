"""Customer disputes v1: a buyer complains about a capture."""

import datetime as dt
import secrets
from typing import Any

from payments.sandbox import store
from shop import clock

from .api import Exchange, endpoint
from .documents import Document, link, now
from .errors import Refusal, Reply

ANSWER_WITHIN = dt.timedelta(days=10)


@endpoint("show dispute", "GET")
def show(exchange: Exchange, dispute_id: str) -> Reply:
    dispute = store.get("paypal-dispute", dispute_id)
    if dispute is None:
        raise Refusal(404, "INVALID_RESOURCE_ID", "/dispute_id", location="path")
    exchange.facts["references"] = dispute["references"]
    return Reply(200, show_dispute(dispute))


def new_dispute(capture: Document, reason: str) -> Document:
    """Open a dispute as the buyer; the merchant has some days to answer."""
    number = f"{secrets.randbelow(10**5):05d}"
    return {
        "dispute_id": f"PP-D-{number}{secrets.randbelow(10**5):05d}",
        "references": [capture["custom_id"]] if "custom_id" in capture else [],
        "capture_id": capture["id"],
        "create_time": now(),
        "disputed_transactions": [_transaction(capture)],
        "reason": reason,
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": capture["amount"],
        "dispute_life_cycle_stage": "INQUIRY",
        "dispute_channel": "INTERNAL",
        "seller_response_due_date": (clock.now().astimezone(dt.UTC) + ANSWER_WITHIN).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
    }


def _transaction(capture: Document) -> dict[str, Any]:
    references = {"custom": capture.get("custom_id"), "invoice_number": capture.get("invoice_id")}
    return {
        "seller_transaction_id": capture["id"],
        "create_time": capture["create_time"],
        "transaction_status": "COMPLETED",
        "gross_amount": capture["amount"],
        "seller": {"merchant_id": capture["merchant_id"]},
        **{name: value for name, value in references.items() if value},
    }


def keep(dispute: Document) -> None:
    dispute["update_time"] = now()
    store.put("paypal-dispute", dispute["dispute_id"], dispute)


def show_dispute(dispute: Document) -> dict[str, Any]:
    own = {"references", "capture_id"}
    public = {name: value for name, value in dispute.items() if name not in own}
    return {**public, "links": [link(f"/v1/customer/disputes/{dispute['dispute_id']}", "self")]}


def open_dispute_of(capture: Document) -> Document | None:
    """The dispute about this capture that still runs, if any."""
    disputes = (each for each in store.every("paypal-dispute") if each["capture_id"] == capture["id"])
    return next((dispute for dispute in disputes if dispute["status"] != "RESOLVED"), None)
