"""What is checked before anything is sent: settings, certificates, the card as posted, every field's form."""

import base64
import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from cryptography import x509

from payments.gateways import unionpay
from payments.gateways.base import Misconfigured
from payments.gateways.unionpay import card_form, checked_card, codes, messages
from payments.gateways.unionpay import certificates as certificates_module
from payments.gateways.unionpay.codes import Meaning
from payments.gateways.unionpay.wire import parse_answer, parse_form, string_to_sign
from payments.sandbox import store
from payments.sandbox.unionpay import pki
from payments.tests.harness.unionpay_sandbox import (
    encrypted_card,
)
from shop import clock

FILES = ("root.pem", "middle.pem", "merchant.pfx", "encryption.pem")


@pytest.fixture
def certificates(unionpay_sandbox, settings, tmp_path):
    """The shop's certificate folder, for the test to damage."""
    for name in FILES:
        (tmp_path / name).write_bytes((settings.UNIONPAY_CERT_DIR / name).read_bytes())
    settings.UNIONPAY_CERT_DIR = tmp_path
    return tmp_path


# --- settings and certificates
# ----------------------------------------------------------------------------------


def test_the_demo_as_it_comes_has_no_problems(unionpay_sandbox):
    assert unionpay.problems() == []
    assert unionpay.warnings() == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content", [None, b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_missing_or_broken_file_is_named(certificates, name, content):
    if content is None:
        (certificates / name).unlink()
    else:
        (certificates / name).write_bytes(content)

    assert any(name in problem for problem in unionpay.problems())
    unionpay.warnings()


def test_a_wrong_password_is_told(certificates, settings):
    settings.UNIONPAY_PFX_PASSWORD = "123456"
    assert unionpay.problems() == ["UnionPay: merchant.pfx cannot be opened with UNIONPAY_PFX_PASSWORD."]


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"UNIONPAY_MODE": "both"}, "UNIONPAY_MODE"),
        ({"UNIONPAY_MERCHANT_ID": "7772900581"}, "UNIONPAY_MERCHANT_ID"),
        ({"UNIONPAY_GATEWAY": "http://gateway.95516.com/gateway/api"}, "https"),
        ({"UNIONPAY_DAY_ENDS": "23.00"}, "UNIONPAY_DAY_ENDS"),
        ({"UNIONPAY_CARD_BIZ_TYPE": "301"}, "UNIONPAY_CARD_BIZ_TYPE"),
        ({"UNIONPAY_PAGE_BIZ_TYPE": ""}, "UNIONPAY_PAGE_BIZ_TYPE"),
        ({"UNIONPAY_DAY_ENDS": "24:00"}, "UNIONPAY_DAY_ENDS"),
        ({"UNIONPAY_BUYER_ORIGINS": ["https://cashier.95516.com"]}, "UNIONPAY_BUYER_ORIGINS"),
        (
            {"UNIONPAY_ALLOW_TEST_CN": True, "UNIONPAY_GATEWAY": "https://gateway.95516.com/gateway/api"},
            "UNIONPAY_ALLOW_TEST_CN",
        ),
        ({"UNIONPAY_ALLOW_TEST_CN": True, "PRODUCTION": True}, "UNIONPAY_ALLOW_TEST_CN"),
        ({"PRODUCTION": True}, "test gateway"),
    ],
)
def test_a_wrong_setting_is_told(certificates, settings, changes, about):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert any(about in problem for problem in unionpay.problems())


def test_certificates_that_end_soon_are_announced_and_ended_ones_are_problems(certificates, monkeypatch):
    now = clock.now()
    end = pki.key_pair("encryption").certificate.not_valid_after_utc
    monkeypatch.setattr(clock, "now", lambda: end - dt.timedelta(days=10, hours=1))
    certificates_module.note_renewal()
    assert unionpay.problems() == []
    assert {warning.split()[1] for warning in unionpay.warnings()} == set(FILES)
    assert all("ends in 10 days" in warning for warning in unionpay.warnings())

    monkeypatch.setattr(clock, "now", lambda: end + dt.timedelta(days=1))
    certificates_module.note_renewal()
    assert len(unionpay.problems()) == 3
    assert unionpay.warnings() == []
    assert card_form() is None
    assert now < end


