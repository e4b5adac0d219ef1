"""Staff hear of it when something about the money turns red: one mail a day for each check."""

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from shop import clock, outbox
from shop.mail import send

from . import money_health


def watch() -> None:
    """Look at everything; to be called every hour."""
    day = f"{clock.today()}"
    for check in money_health.checks():
        if check.state == "red":
            with transaction.atomic():
                outbox.publish("mail.money_health", key=f"{check.name}:{day}", check=check.name, day=day)


@outbox.subscribe("mail.money_health")
def send_finding(check: str, day: str) -> None:
    """As it stands when the mail goes out: nothing is sent of what has been put right meanwhile."""
    with override(settings.LANGUAGE_CODE):
        found = next((each for each in money_health.checks() if each.name == check), None)
        page = settings.SITE_URL + reverse("admin:payments_money_health")
    if found is None or found.state != "red":
        return
    send(
        "money_health",
        to=settings.MERCHANT_EMAILS,
        context={"check": found, "page": page},
        language=settings.LANGUAGE_CODE,
        message_key=f"money-health-{check}-{day}",
    )
