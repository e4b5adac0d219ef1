"""The shape of a webhook is checked before anybody is asked whether it is genuine."""

import json

import pytest

from payments.gateways.base import InvalidNotification, Notification
from payments.gateways.paypal import PayPal
from payments.tests.harness.paypal_sandbox import HEADERS

EVENT = {"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"id": "5O190127TN364715T"}}


def body_of(resource, event_id="WH-1"):
    return json.dumps({"id": event_id, "resource": resource}).encode()


@pytest.fixture
def read():
    return lambda body, headers=HEADERS: PayPal().read_notification(headers, body)


# --- shape


@pytest.mark.parametrize("missing", list(HEADERS))
def test_every_header_is_needed(read, missing):
    headers = {name: value for name, value in HEADERS.items() if name != missing}

    with pytest.raises(InvalidNotification):
        read(json.dumps(EVENT).encode(), headers)
    with pytest.raises(InvalidNotification):
        read(json.dumps(EVENT).encode(), {**HEADERS, missing: ""})


def is_read(read, body, headers=HEADERS):
    try:
        read(body, headers)
    except InvalidNotification:
        return False
    return True


def test_headers_have_bounds(read):
    values = ["x" * 2000, "a\r\nb", "é", "a\x00", "a\u2028b"]
    body = json.dumps(EVENT).encode()
    assert [
        (name, value) for name in HEADERS for value in values if is_read(read, body, {**HEADERS, name: value})
    ] == []


OTHER_SHAPES = [
    b"",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"{}",
    b'{"id":""}',
    b'{"id":5}',
    b'{"id":null}',
    b'{"id":"a b"}',
    b'{"id":"\\ud800"}',
    b'{"id":"WH-1\\n"}',
    b'{"id":"' + b"x" * 101 + b'"}',
    b'{"id":"WH-1"',
    b'{"id":"WH-1"}}',
    b'{"id":"WH-1"},"webhook_id":"x","y":{"z":1}',
    b'{"id":"WH-1","n":NaN}',
    b'{"id":"WH-1","n":-Infinity}',
    b'\xef\xbb\xbf{"id":"WH-1"}',
    '{"id":"WH-1"}'.encode("utf-16"),
    b'{"id":"WH-1","x":"\xff"}',
    b'{"id":"WH-1","x":"\xc0\xaf"}',
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"id":"WH-1","x":' + b"9" * 10_000 + b"}",
    b'{"id":"WH-1","x":"' + b"x" * 65_536 + b'"}',
]


@pytest.mark.failure("F39")
def test_a_body_of_another_shape_is_refused(read):
    assert [body[:30] for body in OTHER_SHAPES if is_read(read, body)] == []


def test_what_is_refused_by_shape_is_never_put_to_paypal(peer, peer_api):
    with pytest.raises(InvalidNotification):
        PayPal(peer_api).verify_notification(HEADERS, b'{"id":"WH-1"},"webhook_id":"x"')

    assert peer.requests == []


@pytest.mark.parametrize(
    ("resource", "references", "ids"),
    [
        ({"id": "5O190127TN364715T"}, (), ("5O190127TN364715T",)),
        (
            {"order_id": "5O190127TN364715T", "purchase_units": [{"invoice_id": "ATTEMPT0001"}]},
            ("ATTEMPT0001",),
            ("5O190127TN364715T",),
        ),
        (
            {
                "id": "2GG279541U471931P",
                "custom_id": "ATTEMPT0001",
                "invoice_id": "ATTEMPT0001",
                "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
            },
            ("ATTEMPT0001",),
            ("2GG279541U471931P", "5O190127TN364715T"),
        ),
        (
            {
                "id": "1JU08902781691411",
                "links": [
                    {"rel": "self", "href": "https://api-m.paypal.com/v2/payments/refunds/1JU08902781691411"},
                    {"rel": "up", "href": "https://api-m.paypal.com/v2/payments/captures/2GG279541U471931P"},
                ],
            },
            (),
            ("1JU08902781691411", "2GG279541U471931P"),
        ),
        (
            {
                "dispute_id": "PP-D-27803",
                "disputed_transactions": [
                    {"seller_transaction_id": "2GG279541U471931P", "custom": "ATTEMPT0001"}
                ],
            },
            ("ATTEMPT0001",),
            ("2GG279541U471931P",),
        ),
        ({}, (), ()),
        (
            {
                "id": {"x": 1},
                "custom_id": ["x"],
                "links": "x",
                "purchase_units": [None, 5, {"custom_id": "' OR 1=1--"}],
                "supplementary_data": [],
                "disputed_transactions": {"a": 1},
            },
            (),
            (),
        ),
    ],
)
def test_the_subject_is_found_by_the_kind_of_object(read, resource, references, ids):
    assert read(body_of(resource)) == Notification("WH-1", references, ids)


@pytest.mark.parametrize(
    ("event_type", "dispute_id", "kind", "dispute"),
    [
        ("CUSTOMER.DISPUTE.CREATED", "PP-D-27803", "CUSTOMER.DISPUTE.CREATED", "PP-D-27803"),
        ("CUSTOMER.DISPUTE.RESOLVED", "PP-R-NCX-500", "CUSTOMER.DISPUTE.RESOLVED", "PP-R-NCX-500"),
        ("CUSTOMER.DISPUTE.CREATED", "../x", "CUSTOMER.DISPUTE.CREATED", ""),
        ("CUSTOMER.DISPUTE.CREATED", "A" * 65, "CUSTOMER.DISPUTE.CREATED", ""),
        ("CUSTOMER.DISPUTE.CREATED", ["PP-D-1"], "CUSTOMER.DISPUTE.CREATED", ""),
        ("PAYMENT.CAPTURE.COMPLETED", "PP-D-27803", "PAYMENT.CAPTURE.COMPLETED", ""),
        ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", None, "CHECKOUT.PAYMENT-APPROVAL.REVERSED", ""),
        ("X" * 61, None, "", ""),
        ("<script>", None, "", ""),
        ({"a": 1}, None, "", ""),
        (None, None, "", ""),
    ],
)
def test_the_kind_of_event_and_its_dispute_are_told(read, event_type, dispute_id, kind, dispute):
    event = {"id": "WH-1", "event_type": event_type, "resource": {"dispute_id": dispute_id}}

    notification = read(json.dumps(event).encode())

    assert (notification.kind, notification.dispute) == (kind, dispute)
