"""Purchases at the sandbox's PayPal, ready for something to go wrong."""

import datetime as dt
import json
import uuid

import pytest
import requests

from payments.gateways.paypal.messages import create_body
from payments.sandbox import store
from payments.tests.harness.paypal_sandbox import received
from payments.tests.harness.rehearsal import disarm


@pytest.fixture
def nothing_armed(sandbox):
    disarm(sandbox)
    yield
    disarm(sandbox)


@pytest.fixture
def approved(started, approve):
    """A purchase that its buyer has approved."""

    def start(**changes):
        purchase, url = started(**changes)
        approve(url)
        return purchase

    return start


@pytest.fixture
def order(sandbox, make_api, approved):
    """An approved order, and raw calls about it: ``order(method, rest of the path, key)``."""
    purchase = approved()
    token = make_api().get_token_hash()["access_token"]

    def call(method="GET", rest="", key="", timeout=5):
        return requests.request(
            method,
            f"{sandbox}/paypal/v2/checkout/orders/{purchase.gateway_id}{rest}",
            data=None if method == "GET" else b"{}",
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Prefer": "return=representation",
                "PayPal-Request-Id": key,
            },
            timeout=timeout,
        )

    call.purchase = purchase
    return call


@pytest.fixture
def later(settings, tmp_path):
    """Moves the clock of the shop and of the sandbox."""

    def move(**time):
        settings.CLOCK_FILE = tmp_path / "clock"
        settings.CLOCK_FILE.write_text(str(dt.timedelta(**time).total_seconds()))

    return move


@pytest.fixture
def captures_of():
    """The ids of a purchase's captures, from the sandbox's own books."""
    return lambda purchase: store.get("paypal-order", purchase.gateway_id)["captures"]


@pytest.fixture
def arrivals():
    """The webhooks about it that the shop got, as (headers, body)."""

    def find(text, event=""):
        return [one for one in list(received) if text.encode() in one[1] and event.encode() in one[1]]

    return find


@pytest.fixture
def until_another_arrives(paypal, approved, inbox):
    """Waits for the webhook of a later payment: what is sent as ever has arrived before it."""

    def wait():
        later = approved()
        paypal.capture(later)
        inbox("PAYMENT.CAPTURE.COMPLETED", later.reference)

    return wait


@pytest.fixture
def call(sandbox, make_api):
    """A raw API call. Returns the response."""
    token = make_api().get_token_hash()["access_token"]
    with requests.Session() as session:

        def send(method, path, body=None, *, data=None, **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            values = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **named}
            return session.request(
                method,
                f"{sandbox}/paypal{path}",
                data=data if data is not None else None if body is None else json.dumps(body),
                headers={name: value for name, value in values.items() if value},
                allow_redirects=False,
                timeout=5,
            )

        yield send


@pytest.fixture
def create(call, make_purchase):
    """Creates an order from our body, changed by ``alter``."""

    def send(alter=None, *, request_id=None, **headers):
        body = create_body(make_purchase())
        if alter:
            alter(body)
        key = uuid.uuid4().hex if request_id is None else request_id
        return call("POST", "/v2/checkout/orders", body, PayPal_Request_Id=key, **headers)

    return send


@pytest.fixture
def paid(create, call, approve):
    """A captured order as PayPal shows it."""

    def pay():
        order = create(Prefer="return=representation").json()
        approve(next(link["href"] for link in order["links"] if link["rel"] == "payer-action"))
        path = f"/v2/checkout/orders/{order['id']}/capture"
        return call("POST", path, {}, Prefer="return=representation").json()

    return pay
