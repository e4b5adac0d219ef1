"""``check --deploy`` lets no wrong setting through, one at a time."""

import re
from pathlib import Path

import pytest
from django import conf
from django.core import checks

from payments import checks as payment_checks
from shop.monitoring import deployment_checks
from shop.tests.test_production import EXAMPLE, FIXED, OWNERS

SETTINGS = Path(conf.settings.BASE_DIR) / "shop" / "settings"


@pytest.fixture
def right(settings, monkeypatch, tmp_path):
    """Settings of a shop in production, in this process."""
    for name in re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE):
        monkeypatch.delenv(name, raising=False)
    settings.PRODUCTION = settings.BEHIND_TLS_PROXY = True
    settings.TRUSTED_PROXIES = ["127.0.0.1", "fd00::1"]
    settings.STAFF_SECOND_FACTOR = settings.OUTBOUND = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "smtp.inkstone.hk", True
    settings.SITE_URL = "https://inkstone.hk"
    settings.MERCHANT_EMAILS = settings.CONSULTANT_EMAILS = ["mei@inkstone.hk"]
    settings.CUSTOMER_SERVICE_EMAIL = settings.DEFAULT_FROM_EMAIL = "orders@inkstone.hk"
    settings.CUSTOMER_SERVICE_PHONE = OWNERS["CUSTOMER_SERVICE_PHONE"]
    settings.PAYPAL_MERCHANT_ID = OWNERS["PAYPAL_MERCHANT_ID"]
    settings.UNIONPAY_MERCHANT_ID = OWNERS["UNIONPAY_MERCHANT_ID"]
    settings.UNIONPAY_CERT_DIR = tmp_path / "none"
    settings.ENV_FILE, settings.VAR_DIR = tmp_path / "env", tmp_path / "var"
    settings.ENV_FILE.touch(mode=0o600)
    settings.VAR_DIR.mkdir(mode=0o700)
    return settings


def refused():
    found = [*deployment_checks.check_deployment(None), *payment_checks.check_play_money()]
    assert all(message.hint and message.level >= checks.ERROR for message in found)
    return [message.id for message in found]


WRONG = [
    ("PRODUCTION", False, "shop.E020"),
    ("TRUSTED_PROXIES", [], "shop.E021"),
    ("TRUSTED_PROXIES", ["10.0.0.0/8"], "shop.E022"),
    ("ALLOWED_HOSTS", ["inkstone.hk", "*"], "shop.E023"),
    ("DATABASE_URL", "sqlite:////var/lib/shop.sqlite3", "shop.E024"),
    ("TRUSTED_PROXIES", ["0.0.0.0"], "shop.E022"),
    ("EMAIL_USE_TLS", False, "shop.E025"),
    ("DATABASE_URL", "postgresql://shop:t0psecret@db.inkstone.hk/shop", "shop.E030"),
    ("DATABASE_URL", "postgresql://shop:t0psecret@db.inkstone.hk/shop?sslmode=require", "shop.E030"),
    ("REDIS_URL", "redis://:t0psecret@10.0.0.5:6379/0", "shop.E031"),
    ("REDIS_URL", "rediss://:t0psecret@10.0.0.5:6379/0?ssl_cert_reqs=none", "shop.E031"),
    *((name, wrong, "shop.E032") for name in deployment_checks.LIMITS for wrong in (0, -1)),
    ("UNPAID_SHARE_PERCENT", 101, "shop.E032"),
    *(
        ("EMAIL_BACKEND", f"django.core.mail.backends.{name}.EmailBackend", "shop.E033")
        for name in ("console", "dummy", "filebased", "locmem")
    ),
    ("BEHIND_TLS_PROXY", False, "shop.E034"),
    ("STAFF_SECOND_FACTOR", False, "shop.E035"),
    ("OUTBOUND", False, "shop.E036"),
    *(
        (name, wrong, "shop.E026")
        for name in (
            "KEEP_ORDERS_YEARS",
            "KEEP_ADDRESSES_DAYS",
            "KEEP_UNPAID_DAYS",
            "KEEP_UNPAID_ANSWERS_DAYS",
            "KEEP_MESSAGES_DAYS",
            "KEEP_ACCESS_LOG_DAYS",
            "KEEP_NOTIFICATIONS_DAYS",
            "KEEP_AUDIT_DAYS",
        )
        for wrong in (0, -1)
    ),
    *((name, "me@shop.example", "shop.E027") for name in ("CUSTOMER_SERVICE_EMAIL", "DEFAULT_FROM_EMAIL")),
    *((name, ["me@example.com"], "shop.E027") for name in ("MERCHANT_EMAILS", "CONSULTANT_EMAILS")),
    ("SITE_URL", "https://shop.example.com", "shop.E027"),
    ("CUSTOMER_SERVICE_PHONE", "+852 5808 0000", "shop.E027"),
    ("PAYPAL_MERCHANT_ID", "SANDBXMERCH22", "payments.E005"),
    ("PAYPAL_MERCHANT_ID", "ABCDEFGHJKLMN", "payments.E005"),
    ("UNIONPAY_MERCHANT_ID", "777290058100000", "payments.E005"),
    ("UNIONPAY_MERCHANT_ID", "000000000000000", "payments.E005"),
]


