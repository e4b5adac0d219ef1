"""No row is looked up by an owner that may be missing.

Django reads ``filter(owner=None)`` as "has no owner": what was to be the files of one client's answers were
those of everybody who had not ordered yet. Such an owner is asked for first, or the look-up goes through what
cannot be missing.
"""

import ast
import re
from collections.abc import Iterator

from django.apps import apps

from shop.tests.project.test_shadows import APPS, Function, modules

LOOKS_UP = {"filter", "exclude", "get", "get_object_or_404", "Q"}
# An order has its draft for as long as it can be paid, and what is asked there shows nothing of the others.
KNOWN = {
    ("checkout/services.py", "order.draft"),  # and asks for the draft in the line below
    ("checkout/stock.py", "order.draft"),
    ("checkout/promotions/services.py", "order.draft"),
    ("catalog/admin_forms.py", "self.instance.product_id"),  # of a new product there are no rows
}


def relations() -> tuple[set[str], set[str]]:
    """Names of all relations as look-ups write them, and those of columns that may be empty."""
    every = [field for model in apps.get_models() for field in model._meta.get_fields() if field.is_relation]
    empty = [field for field in every if field.concrete and getattr(field, "null", False)]
    names = {name for field in every for name in (field.name, getattr(field, "attname", field.name))}
    return names, {name for field in empty for name in (field.name, getattr(field, "attname", field.name))}


def may_give_nothing(trees: list[ast.Module]) -> set[str]:
    """Functions of ours that say they may return None, and Django's."""
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    texts = {node.name: ast.unparse(node.returns) for node in functions if node.returns}
    return {name for name, text in texts.items() if text != "None" and has_none(text)} | {"first", "last"}


def has_none(text: str) -> bool:
    return bool(re.search(r"\bNone\b", text))


def called(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", getattr(function, "id", ""))


def maybe_missing(function: ast.AST, giving_nothing: set[str]) -> set[str]:
    """Variables of the function that may hold None: as it declares them, or as they are assigned."""
    declared = [node for node in ast.walk(function) if isinstance(node, ast.arg) and node.annotation]
    names = {node.arg for node in declared if has_none(ast.unparse(node.annotation))}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.NamedExpr) and called(node.value) in giving_nothing:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {
                each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
            }
    return names


def asked_for(function: ast.AST) -> set[str]:
    """What the function decides by."""
    tests = [
        getattr(node, "test", node)
        for node in ast.walk(function)
        if isinstance(node, ast.If | ast.IfExp | ast.BoolOp)
    ]
    parts = [node for test in tests for node in ast.walk(test) if isinstance(node, ast.Name | ast.Attribute)]
    return {ast.unparse(node) for node in parts}


def look_ups(tree: ast.Module, giving_nothing: set[str]) -> Iterator[str]:
    """What rows are looked up by that may be None, and that nothing asks for."""
    names, empty = relations()
    for function in ast.walk(tree):
        if not isinstance(function, Function):
            continue
        missing, asked = maybe_missing(function, giving_nothing), asked_for(function)
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        for keyword in (each for call in calls if called(call) in LOOKS_UP for each in call.keywords):
            value = keyword.value
            is_missing = (isinstance(value, ast.Name) and value.id in missing) or (
                isinstance(value, ast.Attribute) and value.attr in empty
            )
            text = ast.unparse(value)
            if is_missing and (keyword.arg or "").split("__")[-1] in names and text not in asked:
                yield text


def test_no_row_is_looked_up_by_an_owner_that_may_be_missing():
    trees = {path: tree for path, tree in modules(*APPS) if "/tests/" not in path}
    giving_nothing = may_give_nothing([*trees.values()])
    found = {(path, text) for path, tree in trees.items() for text in look_ups(tree, giving_nothing)}
    assert found - KNOWN == set()
    assert KNOWN - found == set(), "nobody does that any more"


def test_it_finds_what_it_looks_for():
    text = """
def answers_of(case) -> tuple[Intake | None, Intake | None]: ...
def file(request, pk):
    answers = reports.answers_of(case)[1]
    return get_object_or_404(Upload, pk=pk, intakes=answers)
def other(request, draft: Draft | None):
    return Upload.objects.filter(draft=draft), Upload.objects.filter(draft=request.order.draft)
def guarded(draft: Draft | None):
    return Upload.objects.filter(draft=draft) if draft else None
"""
    tree = ast.parse(text)
    found = list(look_ups(tree, may_give_nothing([tree])))
    assert found == ["answers", "draft", "request.order.draft"]
