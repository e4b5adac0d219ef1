"""Fill in the demo's promo codes. Safe to run again: it only adds what is missing."""

from typing import Any

from django.core.management.base import BaseCommand

from checkout.promotions.seeding import create_missing


class Command(BaseCommand):
    help = "Add the demo shop's promo codes that are not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        made = create_missing()
        self.stdout.write(f"{made} promo codes added.")
