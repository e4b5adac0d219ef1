"""Notifications and front returns: the sandbox's are genuine, every change to them is noticed."""

import datetime as dt
from urllib.parse import urlencode

import pytest

from payments.gateways.base import InvalidNotification, Misconfigured
from payments.gateways.unionpay.crypto import signature
from payments.gateways.unionpay.wire import MAX_BYTES, form_encoded, parse_form
from payments.sandbox import store
from payments.sandbox.unionpay import envelope, notifications, pki
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.unionpay_sandbox import (
    decided,
    encrypted_card,
    notification,
)
from shop import clock

FORM = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}


@pytest.fixture
def purchase(gateway, make_purchase):
    purchase = make_purchase()
    gateway.start(purchase, encrypted_card())
    return purchase


@pytest.fixture
def transmission(purchase):
    """Headers and body of the notification about the purchase, as they came in."""
    return notification()


def resigned(body, **changes):
    """The message with other fields, signed by the gateway's key."""
    fields = parse_form(body) | changes
    return form_encoded(fields | {"signature": signature(fields, pki.signing_key().private_key)})


def test_the_notification_of_a_purchase_is_genuine_and_names_it(gateway, purchase, transmission):
    headers, body = transmission

    notification_read = gateway.read_notification(headers, body)

    assert notification_read.references == (purchase.reference,)
    assert notification_read.event_id.startswith(f"777290058100000-{purchase.reference}-")
    assert notification_read.event_id.endswith("-01-00")
    assert len(notification_read.event_id) <= 128
    assert gateway.verify_notification(headers, body) is True
    fields = parse_form(body)
    assert (fields["respMsg"], fields["txnAmt"], fields["currencyCode"]) == ("成功[0000000]", "1234", "344")
    assert "certId" not in fields


def test_it_is_sent_again_until_the_shop_says_200(gateway, make_purchase):
    sandbox.status["notify"] = 500
    purchase = make_purchase()
    gateway.start(purchase, encrypted_card())
    sandbox.until(lambda: (len(sandbox.received), len(sandbox.received) >= 2))
    sandbox.status["notify"] = 200

    def done():
        transactions = [t for t in store.every("unionpay") if purchase.reference in t["id"]]
        return transactions[0]["notice"], transactions[0]["notice"]["done"]

    assert sandbox.until(done)["tries"] == len(sandbox.received)
    assert len({gateway.read_notification(h, b).event_id for _, h, b in sandbox.received}) == 1


def test_a_restart_of_the_sandbox_loses_no_notification(gateway, make_purchase, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "after", lambda *_: None)
        gateway.start(make_purchase(), encrypted_card())
    assert not sandbox.received

    notifications.resume()

    assert notification()


@pytest.mark.failure("F46")
@pytest.mark.parametrize(
    "field", ["txnAmt", "currencyCode", "respCode", "orderId", "merId", "queryId", "txnTime"]
)
def test_a_changed_field_is_noticed(gateway, transmission, field):
    headers, body = transmission
    changed = form_encoded(parse_form(body) | {field: "20200101000000"})

    try:
        assert gateway.verify_notification(headers, changed) is False
    finally:
        assert gateway.verify_notification(headers, body) is True


@pytest.mark.failure("F46")
@pytest.mark.parametrize("extra", [{"reserved": "x"}, {"reqReserved": ""}, {"sessionid": "abc"}])
def test_an_added_field_is_noticed_even_an_empty_one(gateway, transmission, extra):
    headers, body = transmission
    assert gateway.verify_notification(headers, body + b"&" + urlencode(extra).encode()) is False


def test_a_field_given_twice_is_refused(gateway, transmission):
    headers, body = transmission
    for twice in (b"&txnAmt=1", b"&respCode=00", b"&signature=AAAA"):
        with pytest.raises(InvalidNotification):
            gateway.read_notification(headers, body + twice)
        assert gateway.verify_notification(headers, body + twice) is False


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "5.0.0"},
        {"version": ""},
        {"signMethod": "11"},
        {"signMethod": "12"},
        {"encoding": "GBK"},
        {"respCode": "00\n"},
        {"orderId": "AB-12345678"},
        {"orderId": "' OR 1=1--"},
        {"merId": "１２３４５６７８９０１２３４５"},
        {"signature": ""},
        {"signPubKeyCert": ""},
    ],
)
def test_another_version_method_or_shape_is_refused(gateway, transmission, changes):
    headers, body = transmission
    changed = form_encoded(parse_form(body) | changes)
    with pytest.raises(InvalidNotification):
        gateway.read_notification(headers, changed)
    assert gateway.verify_notification(headers, changed) is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"a=1;b=2",
        b"\xff\xfe=1",
        b"%ff=1",
        b"&".join(b"a%d=1" % i for i in range(200)),
        b"x=" * 9,
    ],
)
def test_what_is_no_form_is_refused(gateway, body):
    with pytest.raises(InvalidNotification):
        gateway.read_notification(FORM, body)


def test_a_body_over_64_kib_is_refused(gateway, transmission):
    headers, body = transmission
    padded = resigned(body, reserved="x" * (MAX_BYTES + 200 - len(body)))
    with pytest.raises(InvalidNotification):
        gateway.read_notification(headers, padded)
    fitting = resigned(body, reserved="x" * (MAX_BYTES - 200 - len(body)))
    assert gateway.verify_notification(headers, fitting) is True


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=GBK",
        "text/plain",
        "application/x-www-form- urlencoded",
    ],
)
def test_another_content_type_is_refused(gateway, transmission, kind):
    with pytest.raises(InvalidNotification):
        gateway.read_notification({"Content-Type": kind}, transmission[1])


