"""Every exchange of a running sandbox comes before the judge, and no secret with it."""

import json

import pytest

from payments.gateways.base import GatewayError
from payments.gateways.paypal import PayPal
from payments.tests.harness import rehearsal
from payments.tests.harness.paypal_record import verdict

pytestmark = pytest.mark.prove


@pytest.fixture
def record(settings, tmp_path):
    settings.SANDBOX_RECORD_FILE = str(tmp_path / "exchanges.jsonl")
    return tmp_path / "exchanges.jsonl"


@pytest.fixture
def exchanges(record, make_api, make_purchase):
    """What is written down of a token, an order and a look at it."""
    from dataclasses import replace

    paypal = PayPal(make_api())
    purchase = make_purchase()
    started = paypal.start(purchase)
    paypal.fetch(replace(purchase, gateway_id=started.gateway_id))
    return [json.loads(line) for line in record.read_text().splitlines()]


def changed(record, exchanges, number, **changes):
    spoiled = [exchange | (changes if i == number else {}) for i, exchange in enumerate(exchanges)]
    record.write_text("".join(f"{json.dumps(exchange)}\n" for exchange in spoiled))
    return verdict(record)


def test_each_exchange_is_judged(record, exchanges):
    assert [exchange["path"] for exchange in exchanges][:2] == [
        "/paypal/v1/oauth2/token",
        "/paypal/v2/checkout/orders",
    ]
    assert verdict(record).judged == 3
    assert verdict(record).violations == []


def test_no_token_and_no_credentials_are_written_down(record, exchanges, settings):
    text = record.read_text()

    assert settings.PAYPAL_CLIENT_SECRET not in text
    assert {exchange["headers"]["Authorization"] for exchange in exchanges} == {
        "Basic left-out",
        "Bearer left-out",
    }
    assert json.loads(exchanges[0]["answer"])["access_token"] == "left-out"


WRONG = [
    (0, {"body": ""}),
    (0, {"answer": "{}"}),
    (1, {"path": "/paypal/v2/checkout/order"}),
    (1, {"method": "PATCH"}),
    (1, {"body": "{}"}),
    (1, {"body": '{"intent": "CAPTURE", "purchase_units": []}'}),
    (1, {"answer": "<html></html>", "answer_headers": {"Content-Type": "text/html"}}),
    (1, {"answer": '{"id": 1, "status": "CREATED", "links": []}'}),
    (2, {"answer": '{"id": "5O190127TN364715T", "status": "PAID"}'}),
]


def test_the_judge_sees_what_is_wrong_in_a_record(record, exchanges):
    for number, changes in WRONG:
        assert len(changed(record, exchanges, number, **changes).violations) == 1, (number, changes)


def test_a_request_without_authorisation_is_seen(record, exchanges):
    headers = {k: v for k, v in exchanges[2]["headers"].items() if k != "Authorization"}
    assert len(changed(record, exchanges, 2, headers=headers).violations) == 1


def test_what_was_ordered_to_go_wrong_on_the_line_is_not_judged(record, sandbox, make_api, make_purchase):
    wrong = {"gateway": "paypal", "on": "create", "fault": "html"}
    with rehearsal.armed_while(sandbox, **wrong), pytest.raises(GatewayError):
        PayPal(make_api()).start(make_purchase())

    result = verdict(record)
    assert (result.judged, result.spoiled, result.violations) == (1, 3, [])  # an order is tried three times


def test_what_did_not_come_from_the_shop_is_not_judged(record, exchanges):
    headers = exchanges[1]["headers"] | {"User-Agent": "curl/8"}
    assert changed(record, exchanges, 1, headers=headers, body="{}").violations == []


def test_without_the_setting_nothing_is_written_down(record, exchanges, settings, make_api):
    before = record.read_text()
    settings.SANDBOX_RECORD_FILE = ""

    assert make_api().get_token_hash()
    assert record.read_text() == before
