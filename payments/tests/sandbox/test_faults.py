"""What is ordered to go wrong does go wrong, over real HTTP: the engine, the line, PayPal's answers."""

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from payments.gateways.base import Approved, Captured, Declined, GatewayError
from payments.gateways.paypal import PayPal
from payments.sandbox import store
from payments.sandbox.faults import registry as faults
from payments.sandbox.faults.kinds import FAULTS, LINE
from payments.tests.harness.rehearsal import arm, armed, armed_while, disarm, log, struck
from shop.tests.harness.stacks.stack import wait_for

pytestmark = [pytest.mark.prove, pytest.mark.usefixtures("nothing_armed")]

CAPTURE = {"gateway": "paypal", "on": "capture"}
SHOW = {"gateway": "paypal", "on": "show"}


# --- ordering, spending, taking back


SENSELESS = [
    ({"gateway": "alipay"}, "gateway"),
    ({"gateway": None}, "gateway"),
    ({"on": "pay"}, "on"),
    ({"on": "purchase"}, "on"),
    ({"fault": "explode"}, "fault"),
    ({"fault": "lost"}, "fault"),
    ({"fault": "code"}, "fault"),
    ({"times": -1}, "times"),
    ({"times": 1.5}, "times"),
    ({"times": True}, "times"),
    ({"times": 100_000}, "times"),
    ({"reference": "a b"}, "reference"),
    ({"reference": 7}, "reference"),
    ({"on": "token", "fault": "hang", "reference": "A7K392QM"}, "reference"),
    ({"fault": "hang", "seconds": "soon"}, "seconds"),
    ({"fault": "hang", "seconds": -1}, "seconds"),
    ({"fault": "error", "status": 200}, "status"),
    ({"fault": "rate_limit", "retry_after": "now"}, "retry_after"),
    ({"fault": "decline", "issue": "REFUND_AMOUNT_EXCEEDED"}, "issue"),
    ({"fault": "decline", "issue": 5}, "issue"),
    ({"fault": "pending", "then": "failed"}, "then"),
    ({"fault": "pending", "reason": "MOOD"}, "reason"),
    ({"fault": "tamper"}, "amount"),
    ({"fault": "tamper", "amount": "0"}, "amount"),
    ({"fault": "tamper", "amount": "1e9"}, "amount"),
    ({"fault": "tamper", "currency": "ZZZ"}, "currency"),
    ({"fault": "tamper", "payee": "ME"}, "payee"),
    ({"on": "webhook", "fault": "duplicate", "copies": 1}, "copies"),
    ({"on": "webhook", "fault": "forged", "variant": "merchant"}, "variant"),
    ({"fault": "reset", "seconds": 3}, "seconds"),
]


def test_a_senseless_order_is_refused_and_names_what_is_wrong(sandbox):
    def says(wrong):
        order = {**CAPTURE, "fault": "decline", **wrong}
        answer = requests.post(f"{sandbox}/faults", json=order, timeout=5)
        return answer.status_code, answer.json()["error"].partition(": ")[0]

    assert [(wrong, *says(wrong)) for wrong, _ in SENSELESS] == [
        (wrong, 400, name) for wrong, name in SENSELESS
    ]
    assert armed(sandbox) == []


NO_ORDERS = [b"", b"[]", b"{", b"\xff", b"[" * 20_000]


def test_what_is_no_order_at_all_is_refused(sandbox):
    for body in NO_ORDERS:
        for path in ("faults", "acts"):
            answer = requests.post(
                f"{sandbox}/{path}", data=body, headers={"Content-Type": "application/json"}, timeout=5
            )
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"].startswith("body: "), body[:10]


def test_a_form_of_another_site_orders_nothing(sandbox):
    answer = requests.post(f"{sandbox}/faults", data=json.dumps(CAPTURE | {"fault": "hang"}), timeout=5)

    assert answer.status_code == 400
    assert armed(sandbox) == []


def test_armed_faults_are_listed_and_taken_back_one_by_one_or_all(sandbox):
    first = arm(sandbox, **CAPTURE, fault="hang", times=3, reference="A7K3-92QM")
    second = arm(sandbox, gateway="unionpay", on="query", fault="code", code="34", times=0)

    listed = armed(sandbox)
    disarm(sandbox, first)
    left = armed(sandbox)
    disarm(sandbox)

    assert [fault["id"] for fault in listed] == [first, second]
    assert (listed[0]["left"], listed[0]["reference"], listed[0]["seconds"]) == (3, "A7K3-92QM", 30.0)
    assert [fault["id"] for fault in left] == [second]
    assert armed(sandbox) == []
    assert requests.delete(f"{sandbox}/faults/{first}", timeout=5).status_code == 404


