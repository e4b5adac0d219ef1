"""Webhooks: only what PayPal itself sent, byte for byte, and even then only a hint."""

import binascii
import json
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from payments.gateways.base import GatewayError, InvalidNotification, Notification
from payments.gateways.paypal import PayPal
from payments.sandbox.paypal import signing
from payments.sandbox.paypal.webhooks import member_text, signed_headers

HEADERS = {
    "PayPal-Transmission-Id": "6d1c9b3e-0000-4000-8000-000000000000",
    "PayPal-Transmission-Time": "2026-11-23T01:02:03Z",
    "PayPal-Transmission-Sig": "c2lnbmF0dXJl",
    "PayPal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "PayPal-Auth-Algo": "SHA256withRSA",
}
EVENT = {"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"id": "5O190127TN364715T"}}


def body_of(resource, event_id="WH-1"):
    return json.dumps({"id": event_id, "resource": resource}).encode()


@pytest.fixture
def read():
    return lambda body, headers=HEADERS: PayPal().read_notification(headers, body)


# --- genuine ones


def test_an_approval_is_announced_and_verified(paypal, started, approve, inbox):
    purchase, url = started()
    approve(url)
    headers, body = inbox("CHECKOUT.ORDER.APPROVED", purchase.gateway_id)

    told = paypal.read_notification(headers, body)

    event_id, kind = json.loads(body)["id"], "CHECKOUT.ORDER.APPROVED"
    assert told == Notification(event_id, (purchase.reference,), (purchase.gateway_id,), kind)
    assert paypal.verify_notification(headers, body)


def test_a_capture_and_its_refund_lead_to_the_order(paypal, started, approve, inbox):
    purchase, url = started()
    approve(url)
    capture = paypal.capture(purchase)
    paypal.refund(purchase, capture.reference, Decimal("1.00"), key="k1", started_at=purchase.started_at)

    headers, body = inbox("PAYMENT.CAPTURE.COMPLETED", capture.reference)
    told = paypal.read_notification(headers, body)
    assert told.references == (purchase.reference,)
    assert told.gateway_ids == (capture.reference, purchase.gateway_id)
    assert paypal.verify_notification(headers, body)

    headers, body = inbox("PAYMENT.CAPTURE.REFUNDED", capture.reference)
    told = paypal.read_notification(headers, body)
    assert capture.reference in told.gateway_ids
    assert paypal.verify_notification(headers, body)


def test_stored_headers_in_any_case_verify(paypal, sandbox):
    body = b'{"id":"WH-1","n":1.0}'
    headers = {name.upper(): value for name, value in signed_headers(body).items()}

    assert paypal.verify_notification(headers, body)


@pytest.mark.parametrize(
    "body", [b'{"id":"a"}', b' {"id": "a"} \n', '{"id":"a","名":"硯\\u786f"}'.encode(), b"{}"]
)
def test_the_received_bytes_reach_paypal_unchanged(paypal, sandbox, body):
    assert paypal.verify_notification(signed_headers(body.strip()), body) is True


# --- forged ones


def reencoded(body):
    return json.dumps(json.loads(body)).encode()


def twin(body, wanted):
    """The body with the case of some letters of its "pad" changed, so that its CRC-32 becomes ``wanted``."""
    data = bytearray(body)
    begin = data.index(b'"pad": "') + 8
    basis = []  # (crc change, places), by Gauss over GF(2)
    for place in range(begin, begin + 64):
        changed = bytearray(data)
        changed[place] ^= 0x20
        delta, places = binascii.crc32(changed) ^ binascii.crc32(data), {place}
        for other, others in basis:
            if delta ^ other < delta:
                delta, places = delta ^ other, places ^ others
        if delta:
            basis.append((delta, places))
            basis.sort(key=lambda pair: pair[0], reverse=True)
    left, chosen = binascii.crc32(data) ^ wanted, set()
    for delta, places in basis:
        if left ^ delta < left:
            left, chosen = left ^ delta, chosen ^ places
    for place in chosen:
        data[place] ^= 0x20
    return bytes(data)


@pytest.mark.failure("F37")
def test_another_body_with_the_same_crc_is_refused(paypal, sandbox):
    body = json.dumps({"id": "WH-1", "amount": "1.00", "pad": "a" * 64}).encode()
    headers = signed_headers(body)
    forged = twin(body.replace(b"1.00", b"999.00"), binascii.crc32(body))

    assert forged != body
    assert b"999.00" in forged
    assert binascii.crc32(forged) == binascii.crc32(body), "PayPal's signature holds for the forged body too"
    assert paypal.verify_notification(headers, body)
    assert not paypal.verify_notification(headers, forged)


@pytest.mark.parametrize(
    "change",
    [
        reencoded,
        lambda body: body.replace(b"1.0", b"1.00"),
        lambda body: body.replace(b'"b":[]', b'"b":[ ]'),
        lambda body: body.replace(b"HKD", b"USD"),
        lambda body: b'{"id":"WH-1"}',
    ],
)
@pytest.mark.failure("F37")
def test_a_changed_or_reencoded_body_is_refused(paypal, sandbox, change):
    body = b'{"id":"WH-1","currency":"HKD","a":1.0,"b":[]}'

    assert not paypal.verify_notification(signed_headers(body), change(body))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PayPal-Transmission-Id", "6d1c9b3e-0000-4000-8000-000000000000"),
        ("PayPal-Transmission-Time", "2026-11-23T01:02:03Z"),
        ("PayPal-Transmission-Sig", "c2lnbmF0dXJl"),
        ("PayPal-Auth-Algo", "SHA1withRSA"),
    ],
)
@pytest.mark.failure("F37")
def test_a_changed_header_is_refused(paypal, sandbox, name, value):
    body = b'{"id":"WH-1"}'

    assert not paypal.verify_notification({**signed_headers(body), name: value}, body)


