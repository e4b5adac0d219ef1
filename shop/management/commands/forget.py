"""Delete what is past its time, as the hourly job does; --dry-run only counts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shop.privacy import retention


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, delete nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        for kind, count in retention.overdue() if dry_run else retention.forget():
            self.stdout.write(f"{'unknown' if count is None else count:>8} {kind.name}")
