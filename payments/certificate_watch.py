"""Staff hear in time when a certificate for UnionPay ends: one mail for each certificate and threshold."""

import datetime as dt

from django.conf import settings
from django.db import transaction

from shop import clock, outbox
from shop.mail import send

from .gateways import unionpay

DAYS_LEFT = [0, 7, 30, 60]
DAYS_IN_VAIN = [14, 3]  # the former encryption certificate is refused after about a month


def watch() -> None:
    """Look at all of them; to be called every day. A repeat sends nothing twice."""
    now = clock.now()
    for each in unionpay.endings():
        left = each.ends_at - now
        threshold = next((days for days in DAYS_LEFT if left <= dt.timedelta(days=days)), None)
        if threshold is not None:
            _tell(f"{each.serial[-40:]}:{threshold}", file=each.file, serial=each.serial, day=each.ends_at)
    since = unionpay.renewal_fails_since()
    if since:
        threshold = next(days for days in DAYS_IN_VAIN if now - since > dt.timedelta(days=days))
        _tell(f"renewal:{since:%Y%m%d}:{threshold}", file="", serial="", day=since)


@transaction.atomic
def _tell(key: str, *, file: str, serial: str, day: dt.datetime) -> None:
    outbox.publish("mail.certificate_alarm", key=key, file=file, serial=serial, day=day.isoformat(), fact=key)


@outbox.subscribe("mail.certificate_alarm")
def send_certificate_alarm(file: str, serial: str, day: str, fact: str) -> None:
    """To the shop's own inboxes. Without a file it is the daily renewal that fails."""
    moment = dt.datetime.fromisoformat(day)
    send(
        "certificate_alarm",
        to=settings.MERCHANT_EMAILS,
        context={"file": file, "serial": serial, "day": moment, "has_ended": moment <= clock.now()},
        language=settings.LANGUAGE_CODE,
        message_key=f"certificate-alarm-{fact}",
    )
