"""Notifications that are lost, late, out of turn, repeated or forged; what the other side does by itself."""

import contextlib
import json
import secrets
import uuid
from decimal import Decimal

import pytest
import requests

from payments.gateways.base import InvalidNotification
from payments.sandbox import store
from payments.sandbox.faults import notifications as faulty_notifications
from payments.sandbox.faults.kinds import FORGERIES
from payments.tests.harness.rehearsal import act, arm, disarm, log
from shop import clock
from shop.tests.harness.stacks.stack import wait_for

pytestmark = [pytest.mark.prove, pytest.mark.usefixtures("nothing_armed")]

WEBHOOK = {"gateway": "paypal", "on": "webhook"}


@pytest.fixture
def pay_with_fault(sandbox, paypal, approved):
    """Pays one purchase while a fault is armed for its captures' notification; gives the purchase."""

    def pay(fault, **parameters):
        purchase = approved()
        event = parameters.pop("event", "PAYMENT.CAPTURE.COMPLETED")
        arm(sandbox, **WEBHOOK, fault=fault, event=event, reference=purchase.reference, **parameters)
        paypal.capture(purchase)
        return purchase

    return pay


def test_a_lost_notification_is_never_sent(sandbox, pay_with_fault, arrivals, until_another_arrives):
    purchase = pay_with_fault("lost")
    wait_for(lambda: log(sandbox, "fault", purchase.reference), "the fault to strike")
    until_another_arrives()

    assert arrivals(purchase.reference, "PAYMENT.CAPTURE.COMPLETED") == []
    assert arrivals(purchase.gateway_id, "CHECKOUT.ORDER.APPROVED") != []


@pytest.mark.failure("F34")
def test_a_duplicated_notification_arrives_so_often(sandbox, pay_with_fault, arrivals, until_another_arrives):
    purchase = pay_with_fault("duplicate", copies=4)

    wait_for(lambda: len(arrivals(purchase.reference, "CAPTURE.COMPLETED")) == 4, "the notifications")
    until_another_arrives()

    transmissions = arrivals(purchase.reference, "CAPTURE.COMPLETED")
    assert len(transmissions) == 4
    assert len({body for _, body in transmissions}) == 1


def test_a_delayed_notification_waits_for_the_shops_clock(
    sandbox, pay_with_fault, later, arrivals, until_another_arrives
):
    purchase = pay_with_fault("delay", seconds=3 * 86400)
    wait_for(lambda: log(sandbox, "fault", purchase.reference), "the fault to strike")
    until_another_arrives()
    assert arrivals(purchase.reference, "CAPTURE.COMPLETED") == []

    later(days=3, seconds=1)

    wait_for(lambda: len(arrivals(purchase.reference, "CAPTURE.COMPLETED")) == 1, "the notifications")


def test_a_delayed_notification_survives_a_restart_and_goes_out_when_all_is_taken_back(
    sandbox, pay_with_fault, events, arrivals, until_another_arrives
):
    purchase = pay_with_fault("delay", seconds=3600)
    wait_for(lambda: log(sandbox, "fault", purchase.reference), "the fault to strike")
    store.close()
    events.resume()
    until_another_arrives()
    assert arrivals(purchase.reference, "CAPTURE.COMPLETED") == []

    disarm(sandbox)

    wait_for(lambda: len(arrivals(purchase.reference, "CAPTURE.COMPLETED")) == 1, "the notifications")


@pytest.mark.failure("F36")
def test_a_notification_is_overtaken_by_the_next_one(
    sandbox, paypal, pay_with_fault, captures_of, arrivals, monkeypatch
):
    monkeypatch.setattr(faulty_notifications, "REORDER_SECONDS", 600)  # not before the next one
    purchase = pay_with_fault("reorder")
    wait_for(lambda: log(sandbox, "fault", purchase.reference), "the fault to strike")
    paypal.refund(
        purchase, captures_of(purchase)[0], Decimal("1.00"), key=uuid.uuid4().hex, started_at=clock.now()
    )

    wait_for(lambda: len(arrivals(captures_of(purchase)[0])) == 2, "the notifications")

    types = [json.loads(body)["event_type"] for _, body in arrivals(captures_of(purchase)[0])]
    assert types == ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.COMPLETED"]


def test_a_notification_that_nothing_overtakes_goes_out_after_a_while(sandbox, pay_with_fault, arrivals):
    purchase = pay_with_fault("reorder")

    wait_for(lambda: len(arrivals(purchase.reference, "CAPTURE.COMPLETED")) == 1, "the notifications")


@pytest.mark.failure("F37")
@pytest.mark.parametrize("variant", FORGERIES["paypal"])
def test_every_forged_notification_is_refused_by_the_adapter(
    sandbox, paypal, approved, variant, captures_of, arrivals
):
    purchase = approved()
    answer = act(
        sandbox, gateway="paypal", act="forged_notification", reference=purchase.reference, variant=variant
    )
    assert answer == {"variant": variant, "status": 200}  # the ear of this test takes everything

    headers, body = arrivals(purchase.reference, "CAPTURE.COMPLETED")[-1]

    with contextlib.suppress(InvalidNotification):
        assert not paypal.verify_notification(headers, body)
    assert captures_of(purchase) == []


