"""Look for entries of the audit trail that were changed, taken out or put in. Ends with status 1 if so.

--digest: one that the log told of ("Audit trail: link … ends with …"): it must still be in the chain.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.audit import chain
from shop.models import AuditLink


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--digest", default="", help="a digest that the log told of")

    def handle(self, *args: Any, digest: str, **options: Any) -> None:
        found = list(chain.problems(digest=digest))
        for problem in found:
            self.stdout.write(problem)
        if found:
            raise CommandError("The audit trail is not as it was written.")
        newest = AuditLink.objects.order_by("-number").first()
        end = f"link {newest.number} ends with {newest.digest}" if newest else "no entry is linked yet"
        self.stdout.write(f"The audit trail is as it was written: {end}.")
