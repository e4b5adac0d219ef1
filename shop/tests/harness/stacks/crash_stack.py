"""The whole shop under a supervisor, killed where a test says, and what must be true of it afterwards."""

import datetime as dt
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from .stack import OwnStack, assert_never_gave_up, own_stores, running, wait_for
from .supervisor import DEATHS

LEAP = 40.0  # seconds of the shop's clock that pass at once when nothing has happened at first …
STEP = 3.0  # … and then
GLANCE = 0.2
CONFIRMATION = "Cloud Inkstone: Order confirmation"
CATCHING_UP = 20.0  # real seconds
ROUND = 1.5  # real seconds that beat and worker get between two steps of the clock

# I6: the stock's columns are the sums of its rows.
STOCK = """
WITH received AS (
  SELECT variant_id, sum(quantity) AS total FROM catalog_stockreceipt GROUP BY 1
), moved AS (
  SELECT variant_id,
    sum(CASE kind WHEN 'sell' THEN quantity WHEN 'return' THEN -quantity ELSE 0 END) AS sold,
    sum(CASE kind WHEN 'reserve' THEN quantity WHEN 'return' THEN 0 ELSE -quantity END) AS held
  FROM checkout_stockmovement GROUP BY 1
)
SELECT sku, on_hand, reserved, total, sold, held
FROM catalog_variant LEFT JOIN received ON received.variant_id = id LEFT JOIN moved ON moved.variant_id = id
WHERE tracks_stock
  AND (on_hand, reserved) <> (coalesce(total, 0) - coalesce(sold, 0), coalesce(held, 0))
"""
# I24: nothing is stuck. Times are the shop's, so they come as a parameter.
STUCK = {
    "attempts not asked about in time": """
        SELECT reference FROM payments_payment WHERE next_check_at < %(ago)s""",
    "open attempts of orders that are closed or paid": """
        SELECT reference FROM payments_payment p JOIN checkout_order o ON o.id = p.order_id
        WHERE p.status IN ('created', 'awaiting', 'capturing')
          AND o.status NOT IN ('pending', 'under_review')""",
    "claims of open attempts that nobody holds": """
        SELECT reference FROM payments_payment
        WHERE status IN ('created', 'awaiting', 'capturing') AND claimed_until < %(ago)s""",
    "notifications nobody looked at": """
        SELECT event_id FROM payments_gatewayevent
        WHERE processed_at IS NULL AND is_verified IS DISTINCT FROM false AND received_at < %(ago)s""",
    "messages not delivered": """
        SELECT key FROM shop_outboxmessage WHERE delivered_at IS NULL AND due_at < %(ago)s""",
    "refunds to do": """
        SELECT id FROM payments_refund WHERE status = 'created' AND started_at < %(ago)s""",
    "unpaid orders past their hold": """
        SELECT number FROM checkout_order WHERE status = 'pending' AND hold_until < %(ago)s""",
}
# What is still to be done about one buyer's orders, and for anybody.
OPEN = """
    SELECT reference || ' ' || p.status FROM payments_payment p JOIN checkout_order o ON o.id = p.order_id
    WHERE o.email = %(email)s AND p.status IN ('created', 'awaiting', 'capturing') AND o.status <> 'pending'
    UNION ALL
    SELECT 'refund ' || r.status FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
    JOIN checkout_order o ON o.id = p.order_id WHERE o.email = %(email)s AND r.status = 'created'
    UNION ALL
    SELECT key FROM shop_outboxmessage
    WHERE delivered_at IS NULL AND topic <> 'mail.details_reminder'  -- which waits for its day
    UNION ALL
    SELECT event_id FROM payments_gatewayevent
    WHERE processed_at IS NULL AND is_verified IS DISTINCT FROM false
"""
BOOKED = """
    SELECT o.status = 'paid' AND o.refunded_total = 0, o.total, coalesce(sum(l.amount), 0),
      count(*) FILTER (WHERE l.kind = 'capture')
    FROM checkout_order o LEFT JOIN payments_payment p ON p.order_id = o.id
    LEFT JOIN payments_ledgerentry l ON l.payment_id = p.id
    WHERE o.number = %(number)s GROUP BY o.id
"""