def test_a_notification_that_was_forged_on_its_way_comes_again_as_it_should_be(
    sandbox, paypal, pay_with_fault, events, monkeypatch, arrivals
):
    post, statuses = events.post, [400]

    def posted(body, headers):
        status = post(body, headers)
        return statuses.pop() if statuses and b"CAPTURE.COMPLETED" in body else status

    monkeypatch.setattr(events, "post", posted)
    purchase = pay_with_fault("forged", variant="signature")

    wait_for(lambda: len(arrivals(purchase.reference, "CAPTURE.COMPLETED")) == 2, "the notifications")

    forged, true = arrivals(purchase.reference, "CAPTURE.COMPLETED")
    assert not paypal.verify_notification(*forged)
    assert paypal.verify_notification(*true)

    def variants():
        """Of what was sent about the capture: other events come in between, and are noted once answered."""
        lines = log(sandbox, "webhook", purchase.reference)
        return [line.get("variant") for line in lines if line["event"] == "PAYMENT.CAPTURE.COMPLETED"]

    wait_for(lambda: len(variants()) == 2, "the log")
    assert variants() == ["signature", None]


# --- acts


def test_all_notifications_about_a_payment_come_again_twice(sandbox, paypal, approved, inbox, arrivals):
    purchase = approved()
    paypal.capture(purchase)
    inbox("PAYMENT.CAPTURE.COMPLETED", purchase.reference)
    inbox("CHECKOUT.ORDER.APPROVED", purchase.reference)

    result = act(sandbox, gateway="paypal", act="resend_notifications", reference=purchase.reference)

    assert result == {"statuses": [200] * 4}
    types = [json.loads(body)["event_type"] for _, body in arrivals(purchase.reference)]
    assert sorted(types) == ["CHECKOUT.ORDER.APPROVED"] * 3 + ["PAYMENT.CAPTURE.COMPLETED"] * 3
    assert len(act(sandbox, gateway="paypal", act="resend_notifications")["statuses"]) > 4


@pytest.mark.parametrize("name", ["reference", "gateway_id", "order number"])
def test_an_act_finds_its_payment_by_any_of_its_names(sandbox, paypal, approved, name, captures_of):
    number = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper()
    purchase = approved(reference=f"{number.replace('-', '')}2611240001")
    paypal.capture(purchase)
    reference = number if name == "order number" else getattr(purchase, name)

    result = act(sandbox, gateway="paypal", act="dashboard_refund", reference=reference, amount="34.50")

    assert result["amount"] == "34.50"
    assert result["capture"] == captures_of(purchase)[0]


SENSELESS = [
    ({"gateway": "cash"}, "gateway"),
    ({"act": "steal"}, "act"),
    ({"gateway": "unionpay", "act": "dispute"}, "act"),
    ({"reference": "NOBODY12"}, "reference"),
    ({"reference": ""}, "reference"),
    ({"amount": "-1"}, "amount"),
    ({"amount": "99999.00"}, "reference"),
    ({"outcome": "completed"}, "outcome"),
    ({"act": "resolve_dispute"}, "outcome"),
    ({"act": "resolve_dispute", "outcome": "RESOLVED_BUYER_FAVOUR"}, "reference"),
    ({"act": "decide", "outcome": "maybe"}, "outcome"),
    ({"act": "decide", "outcome": "completed"}, "reference"),
    ({"act": "dispute", "reason": "BAD_MOOD"}, "reason"),
    ({"act": "forged_notification", "variant": "merchant"}, "variant"),
    ({"gateway": "unionpay", "act": "decide", "outcome": "completed"}, "reference"),
    ({"gateway": "unionpay", "act": "forged_notification"}, "reference"),
    ({"gateway": "unionpay", "act": "resend_notifications"}, "reference"),
]


def test_an_act_that_makes_no_sense_is_refused_and_says_why(sandbox, paypal, approved):
    purchase = approved()
    paypal.capture(purchase)

    def says(changes):
        order = {"gateway": "paypal", "act": "dashboard_refund", "reference": purchase.reference, **changes}
        answer = requests.post(f"{sandbox}/acts", json=order, timeout=5)
        return answer.status_code, answer.json()["error"].partition(": ")[0]

    assert [(wrong, *says(wrong)) for wrong, _ in SENSELESS] == [
        (wrong, 400, name) for wrong, name in SENSELESS
    ]
    assert store.get("paypal-order", purchase.gateway_id)["refunds"] == []


@pytest.mark.failure("F43", "F44")
def test_money_taken_back_and_a_complaint_are_a_post_away(sandbox, paypal, approved, inbox):
    purchase = approved()
    capture = paypal.capture(purchase).reference
    about = {"gateway": "paypal", "reference": purchase.reference}

    act(sandbox, **about, act="reversal", amount="10.00")
    inbox("PAYMENT.CAPTURE.REVERSED", capture)
    act(sandbox, **about, act="dispute", reason="UNAUTHORISED")
    inbox("CUSTOMER.DISPUTE.CREATED", capture)
    act(sandbox, **about, act="escalate_dispute")
    act(sandbox, **about, act="resolve_dispute", outcome="RESOLVED_BUYER_FAVOUR")
    inbox("CUSTOMER.DISPUTE.RESOLVED", capture)

    assert store.get("paypal-capture", capture)["status"] == "REFUNDED"
