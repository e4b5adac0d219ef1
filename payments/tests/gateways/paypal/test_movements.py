"""After the payment: refunds and reversals made elsewhere, disputes, parcels. Over HTTP, judged."""

import datetime as dt
import json
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from payments.gateways.base import (
    DisputeFact,
    GatewayError,
    Item,
    Misconfigured,
    Movement,
    Parcel,
    ParcelRefused,
    RefundRefused,
    Unfinished,
)
from payments.gateways.paypal import PayPal
from payments.gateways.paypal.movements import read_dispute, read_movements
from payments.sandbox import store
from payments.sandbox.paypal import dashboard
from shop import clock


@pytest.fixture
def captured(paypal, started, approve):
    """A paid purchase and the reference of its capture."""

    def pay(**changes):
        purchase, url = started(**changes)
        approve(url)
        return purchase, paypal.capture(purchase).reference

    return pay


def new_key():
    return {"key": uuid.uuid4().hex, "started_at": clock.now()}


def told(paypal, purchase, capture):
    return [(each.kind, each.amount) for each in paypal.movements(purchase, capture)]


# --- movements


def test_nothing_has_moved_after_a_plain_payment(paypal, captured):
    assert paypal.movements(*captured()) == ()


def test_our_own_refund_is_told_with_its_key(paypal, captured):
    purchase, capture = captured()
    ours = new_key()
    refund = paypal.refund(purchase, capture, Decimal("34.50"), **ours)

    assert paypal.movements(purchase, capture) == (
        Movement(refund.reference, "refund", Decimal("34.50"), "HKD", ours["key"]),
    )


@pytest.mark.failure("F43")
def test_refunds_from_the_dashboard_are_told_each_with_its_amount(paypal, captured):
    purchase, capture = captured()
    ids = [
        dashboard.dashboard_refund(purchase.reference, Decimal("10.00"))["refund"],
        dashboard.dashboard_refund(purchase.reference, Decimal("20.00"))["refund"],
        dashboard.dashboard_refund(purchase.reference)["refund"],
    ]

    movements = paypal.movements(purchase, capture)

    assert [each.reference for each in movements] == ids
    assert [each.amount for each in movements] == [Decimal(10), Decimal(20), Decimal("1204.50")]
    assert {(each.kind, each.currency, each.key) for each in movements} == {("refund", "HKD", "")}


@pytest.mark.failure("F44")
@pytest.mark.parametrize("part", [Decimal("100.00"), None])
def test_a_reversal_is_told_apart_from_our_refund(paypal, captured, part):
    purchase, capture = captured()
    paypal.refund(purchase, capture, Decimal("34.50"), **new_key())
    dashboard.reversal(purchase.reference, part)

    assert told(paypal, purchase, capture) == [
        ("refund", Decimal("34.50")),
        ("reversal", part or Decimal(1200)),
    ]


def test_a_refund_that_is_pending_or_has_failed_has_moved_nothing(paypal, captured):
    purchase, capture = captured()
    dashboard.dashboard_refund(purchase.reference, Decimal("10.00"), status="PENDING")
    assert paypal.movements(purchase, capture) == ()

    dashboard.decide_refund(purchase.reference, "failed")
    assert paypal.movements(purchase, capture) == ()
    dashboard.dashboard_refund(purchase.reference, status="PENDING")
    assert paypal.movements(purchase, capture) == ()
    dashboard.decide_refund(purchase.reference, "completed")
    assert told(paypal, purchase, capture) == [("refund", Decimal("1234.50"))]


@pytest.mark.failure("F43")
def test_our_refund_after_one_from_the_dashboard_is_refused_not_paid_twice(paypal, captured):
    purchase, capture = captured()
    dashboard.dashboard_refund(purchase.reference, Decimal("1000.00"))

    refused = paypal.refund(purchase, capture, Decimal("1234.50"), **new_key())
    assert refused == RefundRefused("REFUND_AMOUNT_EXCEEDED")
    dashboard.dashboard_refund(purchase.reference)
    refused = paypal.refund(purchase, capture, Decimal("1234.50"), **new_key())
    assert refused == RefundRefused("CAPTURE_FULLY_REFUNDED")


