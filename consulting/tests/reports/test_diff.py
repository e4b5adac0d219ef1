"""What changed is seen at once, in Chinese by character and in English by word."""

import time

import pytest

from consulting.report_document import Attachment, make
from consulting.reports.diff import Comparison, compare
from consulting.reports.rendering import blocks, render


def changes(old: str, new: str) -> list[tuple[str, str]]:
    return [
        (part.kind, part.text)
        for hunk in compare(make("題", old), make("題", new)).hunks
        for paragraph in hunk.paragraphs
        for part in paragraph.parts
        if part.kind != "same"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "主臥床頭宜靠北牆，避免正對房門。",
            "主臥床頭宜靠東牆，避免正對房門。",
            [("removed", "北"), ("added", "東")],
        ),
        ("宜在三月動工。", "宜在三月十二日動工。", [("added", "十二日")]),
        (
            "The bed goes to the north wall.",
            "The bed goes to the east wall.",
            [("removed", "north"), ("added", "east")],
        ),
        ("留意𠮷日", "留意吉日", [("removed", "𠮷"), ("added", "吉")]),
        ("2026年宜靜", "2027年宜靜", [("removed", "2026"), ("added", "2027")]),
        ("**重點**", "重點", []),
        ("見[表](https://a.example)", "見[表](https://b.example)", [("removed", "a"), ("added", "b")]),
    ],
)
def test_only_what_changed_is_marked(old, new, expected):
    assert changes(old, new) == expected


def test_what_a_comparison_shows_is_each_version_in_full():
    old, new = "一\n\n## 二\n\n三三三\n\n- 四\n- 五", "一\n\n## 二二\n\n三三四\n\n- 五\n- 六\n\n末"
    shown = compare(make("A", old), make("B", new))
    parts = [part for hunk in shown.hunks for paragraph in hunk.paragraphs for part in paragraph.parts]
    for text, hidden, title in ((old, "added", "A"), (new, "removed", "B")):
        words = "".join(part.text for part in parts if part.kind != hidden)
        assert words == title + "".join(block.text for block in blocks(text))


def test_a_paragraph_written_anew_stands_whole_beside_the_old_one():
    assert changes("春夏秋冬各有其時。", "We begin in spring.") == [
        ("removed", "春夏秋冬各有其時。"),
        ("added", "We begin in spring."),
    ]


def test_a_table_is_compared_by_row_and_an_inserted_paragraph_moves_nothing():
    table = "| 月 | 宜 |\n|---|---|\n| 一 | 靜 |\n| 二 | 動 |"
    assert changes(f"甲\n\n{table}", f"甲\n\n新的一段\n\n{table.replace('動', '行')}") == [
        ("added", "新的一段"),
        ("removed", "動"),
        ("added", "行"),
    ]


def test_what_is_far_from_any_change_is_folded():
    old = "\n\n".join(f"段{number}" for number in range(20))
    shown = compare(make("題", old), make("題", f"{old}\n\n末"))
    assert [hunk.is_folded for hunk in shown.hunks] == [True, False]
    assert len(shown.hunks[0].paragraphs) == 20


def test_files_that_came_and_went_are_told_by_content_not_by_place():
    def file(stored: str, name: str, sha: str) -> Attachment:
        return Attachment(stored, "pdf", 1, name, sha)

    old = make("題", "文", attachments=[file("a", "plan.pdf", "1"), file("b", "old.pdf", "2")])
    new = make("題", "文", attachments=[file("c", "plan.pdf", "1"), file("d", "new.pdf", "3")])
    shown = compare(old, new)
    assert [file.name for file in shown.added] == ["new.pdf"]
    assert [file.name for file in shown.removed] == ["old.pdf"]
    assert not shown.is_empty
    assert compare(old, old).is_empty
    assert isinstance(shown, Comparison)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("的" * 50_000, "了" * 50_000),
        ("甲\n\n" * 10_000, "乙\n\n" * 10_000),
        ("一二三。" * 12_000, "一三二。" * 12_000),
        ("a b " * 12_000, "b a " * 12_000),
    ],
)
def test_the_longest_texts_are_compared_in_reasonable_time(old, new):
    began = time.process_time()
    compare(make("題", old), make("題", new))
    assert time.process_time() - began < 8


def test_headings_with_nothing_under_them_are_named():
    assert render("## 一\n\n## 二\n\n文\n\n## 三\n\n### 四\n\n文\n\n## 五").empty == ["一", "五"]
    assert render("").empty == []
