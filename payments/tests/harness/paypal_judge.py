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
from shop.tests.harness.effort import IS_FULL

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

# What PayPal answers to a capture beside the published issues, as it was recorded.
RECORDED_ISSUES = (
    "CARD_CLOSED",
    "ORDER_COMPLETED_OR_VOIDED",
    "ORDER_EXPIRED",
    "PAYER_COUNTRY_NOT_SUPPORTED",
    "PAYMENT_DENIED",
    "TRANSACTION_AMOUNT_EXCEEDS_MONTHLY_MAX_LIMIT",
)

# An order's number, a secret or URL, a number or another name with digits.
IDENTIFIER = re.compile(
    r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b|(?=\S*[0-9])[\w/.:~-]{24,}|[A-Za-z0-9]*[0-9][A-Za-z0-9]*", re.ASCII
)
JUDGED_HEADERS = ("Content-Type", "PayPal-Request-Id", "Prefer")

_judged_kinds = set()


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
    for path in merged["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _allow_invalid_token(operation["responses"])
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


def judge_exchange_request(question, headers):
    """Judge a request, in ``make test`` one of each kind: the judge is slow, and alike are judged alike.

    A kind is made of method, path, headers and body with other digits in its numbers and identifiers.
    """
    kind = (question.method, shape_of(question.path.split("/")), _scheme(headers), _body_shape(question.body))
    _once((*kind, *(shape_of(headers.get(name)) for name in JUDGED_HEADERS)), judge_request, question)


def judge_exchange_answer(question, response):
    """Judge an answer, in ``make test`` one of each kind."""
    kind = (
        question.method,
        shape_of(question.path.split("/")),
        response.status_code,
        _body_shape(response.data),
    )
    _once((*kind, response.content_type), judge().validate_response, question, response)


def judge_answer_to(response):
    """Judge an answer that ``requests`` got, whatever was asked."""
    question = RequestsOpenAPIRequest(response.request)
    judge().validate_response(question, RequestsOpenAPIResponse(response))


def shape_of(part):
    """What the judge can tell apart: names, types, lengths, words; not which digits a number has."""
    if isinstance(part, dict):
        return tuple((name, shape_of(part[name])) for name in sorted(part))
    if isinstance(part, list):
        return tuple(map(shape_of, part))
    if isinstance(part, str):
        return IDENTIFIER.sub(lambda match: _masked(match[0]), part)
    return (type(part), part)


def _masked(identifier):
    if len(identifier) < 3:  # a quantity: none is another matter than two
        return identifier
    symbol = "9" if identifier.isdigit() else "X" if identifier.isupper() else "x"
    return symbol * len(identifier)


def _body_shape(body):
    try:
        return shape_of(json.loads(body or "null"))
    except ValueError:  # a form
        return shape_of(body.decode() if isinstance(body, bytes) else body)


def _once(kind, judge_it, *exchange):
    if IS_FULL or kind not in _judged_kinds:
        judge_it(*exchange)
        _judged_kinds.add(kind)


def fingerprint(method, path, headers, body, status, answer):
    """Everything of an exchange that is judged, with no token or credential in it."""
    body = body.encode() if isinstance(body, str) else body or b""
    return (
        method,
        path,
        _scheme(headers),
        *map(headers.get, JUDGED_HEADERS),
        body,
        status,
        without_token(answer),
    )


def _scheme(headers):
    return headers.get("Authorization", "").partition(" ")[0]


class JudgedSession(requests.Session):
    """Raises openapi-core's errors for a request or an answer that PayPal's description does not allow.

    ``passed``: fingerprints of what was found good, so that nobody need judge it again.
    """

    passed = set()

    def send(self, request, **kwargs):
        question = RequestsOpenAPIRequest(request)
        judge_exchange_request(question, request.headers)
        response = super().send(request, **kwargs)
        judge_exchange_answer(question, RequestsOpenAPIResponse(response))
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
    if "orders.capture-422" in schemas:
        issues = schemas["orders.capture-422"]["properties"]["details"]["items"]["anyOf"]
        issues += [{"properties": {"issue": {"type": "string", "enum": [one]}}} for one in RECORDED_ISSUES]
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


def _allow_invalid_token(responses):
    """The published files know only the API's own words for a token that is none; OAuth's were recorded."""
    word = {"type": "string", "enum": ["invalid_token"]}
    told = {"error": word, "error_description": {"type": "string"}}
    oauth = {"type": "object", "required": list(told), "properties": told, "additionalProperties": False}
    published = responses.get("401", {}).get("content", {}).get("application/json", {}).get("schema")
    published = published or {"type": "object", "required": ["name"]}
    content = {"application/json": {"schema": {"anyOf": [oauth, published]}}}
    responses["401"] = {"description": "answer", "content": content}


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
