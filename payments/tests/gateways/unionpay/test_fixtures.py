"""Genuine messages of UnionPay judge how we parse, verify and refuse (see recorded/README.md)."""

import datetime as dt
import hashlib
import json
import os
from pathlib import Path

import pytest
from cryptography import x509

from payments.gateways.unionpay import notifications
from payments.gateways.unionpay.crypto import (
    GATEWAY_NAME,
    TEST_NAME,
    Trust,
    Untrusted,
    is_signed_by,
    signer_name,
)
from payments.gateways.unionpay.wire import (
    NotAMessage,
    form_encoded,
    parse_answer,
    parse_form,
    string_to_sign,
)

HERE = Path(__file__).parent / "recorded"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("UNIONPAY_FIXTURES")] if folder)]
FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


FIXTURES = [
    json.loads(path.read_text()) | {"folder": folder, "name": path.stem}
    for folder in FOLDERS
    for path in sorted(folder.glob("*.json"))
]


def judging(concerns):
    """A test of every message that it concerns."""
    fixtures = [pytest.param(fixture, id=fixture["name"]) for fixture in FIXTURES if concerns(fixture)]
    return pytest.mark.parametrize("fixture", fixtures)


def is_message(fixture):
    return fixture["kind"] not in {"certificate-chain", "not-a-message"}


def parsed(fixture):
    if "raw_body" not in fixture:
        return fixture["fields"]
    parse = parse_answer if fixture["wire"] == "sync-response-body" else parse_form
    return parse(fixture["raw_body"].encode())


def trust(fixture, ca, names):
    def load(kind):
        return x509.load_pem_x509_certificates((fixture["folder"] / "ca" / f"{ca}_{kind}.pem").read_bytes())

    return Trust(load("root"), load("middle"), names)


def signer(fixture):
    pem = fixture.get("certificate") or fixture.get("signer_cert") or fixture["fields"].get("signPubKeyCert")
    return x509.load_pem_x509_certificate(pem.encode()) if pem else None


def moment(fixture):
    return dt.datetime.fromisoformat(fixture["verify_at"])


def raises_untrusted(check):
    try:
        check()
    except Untrusted:
        return True
    return False


def test_the_folders_hold_something_to_judge():
    for folder in FOLDERS:
        assert len(list(folder.glob("*.json"))) > 20, folder


def test_a_message_is_read_as_it_was_meant_and_written_as_it_is_read():
    messages = [fixture for fixture in FIXTURES if is_message(fixture)]
    assert len(messages) > 20
    for fixture in messages:
        assert parsed(fixture) == fixture["fields"], fixture["name"]
        assert parse_form(form_encoded(fixture["fields"])) == fixture["fields"], fixture["name"]


@judging(lambda fixture: fixture["kind"] == "not-a-message")
def test_what_is_no_message_is_not_read_as_one(fixture):
    with pytest.raises(NotAMessage):
        parsed(fixture)


@judging(lambda fixture: "string_to_sign_sha256_hex" in fixture)
def test_the_string_to_sign_is_the_one_that_was_signed(fixture):
    text = string_to_sign(parsed(fixture))
    assert hashlib.sha256(text.encode()).hexdigest() == fixture["string_to_sign_sha256_hex"]


@judging(lambda fixture: fixture["kind"] not in {"not-a-message", "parse-only"})
def test_signature_chain_and_name_get_their_verdicts(fixture):
    expect, certificate = fixture["expect"], signer(fixture)
    if "signature" in expect:
        valid = certificate is not None and is_signed_by(parsed(fixture), certificate.public_key())
        assert valid is expect["signature"]
    if "chain" in expect:
        chained = certificate is not None and not raises_untrusted(
            lambda: trust(fixture, fixture["ca"], set()).validity(certificate, moment(fixture))
        )
        assert chained is expect["chain"]
    if "cn" in expect:
        assert signer_name(certificate) == expect["cn"]
    if "serial_decimal" in expect:
        assert str(certificate.serial_number) == expect["serial_decimal"]


@judging(lambda fixture: "accept_in_test" in fixture["expect"])
def test_a_message_is_accepted_exactly_where_it_may_be(fixture):
    expect, at = fixture["expect"], moment(fixture)
    in_test = trust(fixture, "test", {GATEWAY_NAME, TEST_NAME})
    in_production = trust(fixture, "production", {GATEWAY_NAME})
    for _ in range(2):  # the second time from what was remembered of the first
        assert raises_untrusted(lambda: in_test.verify(parsed(fixture), at)) is not expect["accept_in_test"]
        accepted = not raises_untrusted(lambda: in_production.verify(parsed(fixture), at))
        assert accepted is expect["accept_in_production"]


@judging(lambda fixture: fixture["expect"].get("accept_in_test") and fixture["expect"]["cn"] == TEST_NAME)
def test_without_the_setting_the_test_name_is_not_accepted(fixture):
    strict = trust(fixture, "test", {GATEWAY_NAME})
    with pytest.raises(Untrusted, match="name"):
        strict.verify(parsed(fixture), moment(fixture))


@judging(lambda fixture: fixture["kind"] == "notification")
def test_genuine_notifications_have_the_fields_we_demand(fixture):
    notification = notifications.read(FORM, fixture["raw_body"].encode())
    assert notification.references == (fixture["fields"]["orderId"],)


def test_one_payment_has_one_event_id_though_front_and_back_are_signed_differently():
    def event_id(message):
        fields = json.loads((HERE / "response-t04-r00-refundpay20240105165842.json").read_text())["fields"]
        body = form_encoded(
            fields | {"respMsg": message, "signature": "QUJD" + message[:1].encode().hex() * 2}
        )
        return notifications.read(FORM, body).event_id

    assert event_id("success") == event_id("成功[0000000]")