def test_a_message_signed_for_another_merchant_is_not_ours(gateway, transmission):
    headers, body = transmission
    assert gateway.verify_notification(headers, resigned(body, merId="888888888888888")) is False


def signed_by(pair, body):
    fields = parse_form(body) | {"signPubKeyCert": envelope.crlf(pair.pem.decode())}
    return form_encoded(fields | {"signature": signature(fields, pair.key)})


@pytest.mark.parametrize(
    "common_name",
    [
        "041@Z2026@700000000000001:SIGN@00000006",
        "041@Z2026@00040000:SIGN@00000099",
        "中国银联股份有限公司",
        "a@b@中国银联股份有限公司2@c",
        "中国银联股份有限公司@041@x@y",
    ],
)
def test_a_signer_of_the_same_ca_with_another_name_is_not_unionpay(gateway, transmission, common_name):
    headers, body = transmission
    merchant = pki.issue(common_name, pki.key_pair("middle"))
    assert gateway.verify_notification(headers, signed_by(merchant, body)) is False


def test_the_test_name_counts_only_with_the_setting_and_a_test_gateway(gateway, transmission, settings):
    headers, body = transmission
    tester = signed_by(pki.issue("041@Z2026@00040000:SIGN@00000099", pki.key_pair("middle")), body)

    settings.UNIONPAY_ALLOW_TEST_CN = True
    assert gateway.verify_notification(headers, tester) is True
    for production in ("https://gateway.95516.com/gateway/api", "https://test.95516.com.evil.example/"):
        settings.UNIONPAY_GATEWAY = production
        assert gateway.verify_notification(headers, tester) is False


@pytest.mark.failure("F48")
def test_a_signer_of_another_ca_is_not_believed_whatever_its_name(gateway, transmission):
    headers, body = transmission
    name = f"041@8310000000083040@{pki.GATEWAY_NAME}@00099999"
    root = pki.issue("SANDBOX ROOT", ca=True)
    middle = pki.issue("SANDBOX OCA1", root, ca=True)
    for stranger in (pki.issue(name), pki.issue(name, middle), pki.issue(name, root)):
        assert gateway.verify_notification(headers, signed_by(stranger, body)) is False


def test_a_customer_of_the_ca_cannot_issue_certificates(gateway, transmission):
    headers, body = transmission
    customer = pki.issue("SANDBOX OCA1", pki.key_pair("middle"))
    fake = pki.issue(f"041@8310000000083040@{pki.GATEWAY_NAME}@00099999", customer)
    assert gateway.verify_notification(headers, signed_by(fake, body)) is False


def test_a_customer_cannot_even_where_its_certificate_lies_among_the_ca(
    gateway, transmission, settings, tmp_path
):
    headers, body = transmission
    for name in ("root.pem", "middle.pem"):
        (tmp_path / name).write_bytes((settings.UNIONPAY_CERT_DIR / name).read_bytes())
    settings.UNIONPAY_CERT_DIR = tmp_path
    customer = pki.issue("041@Z2026@700000000000001:SIGN@00000006", pki.key_pair("root"))
    with (tmp_path / "middle.pem").open("ab") as file:
        file.write(customer.pem)
    fake = pki.issue(f"041@8310000000083040@{pki.GATEWAY_NAME}@00099999", customer)

    assert gateway.verify_notification(headers, body) is True
    assert gateway.verify_notification(headers, signed_by(fake, body)) is False


def test_a_certificate_is_believed_only_while_it_is_in_force(gateway, transmission, monkeypatch):
    headers, body = transmission
    short = pki.issue(f"041@8310000000083040@{pki.GATEWAY_NAME}@00099997", pki.key_pair("middle"), days=2)
    message = signed_by(short, body)
    assert gateway.verify_notification(headers, message) is True

    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=2))
    assert gateway.verify_notification(headers, message) is False


@pytest.mark.failure("F48")
def test_new_ca_files_count_at_once(gateway, transmission, settings, tmp_path):
    headers, body = transmission
    for name in ("root.pem", "middle.pem", "merchant.pfx", "encryption.pem"):
        (tmp_path / name).write_bytes((settings.UNIONPAY_CERT_DIR / name).read_bytes())
    settings.UNIONPAY_CERT_DIR = tmp_path
    assert gateway.verify_notification(headers, body) is True

    (tmp_path / "root.pem").write_bytes(pki.issue("NEW ROOT", ca=True).pem)
    assert gateway.verify_notification(headers, body) is False

    both = pki.key_pair("root").pem + (tmp_path / "root.pem").read_bytes()
    (tmp_path / "root.pem").write_bytes(both)
    assert gateway.verify_notification(headers, body) is True


def test_without_our_own_files_a_person_must_act(gateway, transmission, settings, tmp_path):
    headers, body = transmission
    settings.UNIONPAY_CERT_DIR = tmp_path
    with pytest.raises(Misconfigured, match=r"root\.pem"):
        gateway.verify_notification(headers, body)


def test_the_notification_of_a_refund_names_its_key_and_the_purchase(gateway, purchase):
    captured = decided(gateway, purchase)
    sandbox.received.clear()
    key = "f" * 32

    gateway.refund(purchase, captured.reference, purchase.amount, key=key, started_at=clock.now())

    def look():
        notices = [gateway.read_notification(headers, body) for _, headers, body in sandbox.received]
        about = [n for n in notices if n.references == (key,)]
        return about, bool(about)

    assert sandbox.until(look)[0].gateway_ids == (captured.reference,)
