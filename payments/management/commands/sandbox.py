"""Stand-ins for PayPal, UnionPay and the mail server, on this machine only. See payments/sandbox/."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from payments.sandbox import server


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []  # the shop's checks are about the shop

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"Sandbox on {settings.SANDBOX_URL}/, mail on port {settings.EMAIL_PORT}.")
        try:
            server.serve()
        except server.CannotStart as problem:
            raise CommandError(str(problem)) from None
