import re
import time

import nh3
import pytest

from consulting.reports.rendering import render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "<javascript:alert(1)>",
    "![x](https://tracker.example/a.png)",
    '[x](https://a.example "onmouseover=alert(1)")',
    "<style>body{display:none}</style>",
    "<iframe src=//a.example></iframe>",
    '<a href="x" onclick="alert(1)">x</a>',
    "`<script>`",
    "```html\n<script>alert(1)</script>\n```",
    "# <script>alert(1)</script>",
    "| <script> |\n|:-:|\n| <img src=x onerror=1> |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!-- --><script>alert(1)</script>",
    '<form action="//a.example"><button>',
    "[a]: javascript:alert(1)\n\n[a]",
]


def is_harmful(html: str) -> bool:
    tags = re.findall(r"<[^>]*>", html)
    return bool(
        re.search(r"<(script|img|svg|style|iframe|form|button|object|input|meta|link)", html)
        or any(re.search(r"\s(on\w+|style|class|src)\s*=", re.sub(r'"[^"]*"', '""', tag)) for tag in tags)
        or re.search(r'href="\s*(javascript|data|vbscript)', html)
    )


def test_nothing_typed_becomes_script_or_style():
    assert [text for text in HOSTILE if is_harmful(render(text).html.lower())] == []
    assert is_harmful("<p onclick=x>")
    assert is_harmful('<a href="javascript:x">')


def test_headings_stand_below_the_title_and_are_listed():
    rendered = render("# One\n\n## Two *more*\n\n# Three **bold**\n")
    assert '<h2 id="section-1">One</h2>' in rendered.html
    assert '<h3 id="section-2">' in rendered.html
    assert [(heading.target, heading.text) for heading in rendered.contents] == [
        ("section-1", "One"),
        ("section-3", "Three bold"),
    ]


def test_no_level_is_left_out_whatever_was_typed():
    html = render("### a\n\n###### b\n\n# c\n\n### d\n\n###### e\n\n# f\n").html
    assert re.findall(r"<(h\d)", html) == ["h2", "h3", "h2", "h3", "h4", "h2"]
    assert re.findall(r"</(h\d)", html) == ["h2", "h3", "h2", "h3", "h4", "h2"]


def test_a_single_heading_needs_no_contents():
    assert render("# One\n\n## Two\n").contents == []
    assert render("text").contents == []


def test_links_do_not_tell_where_they_were_followed_from():
    assert 'rel="noopener noreferrer nofollow"' in render("[x](https://a.example)").html


@pytest.mark.parametrize(
    "text",
    [
        "**重點：**內容",
        "而**「座向」**是",
        "他說**「是」**。",
        "**書**和**畫**",
        "這是**重要**的",
        "**2026年。**之後",
    ],
)
def test_emphasis_works_between_chinese_characters(text):
    html = render(text).html
    assert "*" not in html
    assert "<strong>" in html


@pytest.mark.parametrize("text", ["5 * 3 * 2", "a * b", "snake_case_name", "** not bold **", "＊號"])
def test_what_is_no_emphasis_stays_as_it_is(text):
    assert text in render(text).html


def test_a_line_end_typed_is_a_line_end_seen():
    assert "一<br>\n二" in render("一\n二").html


def test_a_table_keeps_its_cells_and_loses_inline_style():
    html = render("| 月 | 宜 |\n|:--|--:|\n| 一 | 靜 |").html
    assert "<th>月</th>" in html
    assert "style" not in html


@pytest.mark.parametrize(
    "text", ["*" * 20000, "[" * 20000, "> " * 5000, "`" * 20001, "a**" * 10000, "中**" * 10000]
)
def test_a_pathological_text_is_rendered_in_reasonable_time(text):
    began = time.monotonic()
    render(text)
    assert time.monotonic() - began < 5


def test_the_result_is_already_clean():
    html = render("\n\n".join(HOSTILE)).html
    assert not nh3.is_html("plain")
    assert "<script" not in html
