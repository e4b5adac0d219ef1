"""Staff hear of certificates that end in 60, 30 and 7 days, and of a renewal that fails for days."""

import datetime as dt
import os

import pytest
from django.core import mail

from payments.gateways import unionpay
from payments.gateways.base import GatewayError
from payments.gateways.unionpay import certificates
from payments.health.alerts import watch_certificates
from payments.sandbox.unionpay import pki
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db
real_now = clock.now
FILES = ("root.pem", "middle.pem", "merchant.pfx", "encryption.pem")


@pytest.fixture(autouse=True)
def folder(unionpay_sandbox, settings, tmp_path):
    """The shop's certificate folder, for the test to change. The encryption certificate ends in 100 days."""
    for name in FILES:
        (tmp_path / name).write_bytes((settings.UNIONPAY_CERT_DIR / name).read_bytes())
    short = pki.issue("041@Z2026@00040000:SIGN@00000099", pki.key_pair("middle"), days=101)
    (tmp_path / "encryption.pem").write_bytes(short.pem)
    settings.UNIONPAY_CERT_DIR = tmp_path
    settings.LANGUAGE_CODE = "en"
    return tmp_path


@pytest.fixture
def on_day(monkeypatch, folder):
    """Look as the daily task would so many days from now, having renewed the certificate that morning."""

    def look(days, *, renewed=True):
        monkeypatch.setattr(clock, "now", lambda: real_now() + dt.timedelta(days=days))
        if renewed:
            certificates.note_renewal()
        watch_certificates()
        return list(OutboxMessage.objects.order_by("pk").values_list("key", flat=True))

    return look


def test_one_mail_for_each_certificate_and_threshold(on_day, deliver_outbox):
    counts = [(day, len(on_day(day))) for day in (39, 41, 42, 69, 71, 72, 92, 94, 99, 101, 130)]
    assert counts == [
        (39, 0), (41, 1), (42, 1), (69, 1), (71, 2), (72, 2), (92, 2), (94, 3), (99, 3), (101, 4), (130, 4),
    ]  # fmt: skip
    deliver_outbox()
    subjects = [message.subject for message in mail.outbox]
    assert len(subjects) == 4
    assert "A certificate for UnionPay has ended" in subjects[-1]
    assert all("encryption.pem" in message.body for message in mail.outbox)


def test_a_shop_that_was_off_for_weeks_hears_of_the_nearest_threshold_only(on_day):
    [key] = on_day(95)
    assert key.endswith(":7")


def test_a_new_certificate_in_the_file_ends_the_alarms_and_starts_its_own(on_day, folder):
    assert len(on_day(41)) == 1
    new = pki.issue("041@Z2026@00040000:SIGN@00000099", pki.key_pair("middle"), days=500)
    certificates.replace_encryption_certificate(new.certificate)
    assert len(on_day(95)) == 1


def test_several_certificates_in_a_ca_file_count_by_the_last(folder):
    old = pki.issue("SANDBOX OCA1", pki.key_pair("root"), ca=True, days=10)
    (folder / "middle.pem").write_bytes(old.pem + (folder / "middle.pem").read_bytes())
    ends = {each.file: each.ends_at for each in unionpay.endings()}
    assert ends["middle.pem"] - real_now() > dt.timedelta(days=1000)


@pytest.mark.parametrize("name", FILES)
def test_the_mail_says_what_to_do_about_each_file(on_day, folder, deliver_outbox, name):
    days = (pki.key_pair("root").certificate.not_valid_after_utc - real_now()).days - 5
    on_day(days if name != "encryption.pem" else 95)
    deliver_outbox()
    [message] = [message for message in mail.outbox if f"in {name}" in message.body]
    html = message.alternatives[0].content
    for text in (message.body, html):
        assert "ends on" in text or "ended on" in text
        assert {"merchant.pfx": "CFCA", "encryption.pem": "every day"}.get(name, "the same file") in text


@pytest.mark.failure("F48")
def test_a_renewal_that_fails_for_days_is_told_once_and_again_before_it_is_too_late(
    on_day, deliver_outbox, folder
):
    assert [len(on_day(day, renewed=False)) for day in (1, 2.9, 3.1, 5, 13, 14.1, 20)] == [
        0,
        0,
        1,
        1,
        1,
        2,
        2,
    ]
    assert any("could not be renewed since" in warning for warning in unionpay.warnings())
    deliver_outbox()
    assert "cannot be renewed" in mail.outbox[0].subject
    assert "Since" in mail.outbox[0].body
    assert len(on_day(21)) == 2
    assert not any("renewed" in warning for warning in unionpay.warnings())


def test_each_successful_renewal_is_remembered_and_no_failed_one(settings, folder, monkeypatch):
    long_ago = real_now().timestamp() - 9 * 86400
    os.utime(folder / "encryption.pem", (long_ago, long_ago))
    there, settings.UNIONPAY_GATEWAY = settings.UNIONPAY_GATEWAY, "http://127.0.0.1:9/gateway/api"
    with pytest.raises(GatewayError):
        unionpay.renew_encryption_certificate()
    assert unionpay.renewal_fails_since() is not None

    settings.UNIONPAY_GATEWAY = there
    assert unionpay.renew_encryption_certificate() is True  # the stand-in's own
    assert unionpay.renew_encryption_certificate() is False
    assert unionpay.renewal_fails_since() is None
    assert abs(certificates.last_renewal() - real_now()) < dt.timedelta(minutes=1)


def test_a_folder_that_cannot_be_written_is_told(folder, monkeypatch):
    def refused(*_args, **_kwargs):
        raise PermissionError

    monkeypatch.setattr(certificates.os, "utime", refused)
    with pytest.raises(GatewayError, match="UNIONPAY_CERT_DIR cannot be written"):
        unionpay.renew_encryption_certificate()


def test_in_redirect_mode_nothing_is_renewed_and_nothing_missed(on_day, settings):
    settings.UNIONPAY_MODE = "redirect"
    assert on_day(30, renewed=False) == []