def test_every_fault_that_is_known_can_be_ordered_as_documented(sandbox):
    for name in FAULTS:
        assert f"``{name}``" in faults.__doc__
        for gateway, operations in FAULTS[name].on.items():
            for on in operations:
                more = {"amount": "1.00"} if name == "tamper" else {}
                arm(sandbox, gateway=gateway, on=on, fault=name, **more)


def test_a_fault_strikes_so_often_and_then_no_more(sandbox, order):
    number = arm(sandbox, **SHOW, fault="error", times=2)

    assert [order().status_code for _ in range(4)] == [500, 500, 200, 200]
    assert armed(sandbox) == []
    assert len(struck(sandbox, number)) == 2


def test_a_fault_without_an_end_strikes_until_it_is_taken_back(sandbox, order):
    number = arm(sandbox, **SHOW, fault="error", times=0, status=503)

    assert [order().status_code for _ in range(3)] == [503, 503, 503]
    disarm(sandbox, number)
    assert order().status_code == 200


def test_a_fault_is_used_up_by_one_of_many_at_once(sandbox, order):
    arm(sandbox, **SHOW, fault="error", times=3)

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: order().status_code, range(12)))

    assert sorted(statuses) == [200] * 9 + [500] * 3


def test_a_fault_for_one_payment_leaves_the_others_alone(sandbox, order, paypal, approved):
    other = approved()
    purchase = order.purchase
    number = "A7K3-92QM"
    mine = approved(reference=f"A7K392QM{uuid.uuid4().hex[:10].upper()}")

    for reference in (purchase.reference, purchase.gateway_id):
        arm(sandbox, **SHOW, fault="error", reference=reference)
        assert isinstance(paypal.fetch(other), Approved)
        assert order().status_code == 500
    with armed_while(sandbox, **CAPTURE, fault="decline", reference=number):
        assert isinstance(paypal.capture(other), Captured)
        assert isinstance(paypal.capture(mine), Declined)
    assert armed(sandbox) == []


def test_armed_faults_survive_a_restart(sandbox, order):
    arm(sandbox, **SHOW, fault="error", times=2)
    assert order().status_code == 500

    store.close()

    assert order().status_code == 500
    assert order().status_code == 200


def test_of_two_faults_the_older_strikes_first(sandbox, order):
    arm(sandbox, **SHOW, fault="error", status=503, times=2)
    arm(sandbox, **SHOW, fault="error", status=501)

    assert [order().status_code for _ in range(4)] == [503, 503, 501, 200]


# --- the line


def test_a_hanging_call_gets_no_answer_and_does_no_work(sandbox, order, captures_of):
    arm(sandbox, **CAPTURE, fault="hang", seconds=30)

    with pytest.raises(requests.ReadTimeout):
        order("POST", "/capture", "k", timeout=0.3)

    assert captures_of(order.purchase) == []
    assert struck(sandbox)[-1]["status"] == 0


def test_a_hang_ends_by_dropping_the_connection(sandbox, order):
    arm(sandbox, **SHOW, fault="hang", seconds=0.2)
    start = time.monotonic()

    with pytest.raises(requests.ConnectionError):
        order()

    assert 0.2 <= time.monotonic() - start < 4


def test_others_are_served_while_calls_hang_or_wait(sandbox, order):
    def impatient():
        with suppress(requests.RequestException):
            order(timeout=1.5)

    names = ("hang", "slow", "late")
    for name in names:
        arm(sandbox, **SHOW, fault=name, seconds=1)
    callers = [threading.Thread(target=impatient) for _ in names]
    for caller in callers:
        caller.start()
    wait_for(lambda: armed(sandbox) == [], "each caller to meet its fault")

    assert order().status_code == 200
    assert all(caller.is_alive() for caller in callers)
    for caller in callers:
        caller.join()


def test_a_slow_call_works_after_its_wait_and_a_late_one_before(sandbox, order, captures_of):
    arm(sandbox, **SHOW, fault="slow", seconds=0.3)
    start = time.monotonic()
    assert order().json()["status"] == "APPROVED"
    assert time.monotonic() - start >= 0.3

    arm(sandbox, **CAPTURE, fault="late", seconds=0.7)
    with pytest.raises(requests.ReadTimeout):
        order("POST", "/capture", "k", timeout=0.4)
    assert len(captures_of(order.purchase)) == 1


