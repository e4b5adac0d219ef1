"""From a consultant's text to the page. Whatever was typed: no raw HTML, no picture, no script."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from itertools import takewhile

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from .markup import Token, parse

_TAGS = {"p", "br", "h2", "h3", "h4", "ul", "li", "blockquote", "strong", "s", "a"}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {"a": {"href"}, "h2": {"id"}, "h3": {"id"}, "h4": {"id"}}
_SIDES = {"data-align": {"center", "right"}}  # our pages allow no style of an element's own
_DEEPEST = 4  # h1 is the page's title, so a report has h2 to h4
_HEADINGS = {f"h{level}" for level in range(1, 7)}
_LOOKS_LIKE_MARKUP = re.compile(r"\*\*+|~~+|##+")


@dataclass(frozen=True)
class Heading:
    target: str
    text: str


@dataclass(frozen=True)
class Note:
    """Signs, and the lines of the text that they stand in."""

    lines: str  # such as "3–5, 9"
    number: int  # of lines
    signs: str


@dataclass(frozen=True)
class Rendered:
    html: SafeString
    contents: list[Heading]  # the headings of the highest level, if there are several
    empty: list[str]  # headings with nothing under them: a draft that is not finished
    unseen: list[Note]  # what was typed and is not shown
    as_typed: list[Note]  # what looks like markup and is none


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, entry of a list or row of a table, as its words alone."""

    style: str  # heading, text, item, quote or row
    text: str


def render(text: str) -> Rendered:
    typed = parse(text)
    read = [token for token in typed if token.kind != "sign"]
    tokens, headings = _with_headings_below_the_title(read)
    clean = nh3.clean(
        "".join(map(_html, tokens)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        tag_attribute_values={"th": _SIDES, "td": _SIDES},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )
    looks_alike = (
        (sign, token.line)
        for token in read
        if token.kind == "text"
        for sign in _LOOKS_LIKE_MARKUP.findall(token.value)
    )
    return Rendered(
        mark_safe(clean),
        headings,
        _empty_headings(tokens),
        _notes((token.value, token.line) for token in typed if token.kind == "sign"),
        _notes(looks_alike),
    )


def _html(token: Token) -> str:
    match token.kind, token.value:
        case "text", words:
            return escape(words)
        case "break", _:
            return "<br>\n"
        case "open", "a":
            return f'<a href="{escape(token.detail)}">'
        case "open", "th" | "td" if token.detail:
            return f'<{token.value} data-align="{token.detail}">'
        case "open", tag if tag in _HEADINGS:
            return f'<{tag} id="{token.detail}">'
        case "open", tag:
            return f"<{tag}>"
        case "close", "strong" | "s" | "a":
            return f"</{token.value}>"
        case "close", tag:
            return f"</{tag}>\n"
    return ""


def _with_headings_below_the_title(typed: list[Token]) -> tuple[list[Token], list[Heading]]:
    """Headings without gaps between their levels, each with an id; and a list of the top ones."""
    tokens: list[Token] = []
    headings: list[tuple[str, Heading]] = []
    outer: list[str] = []  # the tags, as typed, that the current heading stands under, itself included
    for place, token in enumerate(typed):
        if token.kind not in {"open", "close"} or token.value not in _HEADINGS:
            tokens.append(token)
            continue
        if token.kind == "open":
            while outer and outer[-1] >= token.value:
                outer.pop()
            outer.append(token.value)
        tag = f"h{min(len(outer) + 1, _DEEPEST)}"
        target = f"section-{len(headings) + (token.kind == 'open')}"
        tokens.append(replace(token, value=tag, detail=target))
        if token.kind == "open":
            headings.append((tag, Heading(target, _heading_words(typed, place))))
    contents = [heading for tag, heading in headings if tag == "h2"]
    return tokens, contents if len(contents) > 1 else []


def _heading_words(tokens: list[Token], place: int) -> str:
    """Of the heading that opens at this place."""
    following = (tokens[later] for later in range(place + 1, len(tokens)))
    within = takewhile(lambda token: token.kind != "close" or token.value not in _HEADINGS, following)
    return " ".join("".join(token.value for token in within if token.kind == "text").split())


def _empty_headings(tokens: list[Token]) -> list[str]:
    """Those that end, or meet another one that is not below them, before anything is said."""
    empty, opened = [], 0
    for place, token in enumerate(tokens):
        if token.value not in _HEADINGS:
            continue
        if token.kind == "open":
            opened = place
            continue
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if following is None or (following.value in _HEADINGS and following.value <= token.value):
            empty.append(_heading_words(tokens, opened))
    return empty


def _notes(signs: Iterable[tuple[str, int]]) -> list[Note]:
    """Each sign once, with its lines."""
    by_sign: dict[str, set[int]] = {}
    for sign, line in signs:
        by_sign.setdefault(sign, set()).add(line)
    return [Note(_named(sorted(lines)), len(lines), sign) for sign, lines in by_sign.items()]


def _named(lines: list[int]) -> str:
    """3, 4, 5 and 9 as ``3–5, 9``, in Chinese ``3–5、9``."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and runs[-1][-1] == line - 1:
            runs[-1] = [runs[-1][0], line]
        else:
            runs.append([line])
    return _(", ").join("–".join(map(str, run)) for run in runs)


def blocks(text: str) -> list[Block]:
    """What the client reads, by paragraph: for comparing two versions."""
    all_blocks: list[Block] = []
    around: list[str] = []  # the styles of the containers that we are in
    words = ""
    for token in parse(text):
        if token.kind in {"text", "break"}:
            words += token.value or "\n"
        elif token.kind == "close" and token.value in {"th", "td"}:
            words += " | "
        elif token.kind != "sign" and token.value not in {"strong", "s", "a", "th", "td"}:
            if words.strip(" |\n"):
                all_blocks.append(Block(around[-1] if around else "text", words.removesuffix(" | ")))
            words = ""
            if token.value in _STYLES:
                around = [*around, _STYLES[token.value]] if token.kind == "open" else around[:-1]
    return all_blocks


_STYLES = {"li": "item", "blockquote": "quote", "tr": "row"} | dict.fromkeys(_HEADINGS, "heading")
