"""Which tests show which row of docs/failures.md; ``python -m shop.tests.harness.failures`` prints it.

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
ROW = re.compile(r"^\| (F\d\d) \|(.*)\|$", re.MULTILINE)
NAME = re.compile(r"F\d\d")
LATER = "(later)"


@cache
def marked() -> dict[str, list[str]]:
    """Row -> the tests that name it, as path::function. Read from the sources; nothing is imported."""
    tests: dict[str, set[str]] = defaultdict(set)
    for app in APPS:
        for path in sorted((BASE / app / "tests").rglob("test_*.py")):
            source = path.read_text()
            if "mark.failure(" not in source:
                continue
            tree = ast.parse(source)
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


def rows() -> dict[str, bool]:
    """Row of the table -> whether its test is put off until later."""
    return {row: rest.rstrip().endswith(LATER) for row, rest in ROW.findall(TABLE.read_text())}


if __name__ == "__main__":
    for row, tests in sorted(marked().items()):
        print(row, *tests, sep="\n    ")
