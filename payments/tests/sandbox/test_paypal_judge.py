"""Controls: what the judge must refuse, or its silence elsewhere would mean nothing."""

import copy
import json

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from requests.structures import CaseInsensitiveDict

from payments.gateways.paypal.messages import create_body, refund_body
from payments.tests.harness.paypal_judge import (
    description,
    judge,
    judge_exchange_answer,
    judge_exchange_request,
    judge_request,
)

HEADERS = {"Authorization": "Bearer x", "Content-Type": "application/json"}
ORDERS = "/v2/checkout/orders"
ORDER = f"{ORDERS}/5O190127TN364715T"
REFUND = "/v2/payments/captures/2GG279541U471931P/refund"
VERIFY = "/v1/notifications/verify-webhook-signature"
DISPUTE = "/v1/customer/disputes/PP-D-27803"


def request(method, path, body=None, **headers):
    data = None if body is None else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    made = requests.Request(
        method, f"http://127.0.0.1/paypal{path}", data=data, headers={**HEADERS, **named}
    ).prepare()
    return RequestsOpenAPIRequest(made)


def answer(status, body):
    made = requests.Response()
    made.status_code, made._content = status, json.dumps(body).encode()
    made.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
    return RequestsOpenAPIResponse(made)


def test_the_repaired_description_is_a_valid_one():
    OpenAPI.from_dict(description())


def test_our_own_order_passes(make_purchase):
    judge_request(request("POST", ORDERS, create_body(make_purchase()), Prefer="return=minimal"))
    judge_request(request("POST", REFUND, refund_body(make_purchase().amount, "HKD", "k")))


def passes(judge_it, *exchange):
    """Whether the judge lets it pass."""
    try:
        judge_it(*exchange)
    except OpenAPIError:
        return False
    return True


def changed(body, *path_and_value):
    *path, last, value = path_and_value
    place = body = copy.deepcopy(body)
    for step in path:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


UNIT = ("purchase_units", 0)
EXPERIENCE = ("payment_source", "paypal", "experience_context")


WRONG_ORDERS = [
    (*UNIT, "amount", "value", 1234.5),
    (*UNIT, "amount", "value", "12,34"),
    (*UNIT, "amount", "currency_code", "HKDX"),
    (*UNIT, "amount", None),
    (*UNIT, "items", 0, "quantity", 1),
    (*UNIT, "items", 0, "quantity", "0"),
    (*UNIT, "items", 0, "category", "GOODS"),
    (*UNIT, "items", 0, "unit_ammount", {"currency_code": "HKD", "value": "1.00"}),
    (*UNIT, "shiping", {}),
    (*UNIT, "shipping", "address", "postcode", "999077"),
    (*UNIT, "shipping", "address", "country_code", "hk"),
    (*UNIT, "shipping", "type", "POST"),
    (*UNIT, "shipping", "trackers", []),
    ("purchase_units", []),
    ("intent", "BUY"),
    ("intent", None),
    (*EXPERIENCE, "locale", "zh_TW"),
    (*EXPERIENCE, "locale", "zh-hant"),
    (*EXPERIENCE, "user_action", "PAYNOW"),
    (*EXPERIENCE, "landing_page", "CARD"),
    (*EXPERIENCE, "shipping_preference", "NONE"),
]


def test_the_judge_refuses_a_wrong_order(make_purchase):
    good = create_body(make_purchase())
    assert [
        change
        for change in WRONG_ORDERS
        if passes(judge_request, request("POST", ORDERS, changed(good, *change)))
    ] == []


def test_a_good_order_lets_no_wrong_one_pass_unseen(make_purchase):
    """Alike exchanges are judged once."""

    def judge_one(question):
        judge_exchange_request(question, HEADERS)

    good = create_body(make_purchase())
    judge_one(request("POST", ORDERS, good))
    judge_one(request("POST", ORDERS, create_body(make_purchase())))
    assert [
        change
        for change in WRONG_ORDERS
        if passes(judge_one, request("POST", ORDERS, changed(good, *change)))
    ] == []
    judge_one(request("GET", ORDER))
    assert not passes(judge_one, request("GET", ORDER.lower()))


def test_the_judge_refuses_a_wrong_prefer_header(make_purchase):
    with pytest.raises(OpenAPIError):
        judge_request(request("POST", ORDERS, create_body(make_purchase()), Prefer="return=full-thing"))


def test_the_judge_refuses_a_call_without_authorization():
    bare = requests.Request("GET", f"http://127.0.0.1/paypal{ORDER}").prepare()
    with pytest.raises(OpenAPIError):
        judge_request(RequestsOpenAPIRequest(bare))