@pytest.mark.failure("F37", "F38")
def test_an_event_for_another_webhook_is_refused(paypal, sandbox, settings):
    body = b'{"id":"WH-1"}'
    headers = signed_headers(body)
    settings.PAYPAL_WEBHOOK_ID = "ANOTHERWEBHOOK"

    assert not paypal.verify_notification(headers, body)


@pytest.mark.failure("F39")
@pytest.mark.parametrize(
    "address",
    [
        "{peer}/v1/notifications/certs/CERT-1",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    ],
)
def test_a_foreign_certificate_address_is_refused_and_never_fetched(paypal, sandbox, peer, address):
    """PayPal gets it as a word of the question; whoever is behind it hears nothing from us."""
    body = b'{"id":"WH-1"}'
    headers = {**signed_headers(body), "PayPal-Cert-Url": address.format(peer=peer.base)}
    asked = []
    send = paypal._api.session.send
    paypal._api.session.send = lambda request, **options: (
        asked.append(request.url) or send(request, **options)
    )

    assert not paypal.verify_notification(headers, body)
    assert peer.requests == []
    assert all(url.startswith(f"{sandbox}/paypal/") for url in asked)
    assert asked


def test_a_header_that_paypal_calls_malformed_is_refused_without_asking(peer, peer_api):
    headers = {**HEADERS, "PayPal-Auth-Algo": "SHA256 with RSA"}

    with pytest.raises(InvalidNotification):
        PayPal(peer_api).verify_notification(headers, b'{"id":"WH-1"}')
    assert peer.requests == []


@pytest.mark.parametrize("resource", ["null", '"text"', "[]", "5"])
def test_an_event_about_no_object_is_refused(paypal, resource):
    body = f'{{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{resource}}}'.encode()
    with pytest.raises(InvalidNotification):
        paypal.read_notification(HEADERS, body)


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (429, b"{}"), (200, b"<html>"), (302, b"")])
def test_a_question_without_an_answer_is_unknown(peer, peer_api, status, body):
    peer.answer = lambda method, path: peer.token if path.endswith("token") else (status, {}, body)

    with pytest.raises(GatewayError):
        PayPal(peer_api).verify_notification(HEADERS, b'{"id":"WH-1"}')


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"verification_status":"FAILURE"}', b'{"verification_status":true}']
)
def test_only_success_verifies(peer, peer_api, answer):
    peer.answer = lambda method, path: peer.token if path.endswith("token") else (200, {}, answer)

    assert not PayPal(peer_api).verify_notification(HEADERS, b'{"id":"WH-1"}')


# --- shape


@pytest.mark.parametrize("missing", list(HEADERS))
def test_every_header_is_needed(read, missing):
    headers = {name: value for name, value in HEADERS.items() if name != missing}

    with pytest.raises(InvalidNotification):
        read(json.dumps(EVENT).encode(), headers)
    with pytest.raises(InvalidNotification):
        read(json.dumps(EVENT).encode(), {**HEADERS, missing: ""})


@pytest.mark.parametrize("value", ["x" * 2000, "a\r\nb", "é", "a\x00", "a\u2028b"])
@pytest.mark.parametrize("name", list(HEADERS))
def test_headers_have_bounds(read, name, value):
    with pytest.raises(InvalidNotification):
        read(json.dumps(EVENT).encode(), {**HEADERS, name: value})


@pytest.mark.parametrize(
    "body",
    [
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
    ],
    ids=lambda body: repr(body[:30]),
)
@pytest.mark.failure("F39")
def test_a_body_of_another_shape_is_refused(read, body):
    with pytest.raises(InvalidNotification):
        read(body)


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

    told = read(json.dumps(event).encode())

    assert (told.kind, told.dispute) == (kind, dispute)


# --- the sandbox's side


def test_the_signature_is_the_published_scheme(sandbox):
    body = b'{"id":"WH-1"}'
    headers = signed_headers(body)
    certificate = x509.load_pem_x509_certificates(signing.certificate_chain())[0]
    names = ("PayPal-Transmission-Id", "PayPal-Transmission-Time")
    message = "|".join([*(headers[name] for name in names), "DEMOWEBHOOK000001", str(binascii.crc32(body))])

    certificate.public_key().verify(
        binascii.a2b_base64(headers["PayPal-Transmission-Sig"]),
        message.encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


@pytest.mark.parametrize("inner", ['{"a": [1.0, "}\\"", {}]}', "{}", '{"webhook_event":{"x":1}}'])
def test_a_members_text_is_found_as_it_stands(inner):
    assert (
        member_text(f'{{"a":"webhook_event", "webhook_event" :\n {inner} , "z":[{{}}]}}', "webhook_event")
        == inner
    )


def test_the_signing_key_is_readable_by_its_owner_only(sandbox, settings):
    signing.certificate_chain()

    key = Path(settings.VAR_DIR) / "sandbox" / "paypal-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
