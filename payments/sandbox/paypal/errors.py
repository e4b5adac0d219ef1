"""Errors in PayPal's words: a status, an issue code, a document of the published shape."""

import secrets
from dataclasses import dataclass
from typing import Any

_NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    405: ("METHOD_NOT_SUPPORTED", "The server does not implement the requested HTTP method."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
}
_DESCRIPTIONS = {
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded",
    "AMOUNT_MISMATCH": "Should equal item_total + tax_total + shipping + handling + insurance"
    " - shipping_discount - discount.",
    "INSTRUMENT_DECLINED": "The instrument presented  was either declined by the processor or bank,"
    " or it can't be used for this payment.",
    "INVALID_RESOURCE_ID": "Specified resource ID does not exist."
    " Please check the resource ID and try again.",
    "ITEM_TOTAL_MISMATCH": "Should equal sum of (unit_amount * quantity) across all items for a given"
    " purchase_unit.",
    "MISSING_REQUIRED_PARAMETER": "A required parameter is missing.",
    "ORDER_ALREADY_CAPTURED": "Order already captured."
    "If 'intent=CAPTURE' only one capture per order is allowed.",
    "ORDER_NOT_APPROVED": "Payer has not yet approved the Order for payment. Please redirect the payer to the"
    " 'rel':'approve' url returned as part of the HATEOAS links within the Create Order call or provide a"
    " valid payment_source in the request.",
    "PAYPAL_REQUEST_ID_REQUIRED": "A PayPal-Request-Id is required if you are trying to process payment for"
    " an Order. Please specify a PayPal-Request-Id or Create the Order without a 'payment_source' specified.",
    "TAX_TOTAL_MISMATCH": "Should equal sum of (tax * quantity) across all items for a given purchase_unit.",
}


@dataclass(frozen=True)
class Reply:
    """What an API view answers. The decorator makes the HTTP response of it."""

    status: int
    body: dict[str, Any] | None = None


class InvalidToken(Exception):
    """Raised for a bearer token that is none of ours or has ended: OAuth's words, not the API's."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.body = {"error": "invalid_token", "error_description": description}


class Refusal(Exception):
    """Raised to refuse a request; everything done in the request's transaction is undone."""

    def __init__(
        self, status: int, issue: str = "", field: str = "", *, value: str = "", location: str = "body"
    ) -> None:
        super().__init__(issue)
        self.status = status
        self.issue = issue
        self.field = field
        self.value = value
        self.location = location

    def reply(self, *links: dict[str, str]) -> Reply:
        name, message = _NAMES[self.status]
        body: dict[str, Any] = {"name": name, "message": message, "debug_id": secrets.token_hex(7)}
        if self.issue:
            detail = {"issue": self.issue, "description": _DESCRIPTIONS.get(self.issue, self.issue)}
            if self.field:
                detail |= {"field": self.field, "location": self.location}
            if self.value:
                detail["value"] = self.value
            body["details"] = [detail]
        if links:
            body["links"] = list(links)
        return Reply(self.status, body)