# --- the card fields
# --------------------------------------------------------------------------------------------


def test_the_page_gets_key_and_number_of_the_encryption_certificate(certificates):
    form = card_form()
    certificate = x509.load_pem_x509_certificate((certificates / "encryption.pem").read_bytes())

    assert form.encrypt_cert_id == str(certificate.serial_number)
    assert int(form.encrypt_cert_id) > 2**63
    assert base64.b64decode(form.spki).startswith(b"\x30\x82")


def test_there_are_no_card_fields_in_redirect_mode_or_without_a_good_certificate(certificates, settings):
    settings.UNIONPAY_MODE = "redirect"
    assert card_form() is None
    assert unionpay.problems() == []

    settings.UNIONPAY_MODE = "onsite"
    foreign = pki.issue("041@Z2026@00040000:SIGN@00000099", pki.issue("ELSEWHERE", ca=True))
    merchant = pki.issue("041@Z2026@700000000000001:SIGN@00000001", pki.key_pair("middle"))
    for stranger in (foreign, merchant):
        (certificates / "encryption.pem").write_bytes(stranger.pem)
        assert card_form() is None
    (certificates / "encryption.pem").unlink()
    assert card_form() is None


def test_a_card_encrypted_for_the_present_certificate_passes(certificates):
    card = encrypted_card()
    assert checked_card(*dataclasses.astuple(card)) == card


def test_neither_repr_nor_error_shows_the_blocks(certificates):
    card = encrypted_card()
    assert card.acc_no not in repr(card)
    assert card.encrypted_info not in repr(card)
    with pytest.raises(ValueError, match="last digits") as caught:
        checked_card(card.acc_no, card.encrypted_info, card.encrypt_cert_id, "6250930000000002")
    assert "6250" not in str(caught.value)


def block(number, size=256):
    return base64.b64encode(number.to_bytes(size, "big")).decode()


def modulus():
    return pki.encryption_pair().key.public_key().public_numbers().n


DAMAGED = [
    "",
    "6250930000000002",
    "6250 9300 0000 0002",
    lambda text: text[:-4],
    lambda text: text + "AAAA",
    lambda text: text + "\n",
    lambda text: " " + text,
    lambda text: text.rstrip("="),
    lambda text: text.replace(text[5], "-", 1),
    lambda text: text[:-3] + "B==" if text[-3] != "B" else text[:-3] + "C==",
    lambda text: "é" + text[1:],
    lambda _: block(modulus()),
    lambda _: block(2**2048 - 1),
    lambda _: block(1, 255),
    lambda _: block(1, 257),
]


@pytest.mark.parametrize("field", ["acc_no", "encrypted_info"])
def test_what_cannot_be_one_rsa_block_is_refused(certificates, field):
    card = dataclasses.asdict(encrypted_card())

    def passes(damaged):
        try:
            checked_card(**card | {field: damaged(card[field]) if callable(damaged) else damaged})
        except ValueError:
            return False
        return True

    assert [number for number, damaged in enumerate(DAMAGED) if passes(damaged)] == []


def test_the_largest_number_below_the_modulus_is_a_block(certificates):
    values = dataclasses.asdict(encrypted_card()) | {"acc_no": block(modulus() - 1)}
    assert checked_card(**values)


@pytest.mark.parametrize(
    "changes",
    [
        {"encrypt_cert_id": "1"},
        {"encrypt_cert_id": ""},
        {"last4": "12"},
        {"last4": "１２３４"},
        {"last4": "12345"},
        {"last4": ""},
        {"last4": "1234\n"},
    ],
)
def test_another_certificate_or_other_last_digits_are_refused(certificates, changes):
    with pytest.raises(ValueError):  # noqa: PT011  several messages
        checked_card(**dataclasses.asdict(encrypted_card()) | changes)


# --- the form of fields
# -----------------------------------------------------------------------------------------


