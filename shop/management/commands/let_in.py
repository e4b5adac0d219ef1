"""For a member of staff who cannot sign in: a one-time link, and the second factor taken away if it is lost.

For the owner, whom nobody else can help; others are helped on their page of the admin.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.admin.sign_in import links, second_factor


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--reset-second-factor", action="store_true", help="take away the app and the recovery codes"
        )

    def handle(self, *, username: str, reset_second_factor: bool, **options: Any) -> None:
        user = User.objects.filter(username=username, is_staff=True, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active member of staff called {username}.")
        if reset_second_factor:
            had_one = second_factor.remove(user)
            self.stdout.write("The second factor is reset." if had_one else "There was no second factor.")
        self.stdout.write(f"Open within {links.MINUTES} minutes, in the browser to sign in from:")
        self.stdout.write(links.make(user, settings.LANGUAGE_CODE))
