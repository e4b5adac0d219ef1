"""Alerts by mail: once a day for each check that is red, and for certificates that end soon."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from payments.gateways import unionpay
from shop import clock
from shop.background import outbox, peers
from shop.mail import send

from . import report

DAYS_LEFT = [0, 7, 30, 60]
DAYS_IN_VAIN = [14, 3]  # the former encryption certificate is refused after about a month


def watch_money() -> None:
    """Publish one mail a day for each red check; to be called every hour."""
    day = f"{clock.today()}"
    for check in report.checks():
        if check.state == "red":
            with transaction.atomic():
                outbox.publish("mail.money_health", key=f"{check.name}:{day}", check=check.name, day=day)


@outbox.subscribe("mail.money_health", peer=peers.MAIL)
def send_health_alert(check: str, day: str) -> None:
    """Re-run the check at send time; send nothing if it has turned green."""
    with override(settings.LANGUAGE_CODE):
        result = next(iter(report.checks(check)), None)
        page = settings.SITE_URL + reverse("admin:payments_money_health")
    if result is None or result.state != "red":
        return
    send(
        "money_health",
        to=settings.MERCHANT_EMAILS,
        context={"check": result, "page": page},
        language=settings.LANGUAGE_CODE,
        message_key=f"money-health-{check}-{day}",
    )


def watch_certificates() -> None:
    """Publish a mail for each certificate that ends soon; to be called every day. A repeat is harmless."""
    now = clock.now()
    for each in unionpay.endings():
        left = each.ends_at - now
        threshold = next((days for days in DAYS_LEFT if left <= dt.timedelta(days=days)), None)
        if threshold is not None:
            _publish_certificate_alarm(
                f"{each.serial[-40:]}:{threshold}", file=each.file, serial=each.serial, day=each.ends_at
            )
    since = unionpay.renewal_fails_since()
    if since:
        threshold = next(days for days in DAYS_IN_VAIN if now - since > dt.timedelta(days=days))
        _publish_certificate_alarm(f"renewal:{since:%Y%m%d}:{threshold}", file="", serial="", day=since)


@transaction.atomic
def _publish_certificate_alarm(key: str, *, file: str, serial: str, day: dt.datetime) -> None:
    outbox.publish("mail.certificate_alarm", key=key, file=file, serial=serial, day=day.isoformat(), fact=key)


@outbox.subscribe("mail.certificate_alarm", peer=peers.MAIL)
def send_certificate_alarm(file: str, serial: str, day: str, fact: str) -> None:
    """Mail the merchant about a certificate; without ``file`` it is the daily renewal that fails."""
    moment = dt.datetime.fromisoformat(day)
    send(
        "certificate_alarm",
        to=settings.MERCHANT_EMAILS,
        context={"file": file, "serial": serial, "day": moment, "has_ended": moment <= clock.now()},
        language=settings.LANGUAGE_CODE,
        message_key=f"certificate-alarm-{fact}",
    )
