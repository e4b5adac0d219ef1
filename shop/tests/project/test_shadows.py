"""No function is decorated twice with the same; in consulting no variable hides a function of its module."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

BASE = Path(__file__).resolve().parents[3]
APPS = ("shop", "catalog", "cart", "checkout", "payments", "consulting")
Function = ast.FunctionDef | ast.AsyncFunctionDef
TWO_DECORATORS = re.compile(r"^ *@.*\n(?:(?! *(?:async def|def|class) ).*\n)*? *@", re.MULTILINE)


def modules(*apps: str, having: str | re.Pattern[str] = "") -> Iterator[tuple[str, ast.Module]]:
    """Those with such a text: to parse all of them takes seconds."""
    for app in apps:
        for path in sorted((BASE / app).rglob("*.py")):
            if re.search(having, text := path.read_text()):
                yield str(path.relative_to(BASE)), ast.parse(text)


def doubled(tree: ast.Module) -> list[str]:
    """Functions that bear the same decorator, with the same arguments, more than once."""
    functions = [node for node in ast.walk(tree) if isinstance(node, Function | ast.ClassDef)]
    decorators = {node: [ast.dump(decorator) for decorator in node.decorator_list] for node in functions}
    return [node.name for node, found in decorators.items() if len(set(found)) < len(found)]


def hidden(tree: ast.Module) -> list[str]:
    """Functions of the module whose name is also a variable inside another of its functions."""
    names = {node.name for node in tree.body if isinstance(node, Function)}
    stored = {
        node.id
        for function in ast.walk(tree)
        if isinstance(function, Function)
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return sorted(names & stored)


def test_no_function_is_decorated_twice_with_the_same():
    looked_at = modules(*APPS, having=TWO_DECORATORS)
    assert [(path, found) for path, tree in looked_at if (found := doubled(tree))] == []


def test_no_local_variable_hides_a_function_of_its_module():
    product = [(path, tree) for path, tree in modules("consulting") if "/tests/" not in path]
    assert [(path, found) for path, tree in product if (found := hidden(tree))] == []


def test_both_find_what_they_look_for():
    text = "@atomic\n@atomic\ndef latest():\n    pass\ndef withdraw():\n    latest = 1\n"
    tree = ast.parse(text)
    assert TWO_DECORATORS.search(text)
    assert doubled(tree) == ["latest"]
    assert hidden(tree) == ["latest"]
