"""The sandbox's orders, captures and refunds: how they are kept, and how PayPal shows them."""

import datetime as dt
import secrets
from decimal import Decimal
from typing import Any

from django.conf import settings

from payments.sandbox import store
from shop import clock

from .amounts import digits, money
from .errors import Refusal

Document = store.Document
STEP_LIFE = dt.timedelta(hours=3)  # to send the buyer, then again to approve and capture
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_ACCOUNT_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(17))


def new_account_id() -> str:
    return "".join(secrets.choice(_ACCOUNT_LETTERS) for _ in range(13))


def now() -> str:
    return clock.now().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def link(path: str, rel: str, method: str = "GET") -> dict[str, str]:
    return {"href": settings.PAYPAL_API_BASE + path, "rel": rel, "method": method}


def buyer_url(order: Document) -> str:
    return f"{settings.PAYPAL_API_BASE}/checkoutnow?token={order['id']}"


def is_expired(order: Document) -> bool:
    """PayPal forgets an order not approved, or after approval not captured, within three hours."""
    since = dt.datetime.fromisoformat(order.get("approved_at") or order["create_time"])
    is_late = clock.now() > since + STEP_LIFE or order.get("approval_reversed", False)
    return order["status"] != "COMPLETED" and is_late


def find(kind: str, id: str) -> Document:
    """Find a document. Raises Refusal 404."""
    document = store.get(f"paypal-{kind}", id)
    if document is None or (kind == "order" and is_expired(document)):
        if kind == "order":  # the Orders API does not say which
            raise Refusal(404, "INVALID_RESOURCE_ID")
        raise Refusal(404, "INVALID_RESOURCE_ID", f"{kind}_id", value=id, location="path")
    return document


def keep(kind: str, document: Document) -> None:
    document["update_time"] = now()
    store.put(f"paypal-{kind}", document["id"], document)


def new_order(body: dict[str, Any]) -> Document:
    experience = body.get("payment_source", {}).get("paypal", {}).get("experience_context")
    return {
        "id": new_id(),
        "intent": body["intent"],
        "merchant_id": settings.PAYPAL_MERCHANT_ID,
        "status": "CREATED" if experience is None else "PAYER_ACTION_REQUIRED",
        "has_source": "payment_source" in body,
        "unit": body["purchase_units"][0],
        "experience": experience or body.get("application_context", {}),
        "create_time": now(),
        "captures": [],
        "refunds": [],
        "declines": 0,
    }


def show_order(order: Document) -> dict[str, Any]:
    unit = {
        "reference_id": "default",
        **order["unit"],
        "payee": _payee(order),
    }
    payments = {
        "captures": [_public(find("capture", id)) for id in order["captures"]],
        "refunds": [_public(find("refund", id)) for id in order["refunds"]],
    }
    if any(payments.values()):
        unit["payments"] = {name: listed for name, listed in payments.items() if listed}
    shown = {
        "id": order["id"],
        "intent": order["intent"],
        "status": order["status"],
        "purchase_units": [unit],
        "create_time": order["create_time"],
        "links": _order_links(order),
    }
    if order["status"] == "COMPLETED":
        shown["update_time"] = order["update_time"]
    if order.get("has_source"):
        shown["payment_source"] = {"paypal": {}}
    if order.get("payer_id"):
        payer = {"email_address": "buyer@paypal.example", "account_id": order["payer_id"]}
        shown["payment_source"] = {"paypal": {**payer, "account_status": "VERIFIED"}}
        shown["payer"] = {"email_address": payer["email_address"], "payer_id": order["payer_id"]}
    return shown


def _order_links(order: Document) -> list[dict[str, str]]:
    path = f"/v2/checkout/orders/{order['id']}"
    links = [link(path, "self")]
    if order["status"] == "PAYER_ACTION_REQUIRED":
        links.append({"href": buyer_url(order), "rel": "payer-action", "method": "GET"})
    elif order["status"] == "CREATED":
        links.append({"href": buyer_url(order), "rel": "approve", "method": "GET"})
    if order["status"] in {"CREATED", "APPROVED"}:
        links.append(link(path, "update", "PATCH"))
        links.append(link(f"{path}/capture", "capture", "POST"))
    return links