@dataclass
class CrashStack:
    """A running shop and its clock. ``killed_at`` is what it is for."""

    stack: OwnStack
    armed: Path
    offset: float = 0.0

    def later(self, seconds: float) -> None:
        self.offset += seconds
        self.stack.travel(self.offset)

    def pass_time(self, seconds: float, *, rounds: int) -> None:
        """In so many steps; after each, beat and worker have their turn."""
        for _ in range(rounds):
            self.later(seconds / rounds)
            time.sleep(ROUND)

    def now(self) -> float:
        """The shop's clock in seconds."""
        return time.time() + self.offset

    @contextmanager
    def killed_at(self, point: str) -> Iterator[None]:
        """In the block, or soon after it, a process comes by the point and dies there by SIGKILL."""
        deaths = self.deaths()
        fresh = self.armed.with_suffix(".new")
        fresh.write_text(point)
        fresh.replace(self.armed)
        yield
        wait_for(lambda: not self.armed.exists(), f"a process to come by {point}", 30)
        wait_for(lambda: self.deaths() == deaths + 1, f"a process to die at {point}", 10)
        wait_for(self._is_up, "what died to be started again", 60)

    def _is_up(self) -> bool:
        return all((self.stack.var / "run" / f"{name}.ready").exists() for name in ("worker", "beat"))

    def deaths(self) -> int:
        """How many processes have been ended by SIGKILL: gunicorn counts its own."""
        web = (self.stack.var / "log" / "shop.log").read_text(errors="replace")
        return web.count("was sent SIGKILL!") + self.worker_deaths()

    def worker_deaths(self) -> int:
        file = self.stack.var / DEATHS
        lines = file.read_text().splitlines() if file.exists() else []
        return sum(line.endswith(" -9") for line in lines)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.stack.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def orders(self, email: str) -> list[tuple[str, str]]:
        """(number, status) of this buyer's orders."""
        return self.rows(
            "SELECT number, status FROM checkout_order WHERE email = %(email)s ORDER BY id", email=email
        )

    def attempts(self, email: str) -> int:
        """How many attempts to pay there have been."""
        return self.rows(
            """SELECT count(*) FROM payments_payment p JOIN checkout_order o ON o.id = p.order_id
            WHERE o.email = %(email)s""",
            email=email,
        )[0][0]

    def wait_for_orders(self, email: str, *statuses: str, within: float) -> float:
        """Until the buyer's orders have these states. The clock moves and nobody does anything.

        Returns how many of its seconds have passed.
        """

        def differs() -> str:
            states = [status for _, status in self.orders(email)]
            return "" if states == list(statuses) else f"the orders are {states}"

        return self._wait_while(differs, within, max(STEP, within / 20))

    def wait_until_quiet(self, email: str) -> float:
        """Until nothing is open about the buyer's orders and all messages are out."""

        def left() -> str:
            return ", ".join(str(row[0]) for row in self.rows(OPEN, email=email))

        return self._wait_while(left, 240, LEAP)

    def _wait_while(self, open_work: Callable[[], str], within: float, step: float) -> float:
        began, leap = self.now(), LEAP
        while True:
            round_ends = time.monotonic() + ROUND
            while time.monotonic() < round_ends:
                if not (left := open_work()):
                    return self.now() - began
                time.sleep(GLANCE)
            passed = self.now() - began
            assert passed < within, f"after {passed:.0f} s: {left}"
            self.later(leap)
            leap = step

    # --- what must be true ---

    def assert_in_order(self, email: str) -> None:
        """Money, goods and mails of this buyer and the books of the whole shop."""
        self.assert_money(email)
        assert self.rows(STOCK) == []
        self._let_catch_up()
        assert self.stuck() == {}
        self.stack.manage("money_health")  # its status is 1 where something is wrong

    def _let_catch_up(self) -> None:
        """The clock has just leapt over moments at which somebody else's attempt was to be asked about."""
        with suppress(AssertionError):
            wait_for(lambda: not self.stuck(), "what was due to be done", CATCHING_UP)

    def stuck(self) -> dict[str, list[Any]]:
        ago = dt.datetime.fromtimestamp(self.now() - 60, dt.UTC)
        stuck = {what: self.rows(statement, ago=ago) for what, statement in STUCK.items()}
        return {what: rows for what, rows in stuck.items() if rows}

    def assert_money(self, email: str) -> None:
        """I1, I2: what was taken made one order paid, or went back. The sandbox's log is the witness."""
        for number, status in self.orders(email):
            taken, returned = self.taken(number), self.given_back(number)
            left = [reference for reference in taken if reference not in returned]
            is_ours, total, booked, captures = self.rows(BOOKED, number=number)[0]
            assert len(left) == is_ours, f"{number} is {status}: {taken}, back: {returned}"
            assert (booked, captures) == (total if is_ours else 0, len(taken)), number

    def moved(self, number: str, *kinds: str, status: Any) -> list[str]:
        """References of this order's attempts whose exchanges of that kind really moved something."""
        prefix = number.replace("-", "")
        return [
            reference
            for entry in self.stack.log()
            if entry["kind"] in kinds and entry["status"] == status
            for reference in entry.get("references", [])
            if reference.startswith(prefix)
        ]

    def taken(self, number: str) -> list[str]:
        """References of attempts whose money was taken, once per time it was."""
        paypal = self.moved(number, "capture", status=201)
        return paypal + self.moved(number, "purchase", "pay", status="00")

    def given_back(self, number: str) -> list[str]:
        """Whose money went back, once per time it did."""
        query_ids = {
            entry["query_id"]: entry["references"][0]
            for entry in self.stack.log()
            if entry["kind"] in {"purchase", "pay"} and entry.get("references")
        }
        prefix = number.replace("-", "")
        unionpay = [
            query_ids[entry["original"]]
            for entry in self.stack.log()
            if entry["kind"] in {"refund", "void"}
            and entry["status"] == "00"
            and query_ids.get(entry.get("original", ""), "").startswith(prefix)
        ]
        return self.moved(number, "refund", status=201) + unionpay

    def mails(self, email: str) -> Counter[str]:
        """Subjects without the order's number, with how often each came."""
        return Counter(
            re.sub(r"\s*\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", "", mail["subject"]) for mail in self.stack.mails(email)
        )

    def assert_confirmed(self, email: str, *, worker_died: bool = False) -> None:
        """Once. A worker that dies may have handed a mail over without noting it: then twice the same."""
        copies = [mail for mail in self.stack.mails(email) if CONFIRMATION in mail["subject"]]
        assert len({(mail["message_id"], mail["text"]) for mail in copies}) == 1, self.mails(email)
        assert len(copies) == 1 or worker_died, self.mails(email)
        assert set(self.mails(email)) == {CONFIRMATION}


@pytest.fixture(scope="session", params=["supervised"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashStack]:
    """On PostgreSQL and Redis. The parameter names its kind: see ``scheduling.Groups``."""
    folder = tmp_path_factory.mktemp("supervised")
    options = {
        "SHOP_CRASHPOINT_FILE": str(folder / "crashpoint"),
    }
    program = ("-m", "shop.tests.harness.stacks.supervisor")
    with own_stores() as stores, running(folder, **stores, program=program, **options) as stack:
        yield CrashStack(stack, folder / "crashpoint")
    assert_never_gave_up(stack)
