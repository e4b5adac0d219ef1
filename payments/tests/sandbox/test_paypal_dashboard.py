"""The stand-in's PayPal acts by itself: what it then shows and tells has PayPal's form, judged."""

import json
from decimal import Decimal

import pytest

from payments.sandbox import store
from payments.sandbox.paypal import dashboard

pytestmark = pytest.mark.prove


@pytest.fixture
def captured(paypal, started, approve):
    def pay(**changes):
        purchase, url = started(**changes)
        approve(url)
        return purchase.reference, paypal.capture(purchase).reference

    return pay


@pytest.fixture
def heard(paypal, inbox):
    """The resource of a webhook of this type, which PayPal says it has sent."""

    def wait(event_type, about):
        headers, body = inbox(event_type, about)
        assert paypal.verify_notification(headers, body)
        return json.loads(body)["resource"]

    return wait


@pytest.fixture
def show(judged_api):
    """What the API shows, judged."""
    return lambda path: judged_api.call("GET", path).body


def test_a_dashboard_refund_is_shown_and_told_like_any_refund(captured, heard, show):
    reference, capture = captured()
    done = dashboard.dashboard_refund(reference, Decimal("34.50"))

    resource = heard("PAYMENT.CAPTURE.REFUNDED", done["refund"])
    assert resource == show(f"/v2/payments/refunds/{done['refund']}")
    assert resource["seller_payable_breakdown"]["total_refunded_amount"]["value"] == "34.50"
    assert "custom_id" not in resource
    assert show(f"/v2/payments/captures/{capture}")["status"] == "PARTIALLY_REFUNDED"

    dashboard.dashboard_refund(reference)
    assert show(f"/v2/payments/captures/{capture}")["status"] == "REFUNDED"


def test_a_refund_by_bank_transfer_waits_until_it_is_decided(captured, heard, show):
    reference, capture = captured()
    refund = dashboard.dashboard_refund(reference, Decimal("34.50"), status="PENDING")["refund"]
    assert heard("PAYMENT.REFUND.PENDING", refund)["status_details"] == {"reason": "ECHECK"}
    assert show(f"/v2/payments/captures/{capture}")["status"] == "PARTIALLY_REFUNDED"

    dashboard.decide_refund(reference, "failed")
    assert heard("PAYMENT.REFUND.FAILED", refund)["status"] == "FAILED"
    assert show(f"/v2/payments/captures/{capture}")["status"] == "COMPLETED"
    again = dashboard.dashboard_refund(reference, Decimal("1234.50"), status="PENDING")["refund"]
    dashboard.decide_refund(reference, "completed")
    assert heard("PAYMENT.CAPTURE.REFUNDED", again)["status"] == "COMPLETED"
    assert show(f"/v2/payments/captures/{capture}")["status"] == "REFUNDED"


def test_a_reversal_is_shaped_like_a_refund_and_names_its_capture(captured, heard, show):
    reference, capture = captured()
    done = dashboard.reversal(reference, Decimal("100.00"))

    resource = heard("PAYMENT.CAPTURE.REVERSED", done["refund"])
    assert resource == show(f"/v2/payments/refunds/{done['refund']}")
    assert any(link["rel"] == "up" and link["href"].endswith(capture) for link in resource["links"])
    shown = show(f"/v2/payments/captures/{capture}")
    assert (shown["status"], shown["status_details"]) == ("PARTIALLY_REFUNDED", {"reason": "CHARGEBACK"})


