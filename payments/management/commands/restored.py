"""Look at a restored copy before it may speak: what would leave it, and what money came after its backup."""

import datetime as dt
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import override

from payments.gateways.base import GatewayError
from payments.health import restored
from shop.background import outbound
from shop.keyring import fingerprints


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", help="when the backup was made: 2026-12-01T03:00+08:00")
        parser.add_argument("--ask", action="store_true", help="also ask PayPal what it has told us since")
        parser.add_argument(
            "--hold",
            action="store_true",
            help="put on hold what may have been sent since the backup, and end all sessions",
        )

    def handle(self, *, since: str | None, ask: bool, hold: bool, **options: Any) -> None:
        with override("en"):
            if problems := fingerprints.problems():
                raise CommandError("\n".join(problems))
            self.stdout.write("The secrets are those of this database.")
            if not outbound.is_off():
                self.stdout.write("SHOP_OUTBOUND is not off: what follows happens while you read it.")
            self.section("Once SHOP_OUTBOUND is no longer off:", restored.would_leave(), "nothing leaves")
            begin = _moment(since) or restored.last_known()
            self.section("Accounts that may sign in; close who may not:", restored.accounts(), "none")
            if begin is None:
                self.stdout.write("No trace of business in this database: nothing to compare.")
                return
            self.stdout.write(
                f"\nThe backup knows of nothing after {timezone.localtime(begin):%Y-%m-%d %H:%M %Z}."
            )
            if hold:
                self.stdout.write(f"\nPut on hold: {restored.hold(begin)} orders.")
                self.stdout.write(f"Ended: {restored.end_sessions()} sessions of staff and visitors.")
            unsent = "Perhaps sent after the backup (--hold keeps them until you know):"
            self.section(unsent, restored.may_have_left(begin), "none")
            is_well = self.ask_paypal(begin) if ask else True
            if not ask:
                self.stdout.write("PayPal was not asked: --ask")
            compare = (
                "UnionPay lists no orders and no refunds to a program. In its merchants' portal, compare:"
            )
            self.section(compare, restored.files_to_compare(begin), "")
        if not is_well:
            sys.exit(1)

    def ask_paypal(self, begin: dt.datetime) -> bool:
        """False where somebody has to act, or PayPal gave no answer."""
        try:
            lines = list(restored.unknown_at_paypal(begin))
        except GatewayError as error:
            self.stdout.write(f"PayPal could not be asked: {error.code}. Compare its dashboard (Activity).")
            return False
        heading = "Money, taken or given back, that PayPal told our webhooks of and that is not booked here:"
        self.section(heading, iter(lines), "none. (What no webhook was told of, PayPal's dashboard shows.)")
        return not lines

    def section(self, heading: str, lines: Any, otherwise: str) -> None:
        self.stdout.write(f"\n{heading}")
        found = list(lines) or [otherwise]
        self.stdout.write("\n".join(f"  - {line}" for line in found))


def _moment(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    moment = parse_datetime(text)
    if moment is None:
        raise CommandError(f"{text} is no time such as 2026-12-01T03:00+08:00")
    return moment if moment.tzinfo else timezone.make_aware(moment)
