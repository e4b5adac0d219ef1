"""Mistakes in the environment are found before a customer finds them."""

import pytest
from cryptography.fernet import Fernet

from payments.checks import check_paypal
from shop.monitoring import checks


def ids(messages):
    return [message.id for message in messages]


def test_the_secrets_of_the_demo_pass():
    assert checks.check_secrets(None) == []


def test_a_short_secret_is_refused(settings):
    settings.SECRET_KEY = "short"
    assert ids(checks.check_secrets(None)) == ["shop.E001"]


def test_a_broken_fernet_key_is_refused_also_when_it_is_an_old_one(settings):
    settings.SEAL_KEYS = [Fernet.generate_key().decode(), "n" * 44 + "!"]
    assert ids(checks.check_secrets(None)) == ["shop.E002"]


def test_a_secret_serves_one_purpose(settings):
    settings.ESCROW_KEYS = settings.SEAL_KEYS
    assert ids(checks.check_secrets(None)) == ["shop.E003"]


def test_no_secret_stands_in_a_message(settings):
    settings.SECRET_KEY = settings.ORDER_KEY_PEPPERS[0]
    settings.SEAL_KEYS = ["not a key, yet private"]
    for message in checks.check_secrets(None):
        assert settings.SECRET_KEY not in str(message)
        assert "private" not in str(message)


@pytest.mark.parametrize(
    "address", ["shop.example.com", "https://", "https://shop.example.com/shop", "ftp://shop.example.com"]
)
def test_the_site_address_is_an_origin(settings, address):
    settings.SITE_URL = address
    assert ids(checks.check_site_address(None)) == ["shop.E004"]


def test_production_needs_tls(settings):
    settings.SITE_URL = "http://shop.example.com"
    assert checks.check_site_address(None) == []
    settings.PRODUCTION = True
    assert ids(checks.check_site_address(None)) == ["shop.E005"]


def test_an_unknown_currency_is_refused(settings):
    settings.CURRENCY = "HKS"
    assert ids(checks.check_currency(None)) == ["shop.E006"]


def test_a_database_of_another_encoding_is_refused(monkeypatch, db):
    assert checks.check_database_encoding(None, databases=["default"]) == []
    monkeypatch.setattr(checks, "_encoding", lambda alias: "SQL_ASCII")
    assert ids(checks.check_database_encoding(None, databases=["default"])) == ["shop.E007"]
    assert checks.check_database_encoding(None) == []  # a plain check asks no database


@pytest.mark.parametrize(
    ("mode", "address", "found"),
    [
        ("live", "https://api-m.paypal.com", []),
        ("sandbox", "https://api-m.sandbox.paypal.com", []),
        ("sandbox", "http://127.0.0.1:8001/paypal", []),
        ("live", "https://api-m.sandbox.paypal.com", ["payments.E003"]),
        ("live", "http://127.0.0.1:8001/paypal", ["payments.E003"]),
        ("sandbox", "https://api-m.paypal.com", ["payments.E003"]),
        ("live", "http://api-m.paypal.com", ["payments.E004"]),
        ("test", "https://api-m.paypal.com", ["payments.E002"]),
    ],
)
def test_paypals_mode_and_address_fit(settings, mode, address, found):
    settings.PAYPAL_MODE, settings.PAYPAL_API_BASE = mode, address
    assert ids(check_paypal()) == found


def test_a_missing_payee_is_worth_a_warning(settings):
    settings.PAYPAL_MERCHANT_ID = ""
    assert ids(check_paypal()) == ["payments.W001"]
