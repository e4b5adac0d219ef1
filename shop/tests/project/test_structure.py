"""The house stays in rooms: no long files, no crowded folders, no document that names what is not there.

Only packages of Python are measured. ``templates`` and ``static`` have folders with more entries: their names
are addresses that other things use.
"""

import ast
import re
from pathlib import Path

from shop.tests.harness.failures import APPS

BASE = Path(__file__).resolve().parents[3]
MAX_LINES = 400
MAX_ENTRIES = 24
NAMED = re.compile(r"`(\w+/[\w/]+\.py)(?:::?([\w.]+))?`")
DOCUMENTS = ("architecture.md", "decisions.md", "real-input.md")


def sources():
    """Every Python file of the apps but migrations, which are history, and data."""
    for app in APPS:
        for path in sorted((BASE / app).rglob("*.py")):
            inside = path.relative_to(BASE)  # the project may lie in a folder of these names
            if not {"migrations", "data"} & set(inside.parts) and "catalog/demo" not in inside.as_posix():
                yield path


def test_no_file_is_long():
    lines = {path: len(path.read_text().splitlines()) for path in sources()}
    assert len(lines) > 400
    assert [f"{path.relative_to(BASE)}: {n}" for path, n in lines.items() if n > MAX_LINES] == []


def test_no_package_is_crowded():
    """Of its modules and packages: ``tests`` and ``migrations`` stand in every app, and are not counted."""
    modules = {path for path in sources() if "tests" not in path.parts}
    packages = {path.parent for path in modules if path.name == "__init__.py"}
    entries = {
        package: sum(path.parent == package for path in modules) + sum(p.parent == package for p in packages)
        for package in packages
    }
    assert len(entries) > 30
    crowded = {package: n for package, n in entries.items() if n > MAX_ENTRIES}
    assert [f"{package.relative_to(BASE)}: {n}" for package, n in crowded.items()] == []


def test_every_room_says_what_it_is_for():
    rooms = [path for path in sources() if path.name == "__init__.py" and "tests" not in path.parts]
    silent = [path for path in rooms if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [str(path.relative_to(BASE)) for path in silent if "management" not in path.parts] == []


def names_in(path):
    """Functions, classes, their methods, and what is assigned, as they stand in the file."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef))
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def missing_in(document):
    for file, name in NAMED.findall((BASE / "docs" / document).read_text()):
        path = BASE / file
        if not path.is_file():
            yield f"{document}: {file}"
        elif name and name not in set(names_in(path)):
            yield f"{document}: {file}:{name}"


def test_what_the_documents_name_is_there():
    assert [missing for document in DOCUMENTS for missing in missing_in(document)] == []


def test_each_decision_stands_once_and_the_newest_last():
    """Two branches that changed one, put together without a look, leave both."""
    text = (BASE / "docs" / "decisions.md").read_text()
    numbers = [int(number) for number in re.findall(r"(?m)^(\d+)\. \*\*", text)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_public_report_names_a_test_that_holds_what_is_right():
    _, reports = (BASE / "docs" / "real-input.md").read_text().split("## Public reports")
    rows = [line for line in reports.splitlines() if re.match(r"\| [\w.-]+/[\w.-]+#\d+", line)]
    assert len(rows) > 30
    holds = re.compile(r"`[\w/]*tests/[\w/]*test_\w+\.py::test_\w+`")
    assert [row for row in rows if not holds.search(row.rsplit("|", 2)[1])] == []
