"""Reading PayPal's answers: what counts as money, and what leaves the outcome open."""

from dataclasses import replace
from decimal import Decimal

import pytest

from payments.gateways.base import (
    Approved,
    Captured,
    Declined,
    GatewayError,
    Misconfigured,
    Pending,
    Refunded,
    RefundRefused,
    Started,
    Unfinished,
)
from payments.gateways.paypal.answers import read_order, read_refund, read_started
from payments.gateways.paypal.codes import outcome_of

ORDER_ID = "5O190127TN364715T"


@pytest.fixture
def purchase(make_purchase):
    return replace(make_purchase(reference="ATTEMPT0001"), gateway_id=ORDER_ID)


def capture(status="COMPLETED", **changes):
    return {
        "id": "2GG279541U471931P",
        "status": status,
        "amount": {"currency_code": "HKD", "value": "1234.50"},
        "custom_id": "ATTEMPT0001",
        "invoice_id": "ATTEMPT0001",
        **changes,
    }


def order(*captures, status="COMPLETED", refunds=(), **unit):
    payments = {"captures": list(captures), "refunds": list(refunds)}
    return {"id": ORDER_ID, "status": status, "purchase_units": [{"payments": payments, **unit}]}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("CREATED", Unfinished("CREATED")),
        ("SAVED", Unfinished("SAVED")),
        ("PAYER_ACTION_REQUIRED", Unfinished("PAYER_ACTION_REQUIRED")),
        ("APPROVED", Approved()),
        ("VOIDED", Declined("VOIDED")),
    ],
)
def test_an_order_without_a_capture_is_what_its_status_says(purchase, status, outcome):
    assert read_order(purchase, order(status=status)) == outcome
    assert read_order(purchase, {"id": ORDER_ID, "status": status}) == outcome


def test_a_completed_order_without_a_capture_proves_nothing(purchase):
    with pytest.raises(GatewayError, match="NO_CAPTURE_TOLD"):
        read_order(purchase, order())


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (capture("PENDING", status_details={"reason": "ECHECK"}), Pending("2GG279541U471931P", "ECHECK")),
        (capture("PENDING"), Pending("2GG279541U471931P", "")),
        (capture("DECLINED"), Declined("CAPTURE_DECLINED")),
        (capture("FAILED"), Declined("CAPTURE_FAILED")),
        (
            capture("PENDING", status_details={"reason": "SOMETHING_NEW"}),
            Pending("2GG279541U471931P", "SOMETHING_NEW"),
        ),
    ],
)
def test_only_a_completed_capture_is_money(purchase, document, outcome):
    assert read_order(purchase, order(document)) == outcome


@pytest.mark.failure("F40")
def test_the_facts_are_the_captures_not_ours(purchase):
    document = capture(
        amount={"currency_code": "USD", "value": "1.00"}, custom_id="OTHER", invoice_id="OTHER"
    )

    assert read_order(purchase, order(document)) == Captured(
        "2GG279541U471931P", "OTHER", Decimal("1.00"), "USD", True
    )


@pytest.mark.failure("F40")
def test_references_that_contradict_each_other_match_nothing(purchase):
    document = order(capture(custom_id="ATTEMPT0001", invoice_id="ATTEMPT0002"))

    assert read_order(purchase, document).our_reference != purchase.reference
    assert read_order(purchase, order(capture(), custom_id="X")).our_reference != purchase.reference


@pytest.mark.parametrize(
    ("merchant", "ours", "matches"),
    [
        ("SANDBXMERCH22", "SANDBXMERCH22", True),
        ("ANTHERMERCH22", "SANDBXMERCH22", False),
        ("ANTHERMERCH22", "", True),
        (None, "SANDBXMERCH22", True),
    ],
)
@pytest.mark.failure("F40")
def test_the_payee_is_compared_where_it_is_known(purchase, settings, merchant, ours, matches):
    settings.PAYPAL_MERCHANT_ID = ours
    payee = {"payee": {"merchant_id": merchant}} if merchant else {}

    assert read_order(purchase, order(capture(), **payee)).payee_matches is matches


