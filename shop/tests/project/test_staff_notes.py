"""Every note that is written for staff is read in their language; one without its sentence fails here."""

import ast
import re
from pathlib import Path

from django.utils.translation import override

from shop.l10n.staff_notes import in_words
from shop.tests.harness.failures import APPS

BASE = Path(__file__).resolve().parents[3]
# Who takes a note, and as which argument.
TAKES = {"log": 0, "raise_alarm": 0, "alert_staff": 0, "_note": 1, "_hold_for_staff": 1, "give_back": 1}
TAKES |= {
    "_go_on": 1,
    **dict.fromkeys(("mark_under_review", "reopen", "move_to", "move_report_day", "mark_paid"), "note"),
}
VARIABLES = {"note", "what"}  # in which one is kept before
HAN, ENGLISH = re.compile(r"[\u3400-\u9fff]"), re.compile(r"\b[a-z]{3,}\b")


def samples(node) -> list[str]:
    """What the expression may be, with X1 for what only a running shop knows; none for a variable."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(map(piece, parts))]
        case ast.IfExp(body=one, orelse=other):
            return samples(one) + samples(other)
        case ast.Subscript(value=inner):
            return samples(inner)
    return []


def piece(part) -> str:
    if isinstance(part, ast.Constant):
        return part.value
    return {"movement.kind": "refund", "note": "disputed"}.get(ast.unparse(part.value), "X1")


def written_notes(tree) -> list[str]:
    kept = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and {getattr(each, "id", "") for each in node.targets} & VARIABLES
    ]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        place = TAKES.get(getattr(call.func, "attr", getattr(call.func, "id", "")))
        if place == "note":
            kept += [each.value for each in call.keywords if each.arg == "note"]
        elif place is not None and not ast.unparse(call.func).startswith("logger"):
            kept += call.args[place : place + 1]
    return [text for node in kept for text in samples(node)]


def notes() -> list[tuple[str, str]]:
    """(file, note) of all that the apps write."""
    found = []
    for path in (path for app in APPS for path in sorted((BASE / app).rglob("*.py"))):
        inside = path.relative_to(BASE)
        if not {"tests", "sandbox", "migrations", "gateways"} & set(inside.parts):
            texts = written_notes(ast.parse(path.read_text()))
            found += [(str(inside), text) for text in texts if ENGLISH.search(text)]
    return found


def test_every_note_has_a_sentence_in_the_readers_language():
    found = notes()
    assert len(found) > 50
    with override("zh-hant"):
        told = [(file, text, in_words(text)) for file, text in found]
    assert [each for each in told if not HAN.search(each[2]) or ENGLISH.search(each[2])] == []


def test_what_a_note_names_stays_and_what_people_typed_too():
    with override("zh-hant"):
        assert in_words("AB12: PayPal declined: INSTRUMENT_DECLINED; no money was taken") == (
            "AB12：PayPal拒絕付款：INSTRUMENT_DECLINED；未扣款"
        )
        assert in_words("AB12: refund of 12.00, because the order was already paid") == (
            "AB12：退款12.00，原因：訂單早已付款"
        )
        assert in_words("put on hold: 客人來電: wait") == "訂單暫緩：客人來電: wait"
        assert in_words("anything else") == "anything else"
    with override("en"):
        assert in_words("AB12: alarm closed") == "AB12: alarm closed"
