"""What a consultant typed is what the client reads; what is left out, the preview points at."""

import re
import time
from html.parser import HTMLParser

import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from consulting.report_document import make
from consulting.reports.markup import parse
from consulting.reports.rendering import blocks, render
from shop.tests.harness import effort

PROMISED = re.compile(r"#{1,6}|[->|\[\]]|\*\*|~~|[|:\s-]+")  # the only signs that may ever be left out


def visible(text: str) -> str:
    return "".join(text.split())


def shown(text: str) -> str:
    """What stands on the page, its markup taken away by somebody else's parser; blanks are not looked at."""
    words: list[str] = []
    page = HTMLParser()
    page.handle_data = words.append  # type: ignore[method-assign]
    page.feed(render(text).html)
    page.close()
    return visible("".join(words))


AS_TYPED = [
    "床架 150*190*45 厘米。書桌：60*40*75",
    "床架 150 * 190 * 45，3*2，長*寬*高，2**10 和 2**8，10~~20 與 30~~40，1–3，1~3",
    "價錢*另議。\n*註：不連運費*",
    "價錢**，另議**。",
    "價錢**另議\n\n**註：不連運費",
    "***",
    "一\n---\n二\n===\n三\n***\n四\n- - -\n五\n___",
    "##標題\n#1 座\n＃＃ 標題",
    "    四格之後\n\tTab之後\n　　兩個全形空格之後\n　　第二行也是",
    "[附註]: 2027年2月4日後方可動土。",
    "[^1]: 見下。一[^1]",
    "[甲](乙)，[x](javascript:alert(1))，[表](ftp://a.example)，![圖](https://a.example/b.png",
    "<張三> <!-- 註 --> <b>不是</b> &amp; &nbsp; &#20013; &lt;",
    "C:\\路徑\\*星* \\# \\[一\\] 行尾\\\n下一行  \n再下一行",
    "3. 三\n3. 又三\n1988. 年\n7) 七\n1、一",
    "- 5 °C",
    "+852 2345 6789\n+ 852\n* 星\n• 點",
    ">5%\n->東\n> 30 厘米",
    "甲 | 乙\n丙 | 丁",
    "snake_case_name _底線_ __雙__",
    "`碼` ```\n```\n三個反引號\n```",
    "<https://a.example> https://a.example/一。見",
    "甲      乙\t丙",
    "很長" * 3000,
]


def test_plain_text_stays_as_it_was_typed():
    wrong = [text for text in AS_TYPED if shown(text) != visible(text) or render(text).unseen]
    assert wrong == []


PROMISED_MARKUP = [
    ("## 標題", "<h2", "##"),
    ("##　標題", "<h2", "##"),
    ("這是**重要**的", "<strong>重要</strong>", "**"),
    ("而~~「座向」~~是", "<s>「座向」</s>", "~~"),
    ("甲：\n- 一\n- 二", "<ul>", "-"),
    ("- 5 °C\n- 7 °C", "<ul>", "-"),
    ("> 引文", "<blockquote>", ">"),
    ("[表](https://a.example)", '<a href="https://a.example"', "[ ]"),
    ("| 月 | 宜 |\n|---|--:|\n| 一 | 靜 | 多 |", "<table>", "|"),
]


def test_rows_pasted_from_a_spreadsheet_are_a_table():
    """A page shows the tabs between columns as a few blanks: none stood below its head."""
    table = render("前言\n\n年份\t**吉方**\t凶方\r\n2027\t東南\t西\n2028\t\t北\n\n後記")
    assert [note.signs for note in table.unseen] == [note.signs for note in render("**吉方**").unseen]
    assert table.html.count("<tr>") == 3
    assert "<th>年份</th><th><strong>吉方</strong></th>" in re.sub(r"\s", "", table.html)
    assert "<td>2028</td><td></td><td>北</td>" in re.sub(r"\s", "", table.html)
    lists = ["•\t床頭\n•\t門", "1.\t一\n2.\t二", "（一）\t甲\n（二）\t乙", "a)\t甲\nb)\t乙", "-\t甲\n–\t乙"]
    others = ["甲\t乙", "甲\t乙\n丙\t丁\t戊", "\t甲\n\t乙", "甲\t\n乙\t", "甲\t乙\n- 丙\t丁"]
    for text in lists + others:
        assert "<table>" not in render(text).html, text
        assert shown(text).replace("-", "") == visible(text).replace("-", "")


def test_what_the_fields_help_promises_works_and_is_pointed_at():
    for text, html, signs in PROMISED_MARKUP:
        rendered = render(text)
        assert html in rendered.html
        assert set(signs.split()) <= {note.signs for note in rendered.unseen}, text


def test_the_preview_names_the_lines():
    rendered = render("一\n\n- **甲**\n- 乙\n\n## 標題\n\n- 丙\n\n##沒有空格\n\n**未完")
    unseen, as_typed = (
        [(note.lines, note.signs) for note in notes] for notes in (rendered.unseen, rendered.as_typed)
    )
    assert unseen == [("3–4, 8", "-"), ("3", "**"), ("6", "##")]
    assert as_typed == [("10", "##"), ("12", "**")]
    with override("zh-hant"):
        assert render("- 甲\n\n一\n\n- 乙").unseen[0].lines == "1、5"