WRONG_REQUESTS = [
    ("POST", REFUND, {"amount": {"currency_code": "HKD", "value": 34.5}}),
    ("POST", REFUND, {"ammount": {"currency_code": "HKD", "value": "34.50"}}),
    ("POST", VERIFY, {}),
    ("POST", VERIFY, {"webhook_id": "1", "webhook_event": {}}),
    ("POST", f"{ORDER}/track", {"tracking_number": "SF123", "carrier": "SF_EX"}),
    ("POST", f"{ORDER}/track", {"capture_id": "../1"}),
    ("PATCH", f"{ORDER}/trackers/1AB", [{"op": "bogus", "path": "/status", "value": "CANCELLED"}]),
    ("GET", ORDER.lower(), None),
    ("GET", ORDER, {}),
    ("GET", "/v1/customer/disputes/PP_D_27803", None),
    ("DELETE", DISPUTE, None),
    ("POST", f"{ORDERS}/lower/capture", {}),
    ("DELETE", ORDER, None),
    ("GET", "/v2/checkout/nothing", None),
    ("POST", "/v1/oauth2/token", {"grant_type": "client_credentials"}),
]


def test_the_judge_refuses_other_wrong_requests():
    assert [wrong for wrong in WRONG_REQUESTS if passes(judge_request, request(*wrong))] == []


GOOD_ERROR = {
    "name": "UNPROCESSABLE_ENTITY",
    "message": "The requested action could not be performed, semantically incorrect, or failed business"
    " validation.",
    "debug_id": "d1",
    "details": [{"issue": "INSTRUMENT_DECLINED", "description": "no"}],
    "links": [{"href": "https://www.paypal.com/checkoutnow?token=1", "rel": "redirect", "method": "GET"}],
}
GOOD_ORDER = {
    "id": "5O190127TN364715T",
    "status": "COMPLETED",
    "purchase_units": [{"amount": {"currency_code": "HKD", "value": "1.00"}}],
}


def test_good_answers_pass():
    capture = request("POST", f"{ORDER}/capture", {})
    judge().validate_response(capture, answer(422, GOOD_ERROR))
    judge().validate_response(capture, answer(201, GOOD_ORDER))


WRONG_ANSWERS = [
    (422, changed(GOOD_ERROR, "details", 0, "issue", "NO_MONEY")),
    (422, changed(GOOD_ERROR, "name", "OOPS")),
    (422, changed(GOOD_ERROR, "details", {"issue": "INSTRUMENT_DECLINED"})),
    (404, changed(GOOD_ERROR, "name", "RESOURCE_NOT_FOUND")),
    (201, changed(GOOD_ORDER, "purchase_units", 0, "amount", "value", 1.0)),
    (201, changed(GOOD_ORDER, "purchase_units", 0, "amount", "currency_code", None)),
    (201, changed(GOOD_ORDER, "status", "PAID")),
    (201, changed(GOOD_ORDER, "links", [{"href": "https://x"}])),
]


def test_the_judge_refuses_a_wrong_answer():
    capture = request("POST", f"{ORDER}/capture", {})
    assert [
        wrong for wrong in WRONG_ANSWERS if passes(judge().validate_response, capture, answer(*wrong))
    ] == []


def test_a_good_answer_lets_no_wrong_one_pass_unseen():
    capture = request("POST", f"{ORDER}/capture", {})
    judge_exchange_answer(capture, answer(422, GOOD_ERROR))
    judge_exchange_answer(capture, answer(201, GOOD_ORDER))
    assert [wrong for wrong in WRONG_ANSWERS if passes(judge_exchange_answer, capture, answer(*wrong))] == []


GOOD_DISPUTE = {
    "dispute_id": "PP-D-27803",
    "create_time": "2026-11-23T01:02:03Z",
    "disputed_transactions": [{"seller_transaction_id": "2GG279541U471931P", "custom": "A7K392QM"}],
    "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "status": "WAITING_FOR_SELLER_RESPONSE",
    "dispute_amount": {"currency_code": "HKD", "value": "1.00"},
    "seller_response_due_date": "2026-12-03T01:02:03Z",
}


def test_a_good_dispute_passes():
    judge_request(request("GET", DISPUTE))
    judge().validate_response(request("GET", DISPUTE), answer(200, GOOD_DISPUTE))


WRONG_DISPUTES = [
    ("status", "CLOSED"),
    ("reason", "NOT_AMUSED"),
    ("dispute_id", "PP D"),
    ("create_time", "yesterday"),
    ("dispute_amount", "value", 1.0),
    ("disputed_transactions", []),
    ("disputed_transactions", 0, "seller_transaction_id", "a b"),
    ("dispute_outcome", {"outcome_code": "WON"}),
    ("dispute_life_cycle_stage", "WAR"),
]


def test_the_judge_refuses_a_wrong_dispute():
    look = request("GET", DISPUTE)
    assert [
        change
        for change in WRONG_DISPUTES
        if passes(judge().validate_response, look, answer(200, changed(GOOD_DISPUTE, *change)))
    ] == []