def new_capture(order: Document) -> Document:
    unit, id = order["unit"], new_id()
    currency = unit["amount"]["currency_code"]
    gross = Decimal(unit["amount"]["value"])
    fee = (gross * Decimal("0.039") + Decimal("2.35")).quantize(Decimal(1).scaleb(-digits(currency)))
    return {
        "id": id,
        "order_id": order["id"],
        "merchant_id": order["merchant_id"],
        "status": "COMPLETED",
        "amount": money(gross, currency),
        "final_capture": True,
        "seller_protection": {
            "status": "ELIGIBLE",
            "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
        },
        "seller_receivable_breakdown": {
            "gross_amount": money(gross, currency),
            "paypal_fee": money(fee, currency),
            "net_amount": money(gross - fee, currency),
        },
        **{name: unit[name] for name in ("custom_id", "invoice_id") if name in unit},
        "create_time": now(),
        "links": [
            link(f"/v2/payments/captures/{id}", "self"),
            link(f"/v2/payments/captures/{id}/refund", "refund", "POST"),
            link(f"/v2/checkout/orders/{order['id']}", "up"),
        ],
    }


def show_capture(capture: Document) -> dict[str, Any]:
    return {
        **_public(capture),
        "payee": _payee(capture),
        "supplementary_data": {"related_ids": {"order_id": capture["order_id"]}},
    }


def show_refund(refund: Document) -> dict[str, Any]:
    return _public(refund)


def _payee(document: Document) -> dict[str, str]:
    return {"merchant_id": document["merchant_id"], "email_address": "merchant@shop.example"}


def _public(document: Document) -> dict[str, Any]:
    own = {"order_id", "capture_id", "merchant_id"}
    return {name: value for name, value in document.items() if name not in own}


def refunded_total(capture: Document) -> Decimal:
    """What has left the merchant, or is on its way."""
    refunds = [find("refund", id) for id in find("order", capture["order_id"])["refunds"]]
    counted = [refund for refund in refunds if refund["status"] in {"COMPLETED", "PENDING"}]
    return sum((Decimal(refund["amount"]["value"]) for refund in counted), Decimal(0))


def refundable(capture: Document) -> Decimal:
    return Decimal(capture["amount"]["value"]) - refunded_total(capture)


def add_refund(
    capture: Document, amount: Decimal, extra: dict[str, Any] | None = None, *, status: str = "COMPLETED"
) -> Document:
    """Move the money. ``given`` is what the merchant told about it; the dashboard tells nothing."""
    refund = _new_refund(extra or {}, capture, amount, total=refunded_total(capture) + amount) | {
        "status": status
    }
    if status == "PENDING":
        refund["status_details"] = {"reason": "ECHECK"}
    keep("refund", refund)
    order = find("order", capture["order_id"])
    order["refunds"].append(refund["id"])
    keep("order", order)
    update_status(capture)
    return refund


def update_status(capture: Document) -> None:
    """Derive a capture's status from its refunds."""
    left = refundable(capture)
    if left == 0:
        capture["status"] = "REFUNDED"
    elif left < Decimal(capture["amount"]["value"]):
        capture["status"] = "PARTIALLY_REFUNDED"
    else:
        capture["status"] = "COMPLETED"
    keep("capture", capture)


def _new_refund(body: dict[str, Any], capture: Document, amount: Decimal, *, total: Decimal) -> Document:
    id, currency = new_id(), capture["amount"]["currency_code"]
    unit_fields: dict[str, Any] = {
        name: body[name] for name in ("custom_id", "invoice_id", "note_to_payer") if name in body
    }
    return {
        "id": id,
        "capture_id": capture["id"],
        "status": "COMPLETED",
        "amount": money(amount, currency),
        "seller_payable_breakdown": {
            "gross_amount": money(amount, currency),
            "paypal_fee": money(Decimal(0), currency),
            "net_amount": money(amount, currency),
            "total_refunded_amount": money(total, currency),
        },
        **unit_fields,
        "create_time": now(),
        "links": [
            link(f"/v2/payments/refunds/{id}", "self"),
            link(f"/v2/payments/captures/{capture['id']}", "up"),
        ],
    }
