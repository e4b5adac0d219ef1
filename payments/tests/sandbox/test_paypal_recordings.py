"""The stand-in answers in the shapes that were recorded of PayPal's own sandbox; numbers are masked."""

import re

import pytest

from payments.sandbox.paypal import dashboard
from payments.tests.harness.paypal_judge import judge_answer_to

ORDERS = "https://developer.paypal.com/docs/api/orders/v2/#error-"
PAYMENTS = "https://developer.paypal.com/docs/api/payments/v2/#error-"
NOT_DONE = (
    "The requested action could not be performed, semantically incorrect, or failed business validation."
)
NO_SUCH_ID = "Specified resource ID does not exist. Please check the resource ID and try again."
UNAPPROVED = (
    "Payer has not yet approved the Order for payment. Please redirect the payer to the 'rel':'approve' url "
    "returned as part of the HATEOAS links within the Create Order call or provide a valid payment_source in "
    "the request."
)


def without_source(body):
    body["application_context"] = body.pop("payment_source")["paypal"]["experience_context"]


@pytest.fixture
def said(sandbox):
    """Status and body of an answer that PayPal's description allows too, with its numbers masked."""

    def masked(response):
        judge_answer_to(response)
        text = response.text.replace(f"{sandbox}/paypal/checkoutnow", "BUYER")
        text = text.replace(f"{sandbox}/paypal", "API")
        response._content = re.sub(r"\b[A-Z0-9]{17}\b", "ID", text).encode()
        return response.status_code, response.json()

    return masked


def link(rel, method="GET", href="API/v2/checkout/orders/ID"):
    return {"href": href, "rel": rel, "method": method}


def refusal(name, message, issue, description, *links, page=ORDERS, **more):
    """An error; its link to the documentation comes first."""
    explained = {"href": page + issue, "rel": "information_link", "method": "GET"}
    return {
        "name": name,
        "message": message,
        "debug_id": "x",
        "details": [{**more, "issue": issue, "description": description}],
        "links": [explained, *links],
    }


def plain(body):
    return {**body, "debug_id": "x"}


def test_an_order_with_a_payment_source_is_created_by_a_200_that_shows_it(create, said):
    assert said(create()) == (
        200,
        {
            "id": "ID",
            "status": "PAYER_ACTION_REQUIRED",
            "payment_source": {"paypal": {}},
            "links": [link("self"), link("payer-action", href="BUYER?token=ID")],
        },
    )


def test_an_order_without_one_is_created_by_a_201_with_its_four_links(create, said):
    status, body = said(create(without_source))

    assert (status, body["status"], set(body)) == (201, "CREATED", {"id", "status", "links"})
    capture = link("capture", "POST", "API/v2/checkout/orders/ID/capture")
    approve = link("approve", href="BUYER?token=ID")
    assert body["links"] == [link("self"), approve, link("update", "PATCH"), capture]


def test_an_approved_order_can_be_updated_and_captured_and_tells_no_time_of_its_approval(
    create, call, approve, said
):
    order = create().json()
    approve(order["links"][1]["href"])
    status, body = said(call("GET", f"/v2/checkout/orders/{order['id']}"))

    capture = link("capture", "POST", "API/v2/checkout/orders/ID/capture")
    assert (status, body["status"]) == (200, "APPROVED")
    assert body["links"] == [link("self"), link("update", "PATCH"), capture]
    assert "create_time" in body
    assert "update_time" not in body


def test_a_captured_order_has_one_link_and_the_time_of_its_capture(paid, call, said):
    _, body = said(call("GET", f"/v2/checkout/orders/{paid()['id']}"))

    assert (body["status"], body["links"]) == ("COMPLETED", [link("self")])
    assert "update_time" in body


