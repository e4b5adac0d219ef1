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
from payments.tests.harness.paypal_sandbox import HEADERS

# --- genuine ones


def test_an_approval_is_announced_and_verified(paypal, started, approve, inbox):
    purchase, url = started()
    approve(url)
    headers, body = inbox("CHECKOUT.ORDER.APPROVED", purchase.gateway_id)

    notification = paypal.read_notification(headers, body)

    event_id, kind = json.loads(body)["id"], "CHECKOUT.ORDER.APPROVED"
    assert notification == Notification(event_id, (purchase.reference,), (purchase.gateway_id,), kind)
    assert paypal.verify_notification(headers, body)


def test_a_capture_and_its_refund_lead_to_the_order(paypal, started, approve, inbox):
    purchase, url = started()
    approve(url)
    capture = paypal.capture(purchase)
    paypal.refund(purchase, capture.reference, Decimal("1.00"), key="k1", started_at=purchase.started_at)

    headers, body = inbox("PAYMENT.CAPTURE.COMPLETED", capture.reference)
    notification = paypal.read_notification(headers, body)
    assert notification.references == (purchase.reference,)
    assert notification.gateway_ids == (capture.reference, purchase.gateway_id)
    assert paypal.verify_notification(headers, body)

    headers, body = inbox("PAYMENT.CAPTURE.REFUNDED", capture.reference)
    notification = paypal.read_notification(headers, body)
    assert capture.reference in notification.gateway_ids
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


def twin(body, event_type):
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
    left, chosen = binascii.crc32(data) ^ event_type, set()
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
    requests_made = []
    send = paypal._api.session.send
    paypal._api.session.send = lambda request, **options: (
        requests_made.append(request.url) or send(request, **options)
    )

    assert not paypal.verify_notification(headers, body)
    assert peer.requests == []
    assert all(url.startswith(f"{sandbox}/paypal/") for url in requests_made)
    assert requests_made


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