def test_a_good_capture_counts_more_than_a_declined_one_before_it(purchase):
    document = order(capture("DECLINED", id="1A"), capture("COMPLETED", id="2B"), capture("PENDING", id="3C"))

    assert read_order(purchase, document).reference == "2B"


@pytest.mark.failure("F43", "F44")
@pytest.mark.parametrize(
    "document",
    [
        capture("PARTIALLY_REFUNDED"),
        capture("REFUNDED"),
        capture("PENDING", status_details={"reason": "BUYER_COMPLAINT"}),
        capture("PENDING", status_details={"reason": "CHARGEBACK"}),
        capture("PENDING", status_details={"reason": "REFUNDED"}),
    ],
)
def test_money_that_left_us_again_or_is_contested_was_captured_in_full(purchase, document):
    refunds = [{"id": "1R", "status": "COMPLETED", "amount": {"currency_code": "HKD", "value": "34.50"}}]

    assert read_order(purchase, order(document, refunds=refunds)) == Captured(
        "2GG279541U471931P", "ATTEMPT0001", Decimal("1234.50"), "HKD", True
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"id": "ANOTHERORDER00000", "status": "APPROVED"},
        {"id": ORDER_ID},
        {"id": ORDER_ID, "status": "PAID"},
        {"id": ORDER_ID, "status": "COMPLETED", "purchase_units": None},
        {"id": ORDER_ID, "status": "COMPLETED", "purchase_units": "x"},
        {"id": ORDER_ID, "status": "COMPLETED", "purchase_units": [None]},
        order(None),
        order(capture("SOMETHING_NEW")),
        order(capture(amount={"currency_code": "HKD", "value": 1234.5})),
        order(capture(amount={"currency_code": "HKD", "value": "NaN"})),
        order(capture(amount={"currency_code": "HKD", "value": "1e9"})),
        order(capture(amount={"currency_code": "HKD", "value": "１２"})),
        order(capture(amount=None)),
        order(capture(id=None)),
        order(capture(id="../../x")),
        {"error": {"name": "X"}},
    ],
)
def test_an_answer_that_cannot_be_read_is_an_unknown_outcome(purchase, document):
    with pytest.raises(GatewayError):
        read_order(purchase, document)


def started(href="https://www.paypal.com/checkoutnow?token=1", rel="payer-action", **changes):
    links = [{"href": "https://api-m.paypal.com/x", "rel": "self"}, {"href": href, "rel": rel}]
    return {"id": ORDER_ID, "status": "PAYER_ACTION_REQUIRED", "links": links, **changes}


@pytest.fixture
def paypal_com(settings):
    settings.PAYPAL_BUYER_ORIGINS = ["https://www.paypal.com"]


@pytest.mark.parametrize("rel", ["payer-action", "approve"])
def test_either_link_leads_the_buyer_to_paypal(paypal_com, rel):
    assert read_started(started(rel=rel)).handoff.url == "https://www.paypal.com/checkoutnow?token=1"


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/checkoutnow?token=1",
        "http://www.paypal.com/checkoutnow?token=1",
        "https://www.paypal.com@evil.example/",
        "https://www.paypal.com:8443/",
        "https://www.paypal.com.evil.example/",
        "//www.paypal.com/",
        "javascript:alert(1)",
        "/checkoutnow",
    ],
)
def test_a_link_to_a_foreign_host_is_never_followed(paypal_com, href):
    with pytest.raises(Misconfigured, match="FOREIGN_APPROVE_LINK"):
        read_started(started(href))


def test_an_order_approved_already_needs_no_page(paypal_com):
    assert read_started(started(status="APPROVED")) == Started(ORDER_ID)