def test_a_dispute_runs_its_course_and_each_step_is_told(captured, heard, show):
    reference, capture = captured()
    dispute = dashboard.dispute(reference, "UNAUTHORISED")["dispute"]
    path = f"/v1/customer/disputes/{dispute}"
    opened = heard("CUSTOMER.DISPUTE.CREATED", dispute)
    assert opened == show(path)
    assert opened["disputed_transactions"][0]["seller_transaction_id"] == capture
    held = show(f"/v2/payments/captures/{capture}")
    assert (held["status"], held["status_details"]) == ("PENDING", {"reason": "BUYER_COMPLAINT"})

    dashboard.escalate_dispute(reference)
    assert heard("CUSTOMER.DISPUTE.UPDATED", dispute)["status"] == "UNDER_REVIEW"
    dashboard.resolve_dispute(reference, "RESOLVED_SELLER_FAVOUR")
    over = heard("CUSTOMER.DISPUTE.RESOLVED", dispute)
    assert over == show(path)
    assert (over["status"], over["dispute_outcome"]["outcome_code"]) == ("RESOLVED", "RESOLVED_SELLER_FAVOUR")
    assert "seller_response_due_date" not in over
    freed = show(f"/v2/payments/captures/{capture}")
    assert (freed["status"], "status_details" in freed) == ("COMPLETED", False)


@pytest.mark.parametrize("outcome", ["RESOLVED_BUYER_FAVOUR", "ACCEPTED"])
def test_a_buyer_who_wins_gets_what_is_left(captured, heard, outcome):
    reference, capture = captured()
    dashboard.dashboard_refund(reference, Decimal("34.50"))
    dashboard.dispute(reference)
    dashboard.resolve_dispute(reference, outcome)

    assert heard("PAYMENT.CAPTURE.REVERSED", capture)["amount"]["value"] == "1200.00"
    assert store.get("paypal-capture", capture)["status"] == "REFUNDED"


@pytest.mark.parametrize(("outcome", "status"), [("completed", "COMPLETED"), ("denied", "DECLINED")])
def test_a_review_ends_as_it_is_decided(captured, heard, show, outcome, status):
    reference, capture = captured()
    dashboard.review(reference, "PENDING_REVIEW")
    assert heard("PAYMENT.CAPTURE.PENDING", capture)["status_details"] == {"reason": "PENDING_REVIEW"}

    dashboard.decide(reference, outcome)
    assert heard(f"PAYMENT.CAPTURE.{outcome.upper()}", capture)["status"] == status
    assert show(f"/v2/payments/captures/{capture}")["status"] == status


def test_an_undone_approval_is_told_and_its_order_is_gone(paypal, started, approve, heard):
    purchase, url = started()
    approve(url)
    dashboard.reverse_approval(purchase.reference)

    assert heard("CHECKOUT.PAYMENT-APPROVAL.REVERSED", purchase.gateway_id)["order_id"] == purchase.gateway_id
    assert paypal.fetch(purchase).code == "INVALID_RESOURCE_ID"


@pytest.mark.parametrize(
    "act",
    [
        lambda reference: dashboard.dashboard_refund(reference, Decimal("1234.51")),
        lambda reference: dashboard.dashboard_refund(reference, Decimal(0)),
        lambda reference: dashboard.reversal(reference, Decimal(-1)),
        lambda reference: dashboard.dispute(reference, "NOT_AMUSED"),
        lambda reference: dashboard.resolve_dispute(reference, "WON"),
        dashboard.resolve_dispute,
        dashboard.escalate_dispute,
        dashboard.reverse_approval,
        lambda reference: dashboard.decide(reference, "completed"),
        lambda reference: dashboard.decide(reference, "perhaps"),
        lambda reference: dashboard.decide_refund(reference, "completed"),
        lambda reference: dashboard.decide_refund(reference, "perhaps"),
        lambda reference: [dashboard.dispute(reference), dashboard.dispute(reference)],
        lambda reference: [dashboard.dashboard_refund(reference), dashboard.dashboard_refund(reference)],
        lambda reference: [dashboard.dashboard_refund(reference), dashboard.dispute(reference)],
        lambda reference: [dashboard.review(reference), dashboard.reversal(reference)],
        lambda reference: dashboard.dashboard_refund(reference + "X"),
    ],
)
def test_what_makes_no_sense_is_refused(captured, act):
    reference, _ = captured()

    with pytest.raises(dashboard.NotPossible):
        act(reference)


def test_nothing_happens_to_a_payment_that_was_not_made(started):
    purchase, _ = started()

    with pytest.raises(dashboard.NotPossible, match="nothing has been paid"):
        dashboard.dashboard_refund(purchase.reference)
