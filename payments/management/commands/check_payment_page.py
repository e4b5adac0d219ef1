"""Compare the payment page, as it is served, with the inventory of its scripts. Status 1 where it differs."""

import sys
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order
from payments.health import payment_page


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="", help="a payment page; else that of the newest unpaid order")

    def handle(self, *, url: str, **options: Any) -> None:
        try:
            problems = payment_page.problems(url or _newest())
        except requests.RequestException as error:
            raise CommandError(f"The page cannot be fetched ({type(error).__name__}).") from None
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            sys.exit(1)
        self.stdout.write(
            f"{len(payment_page.inventory())} scripts, all known; the policy is as it should be."
        )


def _newest() -> str:
    order = Order.objects.filter(status=Order.Status.PENDING).order_by("-pk").first()
    if order is None:
        raise CommandError("No order waits for its payment: name a page with --url.")
    with override("en"):
        return settings.SITE_URL + reverse("payments:pay", args=[order.token])
