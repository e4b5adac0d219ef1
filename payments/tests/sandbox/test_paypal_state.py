"""What the stand-in's PayPal remembers: request ids, money, parcels, its log and its webhooks."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from payments.gateways.paypal.messages import create_body
from payments.sandbox import store
from payments.tests.harness.paypal_sandbox import issue

# --- request ids and Prefer


def test_a_repeated_request_is_answered_200_with_the_latest_state(create, call, approve):
    first, again = (create(request_id="same-key-1", Prefer="return=representation") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()

    order = first.json()
    approve(next(link["href"] for link in order["links"] if link["rel"] == "payer-action"))
    assert create(request_id="same-key-1").json()["status"] == "APPROVED"
    path = f"/v2/checkout/orders/{order['id']}/capture"
    replies = [call("POST", path, {}, PayPal_Request_Id="same-key-1") for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 200], "a key counts for its path only"


def test_without_a_request_id_the_work_is_done_again(paid, call):
    capture = paid()["purchase_units"][0]["payments"]["captures"][0]
    body = {"amount": {"currency_code": "HKD", "value": "10.00"}}

    refunds = [call("POST", f"/v2/payments/captures/{capture['id']}/refund", body).json() for _ in range(2)]

    assert refunds[0]["id"] != refunds[1]["id"]


def test_a_key_is_forgotten_after_six_hours(create, settings, tmp_path, make_api):
    first = create(request_id="old-key").json()
    settings.CLOCK_FILE = tmp_path / "clock"
    settings.CLOCK_FILE.write_text(str(6 * 3600 + 60))

    assert create(request_id="old-key").json()["id"] != first["id"]


def test_the_same_key_at_the_same_moment_does_the_work_once(call, make_purchase):
    body = create_body(make_purchase())

    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda _: call("POST", "/v2/checkout/orders", body, PayPal_Request_Id="race"), range(8))
        )

    assert [reply.status_code for reply in replies] == [200] * 8
    assert len({reply.json()["id"] for reply in replies}) == 1


def test_a_minimal_answer_has_id_status_source_and_links(create):
    assert set(create().json()) == {"id", "status", "links", "payment_source"}
    assert set(create(Prefer="return=minimal").json()) == {"id", "status", "links", "payment_source"}
    assert "purchase_units" in create(Prefer="return=representation").json()


# --- money


def test_a_capture_before_the_approval_is_refused(create, call):
    response = call("POST", f"/v2/checkout/orders/{create().json()['id']}/capture", {})

    assert issue(response) == (422, "ORDER_NOT_APPROVED")


def test_a_second_capture_is_refused(paid, call):
    response = call("POST", f"/v2/checkout/orders/{paid()['id']}/capture", {})

    assert issue(response) == (422, "ORDER_ALREADY_CAPTURED")


def test_a_declined_capture_says_where_to_send_the_buyer(create, call, approve):
    order = create().json()
    approve(
        next(link["href"] for link in order["links"] if link["rel"] == "payer-action"), funding="declined"
    )

    response = call("POST", f"/v2/checkout/orders/{order['id']}/capture", {})

    assert issue(response) == (422, "INSTRUMENT_DECLINED")
    _page, link = response.json()["links"]
    assert link["rel"] == "redirect"
    assert link["href"].endswith(f"/checkoutnow?token={order['id']}")


WRONG_REFUNDS = [
    ({"currency_code": "USD", "value": "1.00"}, (422, "REFUND_CAPTURE_CURRENCY_MISMATCH")),
    ({"currency_code": "HKD", "value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
    ({"currency_code": "HKD", "value": "-1.00"}, (422, "CANNOT_BE_NEGATIVE")),
    ({"currency_code": "HKD", "value": "1.001"}, (422, "DECIMAL_PRECISION")),
    ({"currency_code": "JPY", "value": "1.0"}, (422, "DECIMALS_NOT_SUPPORTED")),
    ({"currency_code": "HKD", "value": "1234.51"}, (422, "REFUND_AMOUNT_EXCEEDED")),
    ({"currency_code": "HKD", "value": 1}, (400, "INVALID_PARAMETER_SYNTAX")),
    ({"currency_code": "HKD"}, (400, "MISSING_REQUIRED_PARAMETER")),
]


def test_a_wrong_refund_is_refused_with_paypals_code(paid, call):
    capture = paid()["purchase_units"][0]["payments"]["captures"][0]
    for amount, expected in WRONG_REFUNDS:
        response = call("POST", f"/v2/payments/captures/{capture['id']}/refund", {"amount": amount})
        assert issue(response) == expected, amount


def test_an_empty_refund_gives_back_all_that_is_left(paid, call):
    capture = paid()["purchase_units"][0]["payments"]["captures"][0]
    path = f"/v2/payments/captures/{capture['id']}"
    part = {"amount": {"currency_code": "HKD", "value": "34.50"}}

    call("POST", f"{path}/refund", part)
    assert call("GET", path).json()["status"] == "PARTIALLY_REFUNDED"
    rest = call("POST", f"{path}/refund", data=b"", Prefer="return=representation").json()

    assert rest["amount"]["value"] == "1200.00"
    assert rest["seller_payable_breakdown"]["total_refunded_amount"]["value"] == "1234.50"
    assert call("GET", path).json()["status"] == "REFUNDED"
    assert call("GET", f"/v2/payments/refunds/{rest['id']}").json() == rest
    assert issue(call("POST", f"{path}/refund", {})) == (422, "CAPTURE_FULLY_REFUNDED")


# --- tracking


@pytest.fixture
def track(call):
    return lambda order, **body: call("POST", f"/v2/checkout/orders/{order['id']}/track", body)


def test_a_parcel_is_tracked_and_cancelled(paid, call, track):
    order = paid()
    capture = order["purchase_units"][0]["payments"]["captures"][0]["id"]
    parcel = {"capture_id": capture, "tracking_number": "SF1", "carrier": "SF_EX", "notify_payer": False}

    first, again = track(order, **parcel), track(order, **parcel)
    assert (first.status_code, again.status_code) == (201, 200)
    (tracker,) = again.json()["purchase_units"][0]["shipping"]["trackers"]
    assert tracker["status"] == "SHIPPED"

    path = f"/v2/checkout/orders/{order['id']}/trackers/{tracker['id']}"
    cancel = [{"op": "replace", "path": "/status", "value": "CANCELLED"}]
    assert call("PATCH", path, cancel).status_code == 204
    assert issue(call("PATCH", path, [{**cancel[0], "op": "bogus"}])) == (400, "INVALID_PATCH_OPERATION")
    assert issue(call("PATCH", path, [{**cancel[0], "path": "/x"}])) == (400, "FIELD_NOT_PATCHABLE")
    assert issue(call("PATCH", path[:-1], cancel)) == (404, "TRACKER_ID_NOT_FOUND")


WRONG_PARCELS = [
    ({"capture_id": None}, (400, "MISSING_REQUIRED_PARAMETER")),
    ({"carrier": None}, (400, "MISSING_REQUIRED_PARAMETER")),
    ({"capture_id": "5O190127TN364715T"}, (422, "CAPTURE_ID_NOT_FOUND")),
    ({"items": [{"name": "x", "quantity": "1", "sku": "NONE"}]}, (422, "ITEM_SKU_MISMATCH")),
]


def test_a_wrong_parcel_is_refused_with_paypals_code(paid, track):
    order = paid()
    capture = order["purchase_units"][0]["payments"]["captures"][0]["id"]
    for change, expected in WRONG_PARCELS:
        parcel = {"capture_id": capture, "tracking_number": "SF1", "carrier": "SF_EX", **change}
        response = track(order, **{name: value for name, value in parcel.items() if value is not None})
        assert issue(response) == expected, change


def test_a_refunded_capture_cannot_be_tracked(paid, call, track):
    order = paid()
    capture = order["purchase_units"][0]["payments"]["captures"][0]["id"]
    call("POST", f"/v2/payments/captures/{capture}/refund", {})

    response = track(order, capture_id=capture, tracking_number="SF1", carrier="SF_EX")

    assert issue(response) == (422, "CAPTURE_STATUS_NOT_VALID")


# --- memory, log, webhooks


def test_everything_survives_a_restart(paid, call):
    order = paid()
    with store._lock:
        store._database().close()
        store._database.cache_clear()

    assert call("GET", f"/v2/checkout/orders/{order['id']}").json() == order


def test_the_log_knows_references_and_amounts_but_no_person(paid, sandbox, settings):
    order = paid()
    reference = order["purchase_units"][0]["custom_id"]

    text = (store.folder() / "log.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    about_it = [line for line in lines if reference in line["references"]]
    mine = [line for line in about_it if line["kind"] != "webhook"]  # it may be there already
    assert [line["kind"] for line in mine] == ["create order", "approve", "capture"]
    assert {(line["amount"], line["currency"]) for line in mine} == {("1234.50", "HKD")}
    for private in ("陳美儀", "彌敦道", "mei@example.com", settings.PAYPAL_CLIENT_SECRET, "Bearer"):
        assert private not in text


@pytest.mark.parametrize("change", [{"webhook_id": None}, {"auth_algo": "a b"}, {"webhook_event": 5}])
def test_a_verification_without_its_fields_is_refused(call, events, change):
    headers = events.signed_headers(b"{}")
    body = {
        "auth_algo": headers["PayPal-Auth-Algo"],
        "cert_url": headers["PayPal-Cert-Url"],
        "transmission_id": headers["PayPal-Transmission-Id"],
        "transmission_sig": headers["PayPal-Transmission-Sig"],
        "transmission_time": headers["PayPal-Transmission-Time"],
        "webhook_id": "DEMOWEBHOOK000001",
        "webhook_event": {},
        **change,
    }
    present = {name: value for name, value in body.items() if value is not None}

    response = call("POST", "/v1/notifications/verify-webhook-signature", present)

    assert response.status_code == 400


def test_a_webhook_is_sent_again_until_it_is_taken(sandbox, events, monkeypatch):
    monkeypatch.setattr(events, "RETRIES", [0.1] * 5)
    answers = [0, 500, 302, 200]
    sent = []

    def post(body, headers):
        if b"MINE" not in body:
            return 200
        sent.append(body)
        return answers[len(sent) - 1]

    monkeypatch.setattr(events, "post", post)
    events.announce("PAYMENT.CAPTURE.COMPLETED", "capture", {"id": "MINE"})
    (event,) = (event["id"] for event in store.every("paypal-event") if "MINE" in event["body"])
    wait_until(lambda: store.get("paypal-event", event).get("delivered"))

    assert len(sent) == 4
    assert len(set(sent)) == 1


def test_a_webhook_of_work_that_was_undone_is_never_sent(sandbox, events, monkeypatch):
    sent = []
    monkeypatch.setattr(events, "post", lambda body, headers: sent.append(body) or 200)
    due = []
    monkeypatch.setattr(store, "after", lambda seconds, action, *arguments: due.append((action, arguments)))

    def work():
        with store.transaction():
            events.announce("PAYMENT.CAPTURE.COMPLETED", "capture", {"id": "UNDONE"})
            raise KeyError

    with pytest.raises(KeyError):
        work()
    for action, arguments in due:
        action(*arguments)

    assert len(due) == 1
    assert not any(b"UNDONE" in body for body in sent)


def test_what_a_restart_interrupted_is_delivered_afterwards(sandbox, events, monkeypatch):
    sent = []
    monkeypatch.setattr(events, "post", lambda body, headers: sent.append(body) or 200)
    store.put("paypal-event", "WH-LEFT", {"id": "WH-LEFT", "type": "X", "body": "{}", "tries": 1})
    store.put(
        "paypal-event", "WH-DONE", {"id": "WH-DONE", "type": "X", "body": "[]", "tries": 1, "delivered": True}
    )

    events.resume()
    wait_until(lambda: store.get("paypal-event", "WH-LEFT").get("delivered"))

    assert b"{}" in sent
    assert b"[]" not in sent


def wait_until(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("nothing happened")


def test_the_certificate_is_served(sandbox):
    good = requests.get(f"{sandbox}/paypal/v1/notifications/certs/CERT-5a0d6052-sandbox-standin", timeout=5)

    assert good.text.count("BEGIN CERTIFICATE") == 2
    assert requests.get(f"{sandbox}/paypal/v1/notifications/certs/CERT-x", timeout=5).status_code == 404