def test_errors_name_their_page_and_tell_nothing_else(create, call, paid, said):
    number = create().json()["id"]
    captured = paid()
    capture = captured["purchase_units"][0]["payments"]["captures"][0]["id"]
    nothing = "5O190127TN364715T"
    path, refund = "/v2/checkout/orders", f"/v2/payments/captures/{capture}/refund"
    call("POST", refund, {})
    unnamed = (
        "A PayPal-Request-Id is required if you are trying to process payment for an Order. Please specify a"
    )
    unnamed += " PayPal-Request-Id or Create the Order without a 'payment_source' specified."
    malformed = "Request is not well-formed, syntactically incorrect, or violates schema."
    missing = (
        "RESOURCE_NOT_FOUND",
        "The specified resource does not exist.",
        "INVALID_RESOURCE_ID",
        NO_SUCH_ID,
    )
    told = ("UNPROCESSABLE_ENTITY", NOT_DONE)
    twice = "Order already captured.If 'intent=CAPTURE' only one capture per order is allowed."
    whole = "The capture has already been fully refunded"
    at = {"field": "capture_id", "value": "ID", "location": "path"}
    for response, expected in [
        (create(request_id=""), refusal("INVALID_REQUEST", malformed, "PAYPAL_REQUEST_ID_REQUIRED", unnamed)),
        (call("GET", f"{path}/{nothing}"), refusal(*missing)),
        (call("GET", f"/v2/payments/captures/{nothing}"), refusal(*missing, page=PAYMENTS, **at)),
        (call("POST", f"{path}/{number}/capture", {}), refusal(*told, "ORDER_NOT_APPROVED", UNAPPROVED)),
        (
            call("POST", f"{path}/{captured['id']}/capture", {}),
            refusal(*told, "ORDER_ALREADY_CAPTURED", twice),
        ),
        (call("POST", refund, {}), refusal(*told, "CAPTURE_FULLY_REFUNDED", whole, page=PAYMENTS)),
    ]:
        assert plain(said(response)[1]) == expected


def test_a_declined_card_is_told_with_the_page_about_it_and_the_buyers_way_back(create, call, approve, said):
    order = create().json()
    approve(order["links"][1]["href"], funding="declined")

    status, body = said(call("POST", f"/v2/checkout/orders/{order['id']}/capture", {}))

    prose = "The instrument presented  was either declined by the processor or bank, or it can't be used for"
    back = link("redirect", href="BUYER?token=ID")
    declined = ("INSTRUMENT_DECLINED", f"{prose} this payment.", back)
    assert (status, plain(body)) == (422, refusal("UNPROCESSABLE_ENTITY", NOT_DONE, *declined))


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        ("Bearer INVALID", "Token signature verification failed"),
        ("Bearer eyJhIjoxfQ:1:x", "Token signature verification failed"),
        ("expired", "Access Token not found in cache"),
    ],
)
def test_a_token_that_is_none_is_refused_in_the_words_of_oauth(
    call, make_api, later, said, authorization, error
):
    if authorization == "expired":
        authorization = f"Bearer {make_api().get_token_hash()['access_token']}"
        later(hours=10)

    answer = said(call("GET", "/v2/checkout/orders/5O190127TN364715T", Authorization=authorization))

    assert answer == (401, {"error": "invalid_token", "error_description": error})


def test_a_parcel_of_money_that_is_partly_given_back_or_under_review_can_be_followed(paid, call, said):
    for change, status in [
        (lambda reference: dashboard.dashboard_refund(reference, 1), 201),
        (dashboard.review, 201),
        (dashboard.dashboard_refund, 422),
        (lambda reference: (dashboard.review(reference), dashboard.decide(reference, "denied")), 422),
    ]:
        order = paid()
        unit = order["purchase_units"][0]
        capture = unit["payments"]["captures"][0]["id"]
        change(unit["custom_id"])
        parcel = {"capture_id": capture, "tracking_number": "SF1", "carrier": "SF_EX"}
        answer = said(call("POST", f"/v2/checkout/orders/{order['id']}/track", parcel))
        assert answer[0] == status, answer
