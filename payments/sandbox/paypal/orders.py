"""Orders v2: create, show, capture, track."""

import re
from typing import Any

from payments.sandbox import store
from payments.sandbox.faults import registry as faults

from . import faults as paypal_faults
from . import webhooks
from .amounts import check_sums
from .api import HOURS_6, Exchange, declined, endpoint
from .documents import (
    Document,
    buyer_url,
    find,
    keep,
    link,
    new_capture,
    new_id,
    new_order,
    now,
    show_capture,
    show_order,
)
from .errors import Refusal, Reply
from .reviews import reviewed
from .schemas import ORDER, TRACKER, check

MAX_ATTEMPTS = 10
_WITH_POSTCODES = {"AU", "C2", "CA", "CN", "DE", "ES", "FR", "GB", "IT", "JP", "NL", "SG", "TH", "TW", "US"}
_UNLISTED = {"BL", "BQ", "CW", "KP", "MF", "SS", "SX", "XK"}  # ISO\'s, or nearly, but not PayPal\'s


def _shown(order_id: str) -> dict[str, Any]:
    return show_order(find("order", order_id))


@endpoint("create order", "POST", key_life=HOURS_6, repeat=_shown)
def create(exchange: Exchange) -> Reply:
    body = exchange.body
    check(ORDER, body)
    source = body.get("payment_source")
    if source is not None and not source:
        raise Refusal(422, "NO_PAYMENT_SOURCE_PROVIDED", "/payment_source")
    if source and not exchange.request_id:
        raise Refusal(400, "PAYPAL_REQUEST_ID_REQUIRED")
    if source and "application_context" in body:
        raise Refusal(422, "INCOMPATIBLE_PARAMETER_VALUE", "/application_context")
    if body["intent"] != "CAPTURE":
        raise Refusal(422, "UNSUPPORTED_INTENT", "/intent")
    if len(body["purchase_units"]) > 1:
        raise Refusal(400, "NOT_SUPPORTED", "/purchase_units")
    order = new_order(body)
    check_sums(order["unit"], "/purchase_units/0")
    check_address(order)
    keep("order", order)
    _note(exchange, order)
    return Reply(200 if source else 201, show_order(order))


def check_address(order: Document) -> None:
    """Raise Refusal for what PayPal's rules about addresses do not let through."""
    place = "/purchase_units/0/shipping/address"
    address = order["unit"].get("shipping", {}).get("address")
    if address is None:
        if order["experience"].get("shipping_preference") == "SET_PROVIDED_ADDRESS":
            raise Refusal(400, "MISSING_REQUIRED_PARAMETER", place)
        return
    if address["country_code"] in _UNLISTED:
        raise Refusal(422, "SHIPPING_ADDRESS_INVALID", f"{place}/country_code")
    if "admin_area_2" not in address:
        raise Refusal(422, "CITY_REQUIRED", f"{place}/admin_area_2")
    if address["country_code"] in _WITH_POSTCODES and "postal_code" not in address:
        raise Refusal(422, "POSTAL_CODE_REQUIRED", f"{place}/postal_code")
    if address["country_code"] == "HK" and "admin_area_1" not in address:
        raise Refusal(422, "SHIPPING_ADDRESS_INVALID", f"{place}/admin_area_1")


@endpoint("show order", "GET")
def show(exchange: Exchange, order_id: str) -> Reply:
    order = find("order", order_id)
    _note(exchange, order)
    return Reply(200, show_order(order))


@endpoint("capture", "POST", key_life=HOURS_6, repeat=_shown)
def capture(exchange: Exchange, order_id: str) -> Reply:
    order = find("order", order_id)
    _note(exchange, order)
    if order["status"] == "COMPLETED":
        raise Refusal(422, "ORDER_ALREADY_CAPTURED")
    if order["declines"] >= MAX_ATTEMPTS:
        raise Refusal(422, "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED")
    if order["status"] != "APPROVED":
        raise Refusal(422, "ORDER_NOT_APPROVED")
    if _is_paid_elsewhere(order):
        raise Refusal(422, "DUPLICATE_INVOICE_ID", "/purchase_units/0/invoice_id")
    if fault := faults.take("paypal", "capture", paypal_faults.names_of(order), {"decline"}):
        if fault["issue"] != "INSTRUMENT_DECLINED":
            return declined(exchange, fault)
        faults.note(fault, status=422)
        return _decline(order, fault["leaves"])
    if order.get("funding") == "declined":
        return _decline(order)
    taken, event = reviewed(new_capture(order))
    keep("capture", taken)
    if "invoice_id" in order["unit"]:
        store.put("paypal-invoice", order["unit"]["invoice_id"], {"order_id": order_id})
    order["status"] = "COMPLETED"
    order["captures"].append(taken["id"])
    keep("order", order)
    webhooks.announce(event, "capture", show_capture(taken))
    return Reply(201, show_order(order))