def document(status="REFUNDED", reason=None, refunds=()):
    money = {"currency_code": "HKD", "value": "100.00"}
    capture = {"id": "2GG279541U471931P", "status": status, "amount": money, "custom_id": "ATTEMPT0001"}
    if reason:
        capture["status_details"] = {"reason": reason}
    return {"purchase_units": [{"payments": {"captures": [capture], "refunds": list(refunds)}}]}


def refund(value="100.00", status="COMPLETED", **more):
    return {"id": "1R", "status": status, "amount": {"currency_code": "HKD", "value": value}, **more}


UP = [{"rel": "up", "href": "https://api-m.paypal.com/v2/payments/captures/2GG279541U471931P"}]
OTHER = [{"rel": "up", "href": "https://api-m.paypal.com/v2/payments/captures/3GG279541U471931P"}]


@pytest.mark.parametrize(
    ("answer", "movements"),
    [
        (document(refunds=[refund(links=UP)]), [("refund", 100, "")]),
        (document(refunds=[refund(custom_id="ours")]), [("refund", 100, "ours")]),
        (document(reason="CHARGEBACK", refunds=[refund(custom_id="ours")]), [("refund", 100, "ours")]),
        (document(reason="CHARGEBACK", refunds=[refund()]), [("reversal", 100, "")]),
        (document(reason="BUYER_COMPLAINT", refunds=[refund()]), [("reversal", 100, "")]),
        # a refund may repeat its capture's custom_id, which is no key of a refund
        (document(reason="CHARGEBACK", refunds=[refund(custom_id="ATTEMPT0001")]), [("reversal", 100, "")]),
        (document(refunds=[refund(note_to_payer="Payment reversed")]), [("reversal", 100, "")]),
        (
            document(refunds=[refund(note_to_payer="Payment reversed", custom_id="x")]),
            [("reversal", 100, "")],
        ),
        (document(refunds=[refund(note_to_payer="Your payment reversed by hand")]), [("refund", 100, "")]),
        (document("COMPLETED", refunds=[refund(links=OTHER)]), []),
        (document("PENDING", reason="CHARGEBACK"), []),
        (document("REFUNDED", refunds=[refund(status="PENDING")]), []),
    ],
)
def test_movements_are_read_from_what_is_listed(answer, movements):
    read = read_movements(answer, "2GG279541U471931P")

    assert [(each.kind, each.amount, each.key) for each in read] == movements


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"purchase_units": []},
        {"purchase_units": [{"payments": {"captures": []}}]},
        document("REFUNDED"),
        document("REFUNDED", refunds=[refund("99.99")]),
        document("REFUNDED", refunds=[refund(status="FAILED")]),
        document(refunds=[refund("-100.00"), refund("200.00")]),
        document(refunds=[refund(1)]),
        document(refunds=[{**refund(), "id": "../x"}]),
        document(refunds=[{"id": "1R"}]),
        document(refunds=[None]),
        document(refunds=[refund(links=5)]),
    ],
)
def test_what_cannot_be_read_or_is_not_told_yet_is_unknown(answer):
    with pytest.raises(GatewayError):
        read_movements(answer, "2GG279541U471931P")


def test_movements_of_an_order_that_paypal_does_not_know_are_unknown(paypal, captured):
    purchase, capture = captured()

    with pytest.raises(GatewayError, match="INVALID_RESOURCE_ID"):
        paypal.movements(replace(purchase, gateway_id="5O190127TN364715T"), capture)


# --- disputes


