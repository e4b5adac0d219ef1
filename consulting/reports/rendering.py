"""From a consultant's Markdown to the page. Whatever was typed: no raw HTML, no picture, no script."""

import unicodedata
from dataclasses import dataclass

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

_TAGS = {
    "p",
    "br",
    "hr",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "blockquote",
    "strong",
    "em",
    "s",
    "code",
    "pre",
    "a",
}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "h2": {"id"}, "h3": {"id"}, "h4": {"id"}}
_DEEPEST = 4  # h1 is the page's title, so a report has h2 to h4


@dataclass(frozen=True)
class Heading:
    target: str
    text: str


@dataclass(frozen=True)
class Rendered:
    html: SafeString
    contents: list[Heading]  # the headings of the highest level, if there are several
    empty: list[str]  # headings with nothing under them: a draft that is not finished


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, entry of a list or row of a table, as its words alone."""

    style: str  # heading, text, item, quote, row or code
    text: str


def render(text: str) -> Rendered:
    tokens = _parser().parse(text)
    headings = _prepare_headings(tokens)
    html = _parser().renderer.render(tokens, _parser().options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )
    return Rendered(mark_safe(clean), headings, _empty_headings(tokens))


def _prepare_headings(tokens: list[Token]) -> list[Heading]:
    """Move headings below the page's title without gaps, give each an id, and list the top ones."""
    headings: list[tuple[str, Heading]] = []
    outer: list[str] = []  # the tags, as typed, that the current heading stands under, itself included
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            while outer and outer[-1] >= token.tag:
                outer.pop()
            outer.append(token.tag)
            token.tag = tokens[place + 2].tag = f"h{min(len(outer) + 1, _DEEPEST)}"
            target = f"section-{len(headings) + 1}"
            token.attrSet("id", target)
            headings.append((token.tag, Heading(target, _plain(tokens[place + 1]))))
    contents = [heading for tag, heading in headings if tag == "h2"]
    return contents if len(contents) > 1 else []


def _plain(inline: Token) -> str:
    return " ".join("".join(child.content or " " for child in inline.children or []).split())


def _empty_headings(tokens: list[Token]) -> list[str]:
    """Those that end, or meet another one that is not below them, before anything is said."""
    empty = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            following = tokens[place + 3] if place + 3 < len(tokens) else None
            if following is None or (following.type == "heading_open" and following.tag <= token.tag):
                empty.append(_plain(tokens[place + 1]))
    return empty


def blocks(text: str) -> list[Block]:
    """What the text says, without its marks: for comparing two versions."""
    all_blocks: list[Block] = []
    around: list[str] = []  # the containers that we are in
    cells: list[str] = []
    for token in _parser().parse(text):
        match token.type:
            case "heading_open" | "list_item_open" | "blockquote_open" | "tr_open":
                around.append(_STYLES[token.type])
            case "heading_close" | "list_item_close" | "blockquote_close" | "tr_close":
                if around.pop() == "row":
                    all_blocks.append(Block("row", " | ".join(cells)))
                    cells = []
            case "inline" if around and around[-1] == "row":
                cells.append(_words(token))
            case "inline":
                all_blocks.append(Block(around[-1] if around else "text", _words(token)))
            case "fence" | "code_block":
                all_blocks.append(Block("code", token.content.rstrip()))
    return [block for block in all_blocks if block.text.strip(" |")]


_STYLES = {
    "heading_open": "heading",
    "list_item_open": "item",
    "blockquote_open": "quote",
    "tr_open": "row",
}


def _words(inline: Token) -> str:
    """With the addresses of links: one that leads elsewhere is a change."""
    words, address = "", ""
    for child in inline.children or []:
        if child.type == "link_open":
            address = str(child.attrGet("href") or "")
        elif child.type == "link_close":
            words += f" ({address})"
        elif child.type in {"softbreak", "hardbreak"}:
            words += "\n"
        else:
            words += child.content
    return words.strip()


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})  # a line end typed is a line end seen
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.inline.ruler.at("emphasis", _emphasis)
    return parser


def _emphasis(state: StateInline, silent: bool) -> bool:
    """CommonMark's rule for * and _, made to work without spaces between words.

    By the book, ``**重點：**內容`` stays plain: the closing mark stands between punctuation and a letter. A
    Chinese neighbour now counts like the space that Western text would have there.
    """
    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    before = state.src[state.pos - 1 : state.pos] or " "
    after = state.src[state.pos + scanned.length : state.pos + scanned.length + 1] or " "
    can_open, can_close = scanned.can_open, scanned.can_close
    if marker == "*":
        can_open = can_open or (_is_east_asian(before) and not after.isspace())
        can_close = can_close or (_is_east_asian(after) and not before.isspace())
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        delimiter = Delimiter(
            marker=ord(marker),
            length=scanned.length,
            token=len(state.tokens) - 1,
            end=-1,
            open=can_open,
            close=can_close,
        )
        state.delimiters.append(delimiter)
    state.pos += scanned.length
    return True


def _is_east_asian(symbol: str) -> bool:
    return unicodedata.east_asian_width(symbol) in "WF"