@pytest.mark.parametrize(("name", "wrong", "number"), WRONG)
def test_a_wrong_setting_is_refused(right, name, wrong, number):
    assert refused() == []
    setattr(right, name, wrong)
    assert refused() == [number]


def test_every_term_of_keeping_is_looked_at(right):
    terms = {name for name in dir(conf.settings) if name.startswith("KEEP_")}
    assert terms == {name for name, _wrong, number in WRONG if number == "shop.E026"}


def test_every_number_that_an_owner_may_set_is_looked_at():
    found = [re.findall(r'env\.int\("(\w+)"', path.read_text()) for path in SETTINGS.glob("*.py")]
    numbers = {name for names in found for name in names}
    assert len(numbers) > 15
    looked_at = {name for name, _wrong, _number in WRONG} | {"PORT", "SANDBOX_PORT", "HSTS_SECONDS"}
    assert numbers - looked_at == set(), "what would it do at 0?"


def test_every_value_of_the_example_is_refused_in_the_environment(right, monkeypatch):
    for name, value in re.findall(r"^([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE):
        monkeypatch.setenv(name, value)
        assert refused() == ([] if name in FIXED else ["shop.E027"]), name
        monkeypatch.delenv(name)


def test_a_mail_server_on_this_machine_needs_no_tls(right):
    right.EMAIL_USE_TLS, right.EMAIL_HOST = False, "127.0.0.1"
    assert refused() == []


def test_stores_on_this_machine_or_behind_tls_are_taken(right):
    for database in ("verify.hk/shop?sslmode=verify-full", "%2Frun%2Fpostgresql/shop", "localhost/shop"):
        right.DATABASE_URL = f"postgresql://shop:t0psecret@{database}"
        assert refused() == [], database
    right.REDIS_URL = "rediss://:t0psecret@10.0.0.5:6379/0?ssl_cert_reqs=required"
    assert refused() == []


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602])
def test_what_others_may_read_or_change_is_refused(right, mode):
    right.ENV_FILE.chmod(0o640)
    assert refused() == []
    right.ENV_FILE.chmod(mode)
    assert refused() == ["shop.E028"]
    right.ENV_FILE.chmod(0o600)
    right.VAR_DIR.chmod(0o700 | (mode & 0o077))
    assert refused() == ["shop.E029"]


def test_the_sandboxs_certificates_are_not_unionpays(right, sandbox, tmp_path):
    from payments.sandbox.unionpay import pki

    right.UNIONPAY_CERT_DIR = tmp_path / "none"
    right.UNIONPAY_CERT_DIR.mkdir()
    (right.UNIONPAY_CERT_DIR / "root.pem").write_text(pki.certificate_text("root"))
    assert refused() == ["payments.E006"]