@pytest.mark.parametrize("fault", ["reset", "reset_after"])
def test_a_reset_drops_the_connection_without_a_byte(sandbox, order, fault, captures_of):
    arm(sandbox, **CAPTURE, fault=fault)

    with pytest.raises(requests.ConnectionError) as caught:
        order("POST", "/capture", "k")

    assert "Remote end closed" in str(caught.value) or "reset by peer" in str(caught.value)
    assert len(captures_of(order.purchase)) == (1 if fault == "reset_after" else 0)
    assert struck(sandbox)[-1]["status"] == 0


def test_an_error_after_the_work_has_done_it(sandbox, order, captures_of):
    arm(sandbox, **CAPTURE, fault="error_after")

    failed = order("POST", "/capture", "k")
    repeated = order("POST", "/capture", "k")

    assert (failed.status_code, failed.json()["name"]) == (500, "INTERNAL_SERVER_ERROR")
    assert repeated.status_code == 200
    assert len(captures_of(order.purchase)) == 1


@pytest.mark.parametrize("fault", ["error", "rate_limit", "unauthorized", "html"])
def test_a_call_that_is_turned_away_did_no_work(sandbox, order, fault, captures_of):
    arm(sandbox, **CAPTURE, fault=fault)

    assert order("POST", "/capture", "k").status_code in {500, 429, 401, 502}
    assert captures_of(order.purchase) == []
    assert order("POST", "/capture", "k").status_code == 201


def test_a_rate_limit_says_when_to_come_again_or_not(sandbox, order):
    arm(sandbox, **SHOW, fault="rate_limit", retry_after=7)
    limited = order()
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.json()["name"] == "RATE_LIMIT_REACHED"

    arm(sandbox, **SHOW, fault="rate_limit", retry_after=None)
    assert "Retry-After" not in order().headers


def test_bytes_that_mean_nothing_come_after_the_work(sandbox, order, captures_of):
    arm(sandbox, **CAPTURE, fault="garbage")
    nonsense = order("POST", "/capture", "k")
    with pytest.raises(requests.JSONDecodeError):
        nonsense.json()
    assert (nonsense.status_code, len(captures_of(order.purchase))) == (200, 1)

    arm(sandbox, **SHOW, fault="empty")
    assert order().content == b""
    arm(sandbox, **SHOW, fault="html", status=200)
    assert order().text.startswith("<!DOCTYPE html>")


def test_a_401_for_the_token_looks_as_paypal_words_it(sandbox, make_api):
    arm(sandbox, gateway="paypal", on="token", fault="unauthorized")

    answer = requests.post(f"{sandbox}/paypal/v1/oauth2/token", timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert make_api().get_token_hash()["access_token"]


@pytest.mark.failure("F42")
def test_one_401_costs_the_adapter_a_new_token_and_nothing_else(sandbox, make_api, approved, captures_of):
    purchase, paypal = approved(), PayPal(make_api())
    arm(sandbox, **CAPTURE, fault="unauthorized")

    assert isinstance(paypal.capture(purchase), Captured)
    assert len(captures_of(purchase)) == 1


ANSWERED = {"slow", "late", "unauthorized", "empty"}  # an empty answer makes the adapter ask again


@pytest.mark.parametrize("fault", [name for name in LINE if name not in ANSWERED])
def test_the_adapter_calls_every_fault_on_the_line_unknown(sandbox, make_api, approved, fault, captures_of):
    purchase = approved()
    impatient = PayPal(make_api(timeout=(1, 0.4)))
    arm(sandbox, **CAPTURE, fault=fault, times=0)

    with pytest.raises(GatewayError):
        impatient.capture(purchase)

    disarm(sandbox)
    assert isinstance(impatient.capture(purchase), Captured)
    assert len(captures_of(purchase)) == 1


def test_no_answer_tells_that_it_was_ordered_but_the_log_does(sandbox, order):
    number = arm(sandbox, **CAPTURE, fault="error_after", reference=order.purchase.reference)

    answer = order("POST", "/capture", "k")

    assert "fault" not in answer.text.lower()
    assert not [name for name in answer.headers if "fault" in name.lower()]
    (line,) = struck(sandbox, number)
    assert (line["on"], line["fault"], line["status"]) == ("capture", "error_after", 500)
    assert order.purchase.reference in line["references"]
    assert line["debug_id"] == answer.headers["PayPal-Debug-Id"]
    assert log(sandbox, "capture")[-1]["fault"] == "error_after"