def test_times_are_beijings_whatever_the_zone(make_purchase):
    moment = dt.datetime(2026, 11, 23, 20, 30, 15, tzinfo=dt.UTC)
    purchase = make_purchase(started_at=moment, pay_until=moment + dt.timedelta(hours=1))
    fields = messages.own_page_purchase(purchase)
    assert (fields["txnTime"], fields["payTimeout"]) == ("20261124043015", "20261124053015")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reference": "SHORT"}, "orderId"),
        ({"reference": "WITH-DASH-1"}, "orderId"),
        ({"reference": "X" * 33}, "orderId"),
        ({"reference": "ABCDEFGH\n"}, "orderId"),
        ({"amount": Decimal(0)}, "txnAmt"),
        ({"amount": Decimal(-1)}, "txnAmt"),
        ({"amount": Decimal("99999999999.99")}, "txnAmt"),
        ({"notify_url": "/pay/notify/"}, "backUrl"),
        ({"notify_url": "https://shop.example/" + "x" * 240}, "backUrl"),
        ({"return_url": "javascript:alert(1)"}, "frontUrl"),
        ({"cancel_url": "https://shop.example/a b"}, "frontFailUrl"),
    ],
)
def test_a_field_that_unionpay_would_refuse_is_not_sent(make_purchase, changes, field):
    with pytest.raises(Misconfigured, match=f"format of {field}"):
        messages.own_page_purchase(make_purchase(**changes))


def test_empty_fields_are_neither_signed_nor_sent(unionpay_sandbox):
    assert set(certificates_module.merchant_key().signed({"a": "1", "b": ""})) == {"a", "certId", "signature"}


def test_an_amount_finer_than_its_currency_is_not_rounded(make_purchase):
    with pytest.raises(ValueError, match="digits"):
        messages.own_page_purchase(make_purchase(amount=Decimal("10.5"), currency="JPY"))


def test_codes_that_nobody_knows_are_neither_success_nor_failure():
    assert {codes.meaning(code) for code in ("", "0", "000", "ZZ", "07", "a6")} == {Meaning.UNKNOWN}
    assert [code for code in codes._MEANINGS if codes.meaning(code) is Meaning.DONE] == ["00", "A6"]
    assert len(codes._MEANINGS) == sum(len(listed.split()) for listed in codes._CODES.values())


def test_names_are_sorted_by_bytes_and_empty_values_are_signed():
    fields = {"b": "", "B": "1", "a1": "é", "a": "x=&y", "signature": "no"}
    assert string_to_sign(fields) == "B=1&a=x=&y&a1=é&b="


def test_answers_keep_plus_signs_and_forms_keep_empty_values():
    assert parse_answer(b"signature=a+b/c==&x=") == {"signature": "a+b/c==", "x": ""}
    assert parse_form(b"signature=a%2Bb%2Fc%3D%3D&x=&y=1+2") == {"signature": "a+b/c==", "x": "", "y": "1 2"}


# --- the sandbox's keys
# -----------------------------------------------------------------------------------------


def test_keys_are_made_once_however_many_ask_for_them(settings, tmp_path):
    settings.VAR_DIR, settings.UNIONPAY_CERT_DIR = tmp_path, tmp_path / "shop"
    settings.UNIONPAY_GATEWAY = f"{settings.SANDBOX_URL}/unionpay/gateway/api"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pki.ensure_keys(), range(4)))
    made = {path.name: path.read_bytes() for path in (tmp_path / "shop").iterdir()}
    assert set(made) == set(FILES)

    (tmp_path / "shop/middle.pem").unlink()
    pki.ensure_keys()
    (tmp_path / "shop/encryption.pem").write_bytes(made["encryption.pem"][:99])  # killed while copying
    pki.ensure_keys()
    assert {path.name: path.read_bytes() for path in (tmp_path / "shop").iterdir()} == made
    assert unionpay.problems() == []
    for key in (store.folder() / "unionpay").glob("*.key"):
        assert key.stat().st_mode & 0o077 == 0


def test_certificates_of_another_gateway_are_left_alone(settings, tmp_path):
    settings.VAR_DIR, settings.UNIONPAY_CERT_DIR = tmp_path, tmp_path / "shop"
    settings.UNIONPAY_GATEWAY = "https://gateway.test.95516.com/gateway/api"
    pki.ensure_keys()
    assert not (tmp_path / "shop").exists()