@pytest.mark.failure("F44")
def test_a_dispute_is_told_as_it_stands(paypal, captured):
    purchase, capture = captured()
    reference = dashboard.dispute(purchase.reference, "UNAUTHORISED")["dispute"]

    dispute = paypal.dispute(reference)

    assert dispute == DisputeFact(
        reference=reference,
        captures=(capture,),
        reason="UNAUTHORISED",
        status="WAITING_FOR_SELLER_RESPONSE",
        is_open=True,
        opened_at=dispute.opened_at,
        amount=Decimal("1234.50"),
        currency="HKD",
        respond_until=dispute.respond_until,
    )
    assert abs(dispute.opened_at - clock.now()) < dt.timedelta(minutes=1)
    assert abs(dispute.respond_until - dispute.opened_at - dt.timedelta(days=10)) < dt.timedelta(seconds=2)
    dashboard.escalate_dispute(purchase.reference)
    assert paypal.dispute(reference).status == "UNDER_REVIEW"
    dashboard.resolve_dispute(purchase.reference, "RESOLVED_SELLER_FAVOUR")
    over = paypal.dispute(reference)
    assert (over.is_open, over.status, over.outcome) == (False, "RESOLVED", "RESOLVED_SELLER_FAVOUR")
    assert paypal.movements(purchase, capture) == ()


@pytest.mark.failure("F44")
def test_contested_money_stays_captured_and_cannot_be_refunded_by_us(paypal, captured):
    purchase, capture = captured()
    before = paypal.fetch(purchase)
    dashboard.dispute(purchase.reference)

    assert paypal.fetch(purchase) == before
    assert paypal.refund(purchase, capture, Decimal(1), **new_key()) == RefundRefused("TRANSACTION_DISPUTED")


@pytest.mark.failure("F44")
def test_a_dispute_that_the_buyer_wins_takes_the_money_back(paypal, captured):
    purchase, capture = captured()
    dashboard.dispute(purchase.reference)
    dashboard.resolve_dispute(purchase.reference, "RESOLVED_BUYER_FAVOUR")

    assert told(paypal, purchase, capture) == [("reversal", Decimal("1234.50"))]


@pytest.mark.parametrize("reference", ["", "../x", "A/B", "A" * 65, "Ａ", "a b"])
def test_a_dispute_id_that_is_none_never_becomes_a_path(paypal, reference):
    with pytest.raises(GatewayError, match="INVALID_RESOURCE_ID"):
        paypal.dispute(reference)


def test_an_unknown_dispute_is_unknown(paypal):
    with pytest.raises(GatewayError, match="INVALID_RESOURCE_ID"):
        paypal.dispute("PP-D-0000")


DISPUTE = {
    "dispute_id": "PP-D-27803",
    "create_time": "2026-11-23T01:02:03.000Z",
    "disputed_transactions": [{"seller_transaction_id": "2GG279541U471931P"}],
    "reason": "OTHER",
    "status": "OPEN",
}


def test_a_dispute_that_tells_little_is_read_and_open():
    dispute = read_dispute(DISPUTE)

    assert (dispute.is_open, dispute.amount, dispute.currency, dispute.respond_until) == (
        True,
        None,
        "",
        None,
    )
    assert read_dispute({**DISPUTE, "status": "SOMETHING_NEW"}).is_open
    assert (
        read_dispute({**DISPUTE, "disputed_transactions": [{}, {"seller_transaction_id": "a/b"}]}).captures
        == ()
    )


@pytest.mark.parametrize(
    "change",
    [
        {"dispute_id": "a/b"},
        {"dispute_id": None},
        {"create_time": "yesterday"},
        {"create_time": "2026-11-23T01:02:03"},
        {"create_time": None},
        {"status": None, "disputed_transactions": None},
        {"disputed_transactions": "x"},
        {"dispute_amount": {"value": 1}},
        {"dispute_amount": None},
        {"seller_response_due_date": "soon"},
        {"dispute_outcome": "won"},
    ],
)
def test_a_dispute_that_cannot_be_read_is_unknown(change):
    with pytest.raises(GatewayError):
        read_dispute({**DISPUTE, **change})


# --- parcels


def trackers(purchase):
    order = store.get("paypal-order", purchase.gateway_id)
    return order["unit"].get("shipping", {}).get("trackers", [])


def parcel(**changes):
    values = {"carrier": "sf", "tracking_number": "SF1234567890", "items": (), **changes}
    return Parcel(**values)


