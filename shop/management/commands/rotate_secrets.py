"""Seal everything anew under the newest secrets, so that older ones may go. The shop stays open."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.keyring import fingerprints, rotation

SHOWN = 10  # primary keys of what nothing opens


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "settings", nargs="*", help=f"some of {', '.join(fingerprints.FAMILIES)}; else all"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count what depends on older secrets")

    def handle(self, *, settings: list[str], dry_run: bool, **options: Any) -> None:
        if unknown := set(settings) - set(fingerprints.FAMILIES):
            raise CommandError(f"There is no setting {', '.join(sorted(unknown))} to rotate.")
        if found := fingerprints.problems():
            raise CommandError("\n".join(found))
        families = settings or fingerprints.FAMILIES
        unfinished = [family for family in families if not self._rotate(family, dry_run)]
        if unfinished:
            raise CommandError(f"Keep the older secrets of {', '.join(unfinished)}.")

    def _rotate(self, family: str, dry_run: bool) -> bool:
        """Whether nothing depends on older secrets now."""
        self.stdout.write(family)
        tallies = rotation.renew(family, dry_run=dry_run)
        for tally in tallies:
            self.stdout.write(f"  {_line(tally)}")
            for pk in tally.unreadable[:SHOWN]:
                self.stderr.write(f"    no secret opens number {pk}")
        is_done = not any(tally.older or tally.unreadable for tally in tallies)
        self.stdout.write(
            "  Nothing depends on an older secret: it may go."
            if is_done
            else "  Something still depends on an older secret."
        )
        return is_done


def _line(tally: rotation.Tally) -> str:
    parts = [f"{tally.place}: {tally.seen}"]
    parts += [f"{tally.renewed} sealed anew"] if tally.renewed else []
    parts += [f"{tally.older} under an older secret"] if tally.older else []
    parts += [f"{len(tally.unreadable)} that nothing opens"] if tally.unreadable else []
    return ", ".join(parts)
