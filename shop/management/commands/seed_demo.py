"""Fill the demo: the catalogue, and people who can sign in. Safe to run twice."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from shop.admin import staff_groups


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("seed_demo is not for production: it makes people with known names.")
        call_command("seed_catalog", verbosity=0)
        call_command("seed_promotions", verbosity=0)
        staff_groups.make_groups()
        if staff_groups.make_demo_staff():
            self.stdout.write(f"Demo logins, kept in {settings.VAR_DIR / 'demo-logins.txt'}:")
            for name, password in staff_groups.demo_logins().items():
                self.stdout.write(f"  {name}  {password}")