def test_a_parcel_is_told_once_with_the_lines_that_are_in_it(paypal, captured):
    purchase, capture = captured()
    sent = parcel(items=(replace(purchase.items[0], quantity=1),))

    for _ in range(2):
        paypal.track(purchase, capture, sent)

    (tracker,) = trackers(purchase)
    assert tracker["items"] == [{"name": "端硯「雲紋」", "quantity": "1", "sku": "INK-001"}]


@pytest.mark.parametrize(("ours", "theirs"), [("sf", "SF_EX"), ("hkpost", "HK_POST"), ("dhl", "DHL_HK")])
def test_our_carriers_have_names_at_paypal(peer, peer_api, make_purchase, ours, theirs):
    peer.answer = lambda method, path: peer.token if path.endswith("token") else (201, {}, b"{}")

    PayPal(peer_api).track(make_purchase(gateway_id="5O190127TN364715T"), "2GG2", parcel(carrier=ours))

    body = json.loads(peer.requests[-1][3])
    assert body == {
        "capture_id": "2GG2",
        "tracking_number": "SF1234567890",
        "carrier": theirs,
        "items": [],
        "notify_payer": False,
    }


@pytest.mark.parametrize(
    "changes", [{"carrier": "hand"}, {"tracking_number": ""}, {"tracking_number": " \n"}]
)
def test_a_parcel_without_a_number_to_follow_is_not_told(peer, peer_api, make_purchase, changes):
    PayPal(peer_api).track(make_purchase(gateway_id="5O190127TN364715T"), "2GG2", parcel(**changes))

    assert peer.requests == []


def test_lines_that_paypal_never_saw_are_not_told(paypal, captured):
    purchase, capture = captured(amount=Decimal("1000.00"))

    paypal.track(purchase, capture, parcel(items=(purchase.items[0],)))

    assert trackers(purchase)[0]["items"] == []


def test_what_paypal_refuses_for_good_is_told_apart_from_an_outage(paypal, captured, peer, peer_api):
    purchase, capture = captured()
    odd = Item("x", Decimal(1), 1, "NEVER-SENT", ships=True)
    with pytest.raises(ParcelRefused, match="ITEM_SKU_MISMATCH"):
        paypal.track(purchase, capture, parcel(items=(odd,)))
    with pytest.raises(ParcelRefused, match="CAPTURE_ID_NOT_FOUND"):
        paypal.track(purchase, "2GG279541U471931P", parcel())

    dashboard.dashboard_refund(purchase.reference)
    with pytest.raises(ParcelRefused, match="CAPTURE_STATUS_NOT_VALID"):
        paypal.track(purchase, capture, parcel())

    peer.answer = lambda method, path: peer.token if path.endswith("token") else (503, {}, b"")
    with pytest.raises(GatewayError, match="HTTP_503"):
        PayPal(peer_api).track(purchase, capture, parcel())


# --- odds and ends of the interface


def test_paypal_sends_no_codes(paypal, make_purchase):
    with pytest.raises(Misconfigured, match="NO_CODES"):
        paypal.send_code(make_purchase(), None)


def test_captured_money_is_refunded_also_on_the_same_day(paypal, captured):
    purchase, capture = captured()

    done = paypal.refund(purchase, capture, Decimal("1234.50"), captured_at=clock.now(), **new_key())

    assert done.amount == Decimal("1234.50")


@pytest.mark.failure("F33")
def test_a_capture_under_review_ends_as_money_or_as_none(paypal, captured):
    purchase, capture = captured()
    money = paypal.fetch(purchase)
    dashboard.review(purchase.reference)
    assert paypal.refund(purchase, capture, Decimal(1), **new_key()) == Unfinished("PENDING_CAPTURE")

    dashboard.decide(purchase.reference, "completed")
    assert paypal.fetch(purchase) == money
    dashboard.review(purchase.reference)
    dashboard.decide(purchase.reference, "denied")
    assert paypal.fetch(purchase).code == "CAPTURE_DECLINED"
