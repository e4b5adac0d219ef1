"""The stand-in keeps PayPal's rules by itself: a careless client finds out here and not in production."""

import pytest
import requests

from payments.gateways.paypal.messages import create_body
from payments.tests.harness.paypal_sandbox import issue

# --- tokens


NO_TOKENS = ["", "Bearer", "Basic x", "x"]


def test_calls_need_a_token(call):
    for authorization in NO_TOKENS:
        response = call("GET", "/v2/checkout/orders/5O190127TN364715T", Authorization=authorization)

        assert response.status_code == 401, authorization
        assert response.json()["name"] == "AUTHENTICATION_FAILURE", authorization


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (("demo-client", "wrong"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "client_credentials"}, 401, "invalid_client"),
        ("right", {}, 400, "unsupported_grant_type"),
    ],
)
def test_a_token_needs_credentials_and_a_grant(sandbox, settings, auth, form, status, error):
    if auth == "right":
        auth = (settings.PAYPAL_CLIENT_ID, settings.PAYPAL_CLIENT_SECRET)

    response = requests.post(f"{sandbox}/paypal/v1/oauth2/token", data=form, auth=auth, timeout=5)

    assert (response.status_code, response.json()["error"]) == (status, error)


# --- outer form


def unit(body):
    return body["purchase_units"][0]


def experience(body):
    return body["payment_source"]["paypal"]["experience_context"]


