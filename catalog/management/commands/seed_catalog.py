"""Fill the demo shop's shelves. Safe to run again: it only adds what is missing."""

from typing import Any

from django.core.management.base import BaseCommand

from catalog.seeding import seed


class Command(BaseCommand):
    help = "Add the demo shop's categories, goods and consulting services that are not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        made = seed()
        self.stdout.write(f"{made} products added.")