def _is_paid_elsewhere(order: Document) -> bool:
    """PayPal takes each invoice number once per merchant."""
    return store.get("paypal-invoice", order["unit"].get("invoice_id", "")) is not None


def _decline(order: Document, leaves: str = "PAYER_ACTION_REQUIRED") -> Reply:
    """The buyer has to approve again, with something else. The attempt counts, so nothing is raised.

    With ``leaves="APPROVED"`` another capture would take the money without that.
    """
    order["status"] = leaves
    order["is_declined"] = True
    order["declines"] += 1
    keep("order", order)
    redirect = {"href": buyer_url(order), "rel": "redirect", "method": "GET"}
    return Refusal(422, "INSTRUMENT_DECLINED").reply(redirect)


@endpoint("track", "POST")
def track(exchange: Exchange, order_id: str) -> Reply:
    check(TRACKER, exchange.body)
    order = find("order", order_id)
    _note(exchange, order)
    body = exchange.body
    if body["capture_id"] not in order["captures"]:
        raise Refusal(422, "CAPTURE_ID_NOT_FOUND", "/capture_id")
    if find("capture", body["capture_id"])["status"] not in {"COMPLETED", "PARTIALLY_REFUNDED", "PENDING"}:
        raise Refusal(422, "CAPTURE_STATUS_NOT_VALID", "/capture_id")
    if "carrier" not in body or ("carrier_name_other" in body) != (body["carrier"] == "OTHER"):
        raise Refusal(400, "MISSING_REQUIRED_PARAMETER", "/carrier")
    skus = {item.get("sku") for item in order["unit"].get("items", [])}
    if any(item.get("sku", "") not in skus for item in body.get("items", [])):
        raise Refusal(422, "ITEM_SKU_MISMATCH", "/items")
    trackers = order["unit"].setdefault("shipping", {}).setdefault("trackers", [])
    number = body.get("tracking_number", "")
    numbers = order.setdefault("tracking_numbers", {})
    status = 200 if number in numbers else 201
    if status == 201:
        numbers[number] = new_id()
        path = f"/v2/checkout/orders/{order_id}/trackers/{numbers[number]}"
        trackers.append(
            {
                "id": numbers[number],
                "status": "SHIPPED",
                "items": body.get("items", []),
                "links": [link(path, "update", "PATCH")],
                "create_time": now(),
                "update_time": now(),
            }
        )
        keep("order", order)
    exchange.full = True  # this call knows no Prefer
    return Reply(status, show_order(order))


@endpoint("update tracker", "PATCH")
def update_tracker(exchange: Exchange, order_id: str, tracker_id: str) -> Reply:
    order = find("order", order_id)
    _note(exchange, order)
    trackers = order["unit"].get("shipping", {}).get("trackers", [])
    tracker = next((tracker for tracker in trackers if tracker["id"] == tracker_id), None)
    if tracker is None:
        raise Refusal(404, "TRACKER_ID_NOT_FOUND", "/tracker_id", location="path")
    for change in exchange.body:
        path = change.get("path", "") if isinstance(change, dict) else ""
        if not isinstance(change, dict) or change.get("op") not in {"add", "replace", "remove"}:
            raise Refusal(400, "INVALID_PATCH_OPERATION", "/op")
        if not re.fullmatch(r"/(status|items|notify_payer)", path):
            raise Refusal(400, "FIELD_NOT_PATCHABLE", "/path")
        if path == "/status" and change.get("value") != "CANCELLED":
            raise Refusal(400, "INVALID_PARAMETER_VALUE", "/value")
        if path == "/status":
            tracker["status"] = "CANCELLED"
    tracker["update_time"] = now()
    keep("order", order)
    return Reply(204)


def _note(exchange: Exchange, order: Document) -> None:
    """What the log may know of the order."""
    unit = order["unit"]
    exchange.facts |= {
        "order_id": order["id"],
        "references": [unit["custom_id"]] if "custom_id" in unit else [],
        "amount": unit["amount"]["value"],
        "currency": unit["amount"]["currency_code"],
    }
