"""Bring database, staff groups, translations and static files up to date: part of every deployment."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from shop import canaries, staff, translations


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        translations.compile_catalogues()
        self._require_secrets()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        staff.make_groups()
        canaries.remember()

    def _require_secrets(self) -> None:
        if found := canaries.problems():
            raise CommandError("\n".join(found))