def test_blanks_that_were_typed_are_seen():
    html = render("一\n　　二\n  三   四").html
    assert html == "<p>一<br>\n　　二<br>\n&nbsp;&nbsp;三&nbsp;&nbsp; 四</p>\n"
    assert render("　　一\n　　二").html == "<p>　　一<br>\n　　二</p>\n"
    assert [block.text for block in blocks("　　一\n　　二")] == ["　　一\n　　二"]


def test_no_cell_of_a_table_is_lost_and_its_columns_stand_as_they_were_set():
    html = render("| 左 | 中 | 右 |\n|:--|:-:|--:|\n| 1 | 2 | 3 | 4 |\n| 5 |\n註：六").html
    sides = ["", ' data-align="center"', ' data-align="right"', ""]
    assert re.findall(r"<t[hd]\b([^>]*)>", html) == sides * 3
    assert html.endswith("<p>註：六</p>\n")


def test_lists_and_quotations_hold_what_is_indented_under_them():
    html = render("- 一\n  - 二\n    三\n\n- 四\n\n  五\n　　六").html
    expected = "<ul><li>一<ul><li>二<br>三</li></ul></li><li><p>四</p><p>五</p></li></ul><p>　　六</p>"
    assert html.replace("\n", "") == expected
    assert render("> 一\n>\n> - 二\n三").html.replace("\n", "") == (
        "<blockquote><p>一</p><ul><li>二</li></ul></blockquote><p>三</p>"
    )


BEGINNINGS = [
    "",
    "## ",
    "##",
    "- ",
    "  - ",
    "-",
    "> ",
    "> - ",
    ">",
    "| ",
    "3. ",
    "    ",
    "　　",
    "\t",
    "[^1]: ",
]
WHOLE_LINES = ["", "---", "===", "***", "- - -", "```", "|甲|乙|\n|:-:|--:|\n|1|2|3|\n|4|", "> 甲\n>乙"]
SIGNS = list("*_~#-+=>|`\\[](){}<>!&;:.,^@$%'\"1b中文，。「」０＊＃ \t\r\xa0\u3000\u2028\x0b\x0c\x85\u200b")
PIECES = ["**", "~~", "**中**", "~~「文」~~", "[中](https://a.example)", "![文](https://b.example)", "](http"]
PIECES += ["&amp;", "<!--", "-->", "<b>", "    ", "𠮷"]
ENDINGS = ["", "", " #", "##", "\\", "  ", "|"]
ANY = st.characters(exclude_categories=["Cs", "Cc"])
WORDS = st.lists(st.sampled_from(PIECES) | st.sampled_from(SIGNS) | ANY, max_size=8).map("".join)
LINES = st.tuples(st.sampled_from(BEGINNINGS), WORDS, st.sampled_from(ENDINGS)).map(
    "".join
) | st.sampled_from(WHOLE_LINES)
NASTY = st.lists(LINES, max_size=8).map("\n".join)
LONG = [
    "**中" * 30_000,
    "**a ~~" * 15_000,
    "[a](https://" * 8_000,
    "- " * 50_000,
    "> " * 50_000,
    "- a\n" + "\n" * 99_000,
    "- 1\n\n" * 20_000,
    "## a\n" * 20_000,
    "|a\n|-\n" * 16_000,
    "|a|\n|-|\n" + "|" * 50_000 + "\n|" * 20_000,
    "\n".join(" " * depth + "- a" for depth in range(440)),
]


@settings(max_examples=effort.times(400, 2_000), derandomize=not effort.IS_FULL)
@given(NASTY)
def test_every_character_is_read_or_pointed_at(typed):
    text = make("", typed).text
    words = [token for token in parse(text) if token.kind in {"text", "sign"}]
    in_order = sorted(words, key=lambda token: token.line)  # signs of a quotation come before its words
    assert visible("".join(token.value for token in in_order)) == visible(text)
    read = visible("".join(token.value for token in in_order if token.kind == "text"))
    assert read == shown(text)
    compared = visible("".join(block.text for block in blocks(text)))
    assert compared.replace("|", "") == read.replace("|", "")  # rows are compared with signs between cells
    named = {(note.signs, line) for note in render(text).unseen for line in numbers(note.lines)}
    assert named == {(token.value, token.line) for token in words if token.kind == "sign"}
    assert all(PROMISED.fullmatch(signs) for signs, _line in named)


def numbers(lines: str) -> list[int]:
    """The lines that a note such as ``3–5, 9`` names."""
    ends = [part.split("–") for part in lines.split(", ")]
    return [number for end in ends for number in range(int(end[0]), int(end[-1]) + 1)]


@pytest.mark.parametrize("text", LONG, ids=lambda text: repr(text[:12]))
def test_the_longest_text_is_rendered_in_reasonable_time(text):
    began = time.process_time()
    render(text)
    assert time.process_time() - began < 20  # seconds of CPU: six were seen on a slow machine
