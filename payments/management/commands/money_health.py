"""Tell whether every cent is where it belongs. Ends with status 1 when something is not."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import override

from payments.health import report
from shop.background import outbound
from shop.monitoring.audit import Check

MARKS = {"ok": "ok  ", "note": "note", "red": "RED "}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ask", action="store_true", help="also ask the gateways about recent payments")
        parser.add_argument("--days", type=int, default=report.DAYS, help="how recent: days back")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, ask: bool, days: int, **options: Any) -> None:
        with override("en"):
            with outbound.questions_are_allowed():
                results = [report.ask_gateways(days=days)] if ask else []
            results = [*results, *report.checks()]  # after asking: it settles what differs
        if options["json"]:
            self.stdout.write(json.dumps([as_json(check) for check in results], ensure_ascii=False, indent=1))
        else:
            for check in results:
                self.write(check)
        if report.is_red(results):
            sys.exit(1)

    def write(self, check: Check) -> None:
        self.stdout.write(f"{MARKS[check.state]}  {check.name}: {check.title}")
        if check.rows:
            for row in (check.headings, *check.rows):
                self.stdout.write("        " + " | ".join(row))
        for finding in check.findings:
            self.stdout.write(f"        {'!' if finding.is_red else '-'} {finding.text} {finding.advice}")
        if check.is_cut:
            self.stdout.write("        … and more")


def as_json(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "title": check.title,
        "state": check.state,
        "findings": [
            {"key": each.key, "text": each.text, "advice": each.advice, "red": each.is_red}
            for each in check.findings
        ],
        "figures": [dict(zip(check.headings, row, strict=True)) for row in check.rows],
        "more": check.is_cut,
    }
