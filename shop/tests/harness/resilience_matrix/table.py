"""What still works while one thing is away.

``python -m shop.tests.harness.resilience_matrix.table`` writes it into docs.
Each cell is a test of ``test_resilience_matrix.py``. What does not hold is repaired in the shop.
"""

import re
from dataclasses import dataclass

from shop.tests.harness.prepared import BASE

DOCUMENT = BASE / "docs" / "resilience.md"
TABLE = re.compile(r"^\| away \|.*\n(?:\|.*\n)+", re.MULTILINE)

WORKS, DEGRADED, REFUSED = "works", "degraded", "refused politely"
COLUMNS = {
    "browse": "browse",
    "cart": "cart",
    "checkout": "checkout form",
    "pay": "Pay",
    "return": "return",
    "status": "status page",
    "unlock": "unlock",
    "admin": "admin",
    "others": "somebody else's payment",
}
AFTERWARDS = "afterwards"


@dataclass(frozen=True)
class Row:
    name: str
    fault: str  # how the test brings it about
    differs: dict[str, tuple[str, str]]  # column -> value and what it means; all others work
    afterwards: str

    def value(self, column: str) -> str:
        return self.differs[column][0] if column in self.differs else WORKS


def _all_refused(why: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(COLUMNS, (REFUSED, why))


SAYS_SO = "503, “We will be right back”"
NOT_WRITTEN = "503; nothing was written, no gateway was called"
CAUGHT_UP = "mails go out"
LATER = "the money is taken; the order shows it when it is back, or once its page is looked at"

ROWS = {
    "postgresql": Row(
        "PostgreSQL",
        "the server is crashed and stays down",
        _all_refused(SAYS_SO),
        "everybody goes on where they were; what PayPal's buyer approved is taken",
    ),
    "redis-broker": Row(
        "Redis (broker)",
        "the server is killed and stays down",
        {"others": (DEGRADED, LATER)},
        f"{CAUGHT_UP} when it is back, empty",
    ),
    "redis-silent": Row(
        "Redis (broker), silent",
        "it accepts and says nothing",
        {"others": (DEGRADED, LATER)},
        f"{CAUGHT_UP}, each once",
    ),
    "redis-cache": Row(
        "Redis (cache)",
        "there is none; Redis is emptied twenty times a second",
        {},
        f"{CAUGHT_UP}; nothing but Celery has used Redis",
    ),
    "smtp": Row("SMTP", "nobody listens at the port", {}, f"{CAUGHT_UP}, each once"),
    "smtp-silent": Row("SMTP, silent", "it accepts and says nothing", {}, f"{CAUGHT_UP}, each once"),
    "paypal": Row(
        "PayPal",
        "every call is reset",
        {
            "pay": (DEGRADED, "PayPal: “could not be reached”, no money taken; the card works"),
            "return": (DEGRADED, "the answer is not known yet: “please do not pay again”"),
        },
        "what was approved is taken once",
    ),
    "paypal-silent": Row(
        "PayPal, silent",
        "every call is taken and none answered",
        {
            "pay": (DEGRADED, "PayPal: “could not be reached”, no money taken; the card works"),
            "return": (DEGRADED, "the answer is not known yet: “please do not pay again”"),
        },
        "what was approved is taken once",
    ),
    "unionpay": Row(
        "UnionPay",
        "every call is reset",
        {"pay": (DEGRADED, "card: the page waits for the answer; whoever chooses PayPal has paid")},
        "the card is not charged any more, its order ends; everybody else has paid",
    ),
    "unionpay-silent": Row(
        "UnionPay, silent",
        "every call is taken and none answered",
        {"pay": (DEGRADED, "card: the page waits for the answer; whoever chooses PayPal has paid")},
        "the card is not charged any more, its order ends; everybody else has paid",
    ),
    "disk-shop": Row(
        "disk of the shop",
        "no process of the shop can write a byte to a file",
        {"checkout": (DEGRADED, "a file is refused at its field; everything typed stays, the order is made")},
        "nothing: logs have a gap",
    ),
    "disk-database": Row(
        "disk of the database",
        "every row that is written ends in `disk_full`",
        {
            "cart": (REFUSED, NOT_WRITTEN),
            "checkout": (REFUSED, NOT_WRITTEN),
            "pay": (REFUSED, NOT_WRITTEN),
            "return": (REFUSED, "503; taken once there is room"),
            "unlock": (REFUSED, NOT_WRITTEN),
            "admin": (REFUSED, NOT_WRITTEN),
            "others": (REFUSED, NOT_WRITTEN),
        },
        "as after PostgreSQL",
    ),
    "worker": Row(
        "Celery worker",
        "killed and not started again",
        {"others": (DEGRADED, LATER)},
        f"{CAUGHT_UP}, each once",
    ),
    "beat": Row(
        "beat", "killed and not started again", {}, "nothing was late but what only the clock starts"
    ),
}


def table() -> str:
    lines = [
        f"| away | by | {' | '.join(COLUMNS.values())} | when it is back |",
        f"|{'---|' * (len(COLUMNS) + 3)}",
    ]
    for row in ROWS.values():
        cells = [_cell(row, column) for column in COLUMNS]
        lines.append(f"| {row.name} | {row.fault} | {' | '.join(cells)} | {row.afterwards} |")
    return "\n".join(lines) + "\n"


def _cell(row: Row, column: str) -> str:
    value = row.value(column)
    if value == WORKS:
        return value
    return f"**{value}**" if len(row.differs) == len(COLUMNS) else f"**{value}**: {row.differs[column][1]}"


def write() -> None:
    DOCUMENT.write_text(TABLE.sub(lambda _: table(), DOCUMENT.read_text()))


if __name__ == "__main__":
    write()