WRONG_ORDERS = [
    (lambda b: unit(b)["amount"].update(value=1234.5), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: unit(b)["amount"].update(value="12,34"), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: unit(b)["items"][0].update(quantity=1), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: unit(b)["items"][0].update(quantity="0"), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: unit(b)["items"][0].update(name=""), (400, "INVALID_STRING_LENGTH")),
    (lambda b: unit(b)["items"][0].update(name="x" * 128), (400, "INVALID_STRING_LENGTH")),
    (lambda b: unit(b).update(items="x"), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: unit(b).pop("amount"), (400, "MISSING_REQUIRED_PARAMETER")),
    (lambda b: unit(b)["items"][0].pop("unit_amount"), (400, "MISSING_REQUIRED_PARAMETER")),
    (lambda b: b.update(purchase_units=[]), (400, "INVALID_ARRAY_MIN_ITEMS")),
    (lambda b: b.update(purchase_units=[unit(b)] * 11), (400, "INVALID_ARRAY_MAX_ITEMS")),
    (lambda b: b.update(purchase_units=[unit(b)] * 2), (400, "NOT_SUPPORTED")),
    (lambda b: b.update(intent="BUY"), (400, "INVALID_PARAMETER_VALUE")),
    (lambda b: b.update(intent="AUTHORIZE"), (422, "UNSUPPORTED_INTENT")),
    (lambda b: experience(b).update(locale="zh_TW"), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: experience(b).update(locale="zh-hant"), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: experience(b).update(user_action="PAYNOW"), (400, "INVALID_PARAMETER_VALUE")),
    (lambda b: experience(b).update(return_url="/back"), (400, "INVALID_PARAMETER_SYNTAX")),
    (lambda b: unit(b)["shipping"].pop("address"), (400, "MISSING_REQUIRED_PARAMETER")),
    (lambda b: b.update(payment_source={}), (422, "NO_PAYMENT_SOURCE_PROVIDED")),
    (lambda b: b.update(application_context={}), (422, "INCOMPATIBLE_PARAMETER_VALUE")),
    # sums, decimals, currencies
    (lambda b: unit(b)["amount"].update(value="1234.51"), (422, "AMOUNT_MISMATCH")),
    (
        lambda b: unit(b)["amount"]["breakdown"]["shipping"].update(value="49.99"),
        (422, "AMOUNT_MISMATCH"),
    ),
    (lambda b: unit(b)["items"][0]["unit_amount"].update(value="480.01"), (422, "ITEM_TOTAL_MISMATCH")),
    (lambda b: unit(b)["items"][0].update(quantity="3"), (422, "ITEM_TOTAL_MISMATCH")),
    (lambda b: unit(b)["amount"].pop("breakdown"), (422, "ITEM_TOTAL_REQUIRED")),
    (lambda b: unit(b)["amount"].update(value="1234.500"), (422, "DECIMAL_PRECISION")),
    (lambda b: unit(b)["amount"].update(value="0.00"), (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
    (lambda b: unit(b)["amount"].update(value="-1.00"), (422, "CANNOT_BE_NEGATIVE")),
    (lambda b: unit(b)["amount"].update(currency_code="MOP"), (422, "INVALID_CURRENCY_CODE")),
    (lambda b: unit(b)["amount"].update(currency_code="USD"), (422, "MULTI_CURRENCY_ORDER")),
    (lambda b: unit(b)["amount"].update(currency_code="JPY"), (422, "DECIMAL_PRECISION")),
    (lambda b: unit(b)["amount"].update(value="9" * 20), (422, "MAX_VALUE_EXCEEDED")),
    (
        lambda b: unit(b)["items"][0].update(tax={"currency_code": "HKD", "value": "1.00"}),
        (422, "TAX_TOTAL_REQUIRED"),
    ),
    # addresses
    (lambda b: unit(b)["shipping"]["address"].pop("admin_area_2"), (422, "CITY_REQUIRED")),
    (lambda b: unit(b)["shipping"]["address"].pop("admin_area_1"), (422, "SHIPPING_ADDRESS_INVALID")),
    (lambda b: unit(b)["shipping"]["address"].update(country_code="TW"), (422, "POSTAL_CODE_REQUIRED")),
    (
        lambda b: unit(b)["shipping"]["address"].update(country_code="hk"),
        (400, "INVALID_PARAMETER_SYNTAX"),
    ),
    (lambda b: unit(b)["shipping"]["address"].update(postal_code=""), (400, "INVALID_STRING_LENGTH")),
]


def test_a_wrong_order_is_refused_with_paypals_code(create):
    refusals = [(number, issue(create(alter))) for number, (alter, _) in enumerate(WRONG_ORDERS)]
    assert refusals == [(number, expected) for number, (_, expected) in enumerate(WRONG_ORDERS)]


def test_discounts_and_taxes_enter_the_sum(create):
    def alter(body):
        money = {name: {"currency_code": "HKD", "value": value} for name, value in PARTS.items()}
        unit(body)["amount"]["breakdown"] = money
        unit(body)["amount"]["value"] = "1170.50"
        for item in unit(body)["items"]:
            item["tax"] = {"currency_code": "HKD", "value": "2.00"}

    assert create(alter).status_code == 200


PARTS = {"item_total": "1184.50", "tax_total": "6.00", "discount": "30.00", "shipping_discount": "10.00"} | {
    "handling": "5.00",
    "insurance": "15.00",
}


def test_an_order_with_a_payment_source_needs_a_request_id(create):
    assert issue(create(request_id="")) == (400, "PAYPAL_REQUEST_ID_REQUIRED")


WRONG_HEADERS = [{"Prefer": "return=full-thing"}, {"Prefer": "x" * 26}, {"PayPal_Request_Id": "x" * 109}]


def test_headers_are_checked(call, make_purchase):
    for headers in WRONG_HEADERS:
        response = call("POST", "/v2/checkout/orders", create_body(make_purchase()), **headers)
        assert issue(response) == (400, "INVALID_PARAMETER_SYNTAX"), headers


NO_OBJECTS = [b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'"x"']


def test_bodies_must_be_json_objects(call):
    for data in NO_OBJECTS:
        response = call("POST", "/v2/checkout/orders", data=data)
        assert issue(response) == (400, "MALFORMED_REQUEST_JSON"), data[:10]


def test_a_get_may_have_no_body(call, create):
    path = f"/v2/checkout/orders/{create().json()['id']}"

    assert call("GET", path, data=b"").status_code == 200
    assert issue(call("GET", path, data=b"null")) == (400, "MALFORMED_REQUEST_JSON")


def test_other_media_types_and_methods_are_refused(call):
    assert call("POST", "/v2/checkout/orders", data=b"{}", Content_Type="text/plain").status_code == 415
    assert call("DELETE", "/v2/checkout/orders").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/v2/checkout/orders/5O190127TN364715T",
        "/v2/payments/captures/5O190127TN364715T",
        "/v2/payments/refunds/5O190127TN364715T",
    ],
)
def test_unknown_objects_are_not_found(call, path):
    response = call("GET", path)

    assert issue(response) == (404, "INVALID_RESOURCE_ID")
    assert response.headers["PayPal-Debug-Id"] == response.json()["debug_id"]
