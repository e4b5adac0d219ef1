"""Which tests show which row of the failure model.

``python -m shop.tests.harness.failures`` writes them into docs.
A test names its rows by ``@pytest.mark.failure("F34", …)``, at the function or for the whole file.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

BASE = Path(__file__).resolve().parents[3]
TABLE = BASE / "docs" / "failures.md"
APPS = ("cart", "catalog", "checkout", "consulting", "payments", "shop")
ROW = re.compile(r"^\| (F\d\d) \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
NAME = re.compile(r"F\d\d")
LATER = "later"


@cache
def marked() -> dict[str, list[str]]:
    """Row -> the tests that name it, as path::function. Read from the sources; nothing is imported."""
    tests: dict[str, set[str]] = defaultdict(set)
    for app in APPS:
        for path in sorted((BASE / app / "tests").rglob("test_*.py")):
            tree = ast.parse(path.read_text())
            whole_file = [row for node in tree.body if _is_pytestmark(node) for row in _rows_in(node)]
            for test in _tests(tree):
                name = f"{path.relative_to(BASE)}::{test.name}"
                for row in [*whole_file, *(row for mark in test.decorator_list for row in _rows_in(mark))]:
                    tests[row].add(name)
    return {row: sorted(names) for row, names in tests.items()}


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    )


def _rows_in(node: ast.AST) -> Iterator[str]:
    """The names of rows in a marker, also in one that stands within the parameters of a test."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and NAME.fullmatch(part.value):
            yield part.value


def rows() -> dict[str, str]:
    """Row -> the last cell of its line in the table."""
    return {row: cell.strip() for row, _, _, cell in ROW.findall(TABLE.read_text())}


def cell(tests: list[str]) -> str:
    """The tests by file: ``payments/tests/test_pages.py`` 3, …: readable, and it changes when a test does."""
    files: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        path, _, name = test.partition("::")
        files[path].append(name.removeprefix("test_").replace("_", " "))
    return "<br>".join(f"`{path}`: {'; '.join(names)}" for path, names in files.items())


def write() -> None:
    tests = marked()

    def line(match: re.Match[str]) -> str:
        row, fault, outcome, old = (part.strip() for part in match.groups())
        shown = cell(tests[row]) if row in tests else old if old == LATER else ""
        return f"| {row} | {fault} | {outcome} | {shown} |"

    TABLE.write_text(ROW.sub(line, TABLE.read_text()))


if __name__ == "__main__":
    write()
