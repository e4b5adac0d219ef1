"""PayPal's own description of its API as the judge of every exchange, in both directions.

The published files need repair: some patterns are broken, some demands are not PayPal's, unknown keys pass.
"""

import json
import re
from functools import cache
from pathlib import Path

import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from payments.sandbox.paypal.exchange_log import without_token

FILES = {
    "ord": "checkout_orders_v2",
    "pay": "payments_payment_v2",
    "hook": "notifications_webhooks_v1",
    "disp": "customer_disputes_v1",
}
# Objects we send: a misspelt key in them is a fault. ``money`` must stay open, it is used inside ``allOf``.
STRICT = {
    "order_request",
    "purchase_unit_request",
    "item",
    "amount_breakdown",
    "shipping_detail",
    "address_portable",
    "paypal_wallet",
    "paypal_wallet_experience_context",
    "refund_request",
    "verify_webhook_signature",
}


@cache
def description():
    """The files repaired and merged, mounted where the sandbox has its PayPal."""
    folder = Path(__file__).parent / "paypal_openapi"
    merged = None
    for tag, name in FILES.items():
        document = _repaired(json.loads((folder / f"{name}.json").read_text()))
        text = json.dumps(document)
        document = json.loads(re.sub(r"#/components/(\w+)/", rf"#/components/\1/{tag}__", text))
        document["components"] = {
            kind: members if kind == "securitySchemes" else {f"{tag}__{n}": v for n, v in members.items()}
            for kind, members in document["components"].items()
        }
        if merged is None:
            merged = document
            continue
        merged["paths"].update(document["paths"])
        for kind, members in document["components"].items():
            merged["components"].setdefault(kind, {}).update(members)
    merged["servers"] = [{"url": "/paypal"}]
    # openapi-core cannot judge OAuth 2; as a bearer scheme it demands the header.
    merged["components"]["securitySchemes"] = {"Oauth2": {"type": "http", "scheme": "bearer"}}
    merged["paths"]["/v1/oauth2/token"] = _token_endpoint()
    return merged


@cache
def judge():
    """Without the check of the description itself, which takes seconds and has a test of its own."""
    return OpenAPI.from_dict(description(), config=Config(spec_validator_cls=None))


class BodyOfNoUse(OpenAPIError):
    """A GET with a body. The description says nothing of it, and openapi-core does not look."""


def judge_request(question):
    if question.method.lower() == "get" and question.body:
        raise BodyOfNoUse(question.path)
    judge().validate_request(question)


def fingerprint(method, path, headers, body, status, answer):
    """Everything of an exchange that is judged, with no token or credential in it."""
    scheme = headers.get("Authorization", "").partition(" ")[0]
    names = ("Content-Type", "PayPal-Request-Id", "Prefer")
    body = body.encode() if isinstance(body, str) else body or b""
    return (method, path, scheme, *map(headers.get, names), body, status, without_token(answer))


class JudgedSession(requests.Session):
    """Raises openapi-core's errors for a request or an answer that PayPal's description does not allow.

    ``passed``: fingerprints of what was found good, so that nobody need judge it again.
    """

    passed = set()

    def send(self, request, **kwargs):
        question = RequestsOpenAPIRequest(request)
        judge_request(question)
        response = super().send(request, **kwargs)
        judge().validate_response(question, RequestsOpenAPIResponse(response))
        self.passed.add(
            fingerprint(
                request.method,
                request.path_url,
                request.headers,
                request.body,
                response.status_code,
                response.text,
            )
        )
        return response


def _repaired(document):
    schemas = document["components"]["schemas"]
    if "email" in schemas:
        schemas["email"]["pattern"] = r"^[^\s@]+@[^\s@]+$"
    if (
        "order_tracker_request" in schemas
    ):  # the file demands transaction_id and status, PayPal only capture_id
        tracker = json.loads(json.dumps(schemas["shipment_tracker"]))
        tracker.pop("required", None)
        schemas["order_tracker_request"]["allOf"][0] = tracker
    if "shipping_with_tracking_details" in schemas:  # an answer adds to what is closed in our requests
        schemas["shipping_with_tracking_details"]["allOf"][0] = json.loads(
            json.dumps(schemas["shipping_detail"])
        )
    if "event" in schemas:  # read-only, but verify-webhook-signature demands it in a request
        for member in schemas["event"]["properties"].values():
            for part in (member, member.get("items", {})):
                part.pop("readOnly", None)
    for parameter in document["components"].get("parameters", {}).values():
        parameter.pop("enum", None)  # no such member; it belongs into the parameter's schema
        parameter.get("schema", {}).pop("default", None)  # sometimes prose, which breaks the pattern
    for name in STRICT & set(schemas):
        if "allOf" not in schemas[name]:
            schemas[name].setdefault("additionalProperties", False)
    refund = document["paths"].get("/v2/payments/captures/{capture_id}/refund")
    if refund:  # the repeat of a refund
        refund["post"]["responses"].setdefault("200", refund["post"]["responses"]["201"])
    _repair_within(document)
    return document


def _repair_within(part):
    if isinstance(part, dict):
        properties = part.get("properties")
        if isinstance(properties, dict) and "enum" in (properties.get("issue") or {}):
            (properties.get("description") or {}).pop("enum", None)  # prose differs from call to call
        if isinstance(part.get("pattern"), str):
            part["pattern"] = part["pattern"].replace(r"\!", "!")
        if isinstance(part.get("enum"), list):
            part["enum"] = list(dict.fromkeys(part["enum"]))  # a carrier is listed twice
        for member in part.values():
            _repair_within(member)
    elif isinstance(part, list):
        for member in part:
            _repair_within(member)


def _token_endpoint():
    def body(*required):
        types = {name: {"type": "integer" if name == "expires_in" else "string"} for name in required}
        return {"type": "object", "required": list(required), "properties": types}

    def answer(schema):
        return {"description": "answer", "content": {"application/json": {"schema": schema}}}

    form = {"application/x-www-form-urlencoded": {"schema": body("grant_type")}}
    return {
        "post": {
            "operationId": "token",
            "security": [],
            "requestBody": {"required": True, "content": form},
            "responses": {
                "200": answer(body("access_token", "token_type", "expires_in")),
                "default": answer({"type": "object"}),
            },
        }
    }