@pytest.mark.parametrize(
    "body",
    [{}, {"id": "x y"}, {"id": ORDER_ID}, {"id": ORDER_ID, "links": [{}]}, {"id": ORDER_ID, "links": 5}],
)
def test_a_start_that_cannot_be_read_is_an_unknown_outcome(body):
    with pytest.raises(GatewayError):
        read_started(body)


MONEY = {"currency_code": "HKD", "value": "34.50"}


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"id": "1R", "status": "COMPLETED", "amount": MONEY}, Refunded("1R", Decimal("34.50"), "HKD")),
        ({"id": "1R", "status": "PENDING", "status_details": {"reason": "ECHECK"}}, Unfinished("ECHECK")),
        ({"id": "1R", "status": "FAILED"}, RefundRefused("REFUND_FAILED")),
        ({"id": "1R", "status": "CANCELLED"}, RefundRefused("REFUND_CANCELLED")),
    ],
)
def test_a_refund_is_what_its_status_says(body, outcome):
    assert read_refund(body) == outcome


@pytest.mark.parametrize(
    "body", [{}, {"id": "1R", "status": "COMPLETED"}, {"id": "1R", "status": "NEW"}, {"status": "COMPLETED"}]
)
def test_a_refund_that_cannot_be_read_is_an_unknown_outcome(body):
    with pytest.raises(GatewayError):
        read_refund(body)


@pytest.mark.parametrize(
    ("issue", "outcome"),
    [
        ("ORDER_NOT_APPROVED", Unfinished("ORDER_NOT_APPROVED")),
        ("PAYER_ACTION_REQUIRED", Unfinished("PAYER_ACTION_REQUIRED")),
        ("INSTRUMENT_DECLINED", Declined("INSTRUMENT_DECLINED", retry="same-gateway-page")),
        (
            "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
            Declined("REDIRECT_PAYER_FOR_ALTERNATE_FUNDING", retry="same-gateway-page"),
        ),
        ("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", Declined("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED")),
        ("TRANSACTION_REFUSED", Declined("TRANSACTION_REFUSED")),
        ("PAYER_ACCOUNT_RESTRICTED", Declined("PAYER_ACCOUNT_RESTRICTED")),
        ("INVALID_RESOURCE_ID", Declined("INVALID_RESOURCE_ID")),
        ("CITY_REQUIRED", Declined("CITY_REQUIRED")),
        ("SHIPPING_ADDRESS_INVALID", Declined("SHIPPING_ADDRESS_INVALID")),
    ],
)
def test_issue_codes_are_told_apart(issue, outcome):
    assert outcome_of(issue) == outcome


@pytest.mark.parametrize(
    "issue",
    [
        "PAYEE_ACCOUNT_RESTRICTED",
        "PAYEE_ACCOUNT_LOCKED_OR_CLOSED",
        "AUTH_CAPTURE_NOT_ENABLED",
        "PERMISSION_DENIED",
        "INVALID_CURRENCY_CODE",
        "DECIMALS_NOT_SUPPORTED",
        "DECIMAL_PRECISION",
        "AMOUNT_MISMATCH",
        "ITEM_TOTAL_MISMATCH",
        "ITEM_TOTAL_REQUIRED",
        "DUPLICATE_INVOICE_ID",
        "INVALID_PARAMETER_SYNTAX",
        "MISSING_REQUIRED_PARAMETER",
        "PAYPAL_REQUEST_ID_REQUIRED",
    ],
)
def test_what_is_ours_to_mend_calls_a_person(issue):
    with pytest.raises(Misconfigured, match=issue):
        outcome_of(issue, "debug1")


@pytest.mark.parametrize(
    "issue", ["ORDER_COMPLETION_IN_PROGRESS", "ORDER_ALREADY_CAPTURED", "SOMETHING_NEW", ""]
)
def test_other_codes_leave_the_outcome_open(issue):
    with pytest.raises(GatewayError) as caught:
        outcome_of(issue, "debug1")

    assert not isinstance(caught.value, Misconfigured)
    assert caught.value.debug_id == "debug1"
