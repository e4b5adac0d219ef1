"""What of a consultant's text is markup: exactly what the help of the field promises, and nothing else.

Every visible character of the text is in one token: in a ``text`` that the client reads, or in a ``sign``
that they do not. So nothing can vanish that the preview does not point at.
"""

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import zip_longest

_DEEPEST = 8  # lists and quotations within each other; further down all is text
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t\u3000]+(?=\S)(.*)")
_ITEM = re.compile(r"( {0,3})-[ \t\u3000]+(?=\S)(?=.*[^\s-])(.*)")  # nothing but dashes is a ruled line
_QUOTE = re.compile(r" {0,3}>[ \t\u3000](?=\s*\S)(.*)")
_QUOTED = re.compile(r" {0,3}>(?:[ \t\u3000]|$)(.*)")  # within a quotation also an empty line
_NUMBER = re.compile(r"\s*[0-9０-９]")
_ENTRY = re.compile(
    r"\W{0,2}|[(（]?(?:\d{1,3}|[A-Za-z]|[一二三四五六七八九十百]{1,3})[.．)）、:：]"
)  # of a list
_MAX_PADDED = 12  # columns; a row that has more stands out at the side
_COLUMN = re.compile(r":?-+:?")
_INLINE = re.compile(r"\[([^\[\]]+)\]\(((?:https?://|mailto:|tel:)[^\s()<>\"]+)\)|\*+|~+", re.IGNORECASE)
_STYLES = {"**": "strong", "~~": "s"}
_NEVER_AFTER_OPENING = set(",.;:!?)]}，。；：！？、）」』】〕》〉”’")  # what ends a phrase
_NEVER_BEFORE_CLOSING = set("([{（「『【〔《〈“‘")  # what begins one


@dataclass(frozen=True)
class Token:
    kind: str  # open, close, text, sign or break
    value: str  # the tag, or what was typed
    line: int  # of the text, from 1
    detail: str = ""  # where a link leads; where a column stands: center or right


@dataclass(frozen=True)
class _Line:
    number: int
    text: str

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


_Tokens = Generator[Token, None, int]  # returns the place after what was read


def parse(text: str) -> list[Token]:
    numbered = enumerate(re.split(r"\r\n|\r|\n", text), start=1)
    return list(_blocks([_Line(number, line) for number, line in numbered]))


def _blocks(lines: list[_Line], depth: int = 0, *, is_tight: bool = False) -> Iterator[Token]:
    """``is_tight``: an entry of a list without empty lines; it is no paragraph of its own."""
    place = 0
    while place < len(lines):
        reader = _reader(lines, place, depth)
        if reader:
            place = yield from reader(lines, place, depth)
        elif lines[place].is_blank:
            place += 1
        else:
            end = place + 1
            while end < len(lines) and not lines[end].is_blank and not _reader(lines, end, depth):
                end += 1
            yield from _paragraph(lines[place:end], is_tight=is_tight)
            place = end


def _reader(lines: list[_Line], place: int, depth: int) -> Callable[[list[_Line], int, int], _Tokens] | None:
    """Of the block that begins at this line; none for a line of plain text."""
    text = lines[place].text
    if depth >= _DEEPEST:
        return None
    if _HEADING.match(text):
        return _heading
    if (item := _ITEM.match(text)) and not _is_number(item[2], _ITEM, lines, place):
        return _list
    if (quote := _QUOTE.match(text)) and not _is_number(quote[1], _QUOTE, lines, place):
        return _quote
    if _begins_table(lines, place):
        return _table
    return _pasted_table if _begins_pasted_table(lines, place) else None


def _is_number(words: str, mark: re.Pattern[str], lines: list[_Line], place: int) -> bool:
    """``- 5 °C`` or ``> 30 cm``: one line alone before a number is no list and no quotation."""
    following = _next_written(lines, place + 1)
    is_alone = following == len(lines) or not mark.match(lines[following].text)
    return bool(_NUMBER.match(words)) and is_alone


def _next_written(lines: list[_Line], place: int) -> int:
    while place < len(lines) and lines[place].is_blank:
        place += 1
    return place


def _paragraph(lines: list[_Line], *, is_tight: bool) -> Iterator[Token]:
    first, last = lines[0].number, lines[-1].number
    if not is_tight:
        yield Token("open", "p", first)
    for line in lines:
        if line.number != first:
            yield Token("break", "", line.number)
        yield from _inline(_with_kept_blanks(line.text), line.number)
    if not is_tight:
        yield Token("close", "p", last)


def _with_kept_blanks(text: str) -> str:
    """Pages show a run of blanks as one, and none where a line begins: these are seen as they were typed."""
    lead = text[: len(text) - len(text.lstrip(" \t"))].expandtabs(4).replace(" ", "\xa0")
    rest = text.strip(" \t").replace("\t", "    ")
    return lead + re.sub("  +", lambda run: "\xa0" * (len(run[0]) - 1) + " ", rest)


def _heading(lines: list[_Line], place: int, _depth: int) -> _Tokens:
    number = lines[place].number
    marks, words = _HEADING.findall(lines[place].text)[0]
    yield Token("sign", marks, number)
    yield Token("open", f"h{len(marks)}", number)
    yield from _inline(words.strip(), number)
    yield Token("close", f"h{len(marks)}", number)
    return place + 1


def _list(lines: list[_Line], place: int, depth: int) -> _Tokens:
    yield Token("open", "ul", lines[place].number)
    while place < len(lines) and (item := _ITEM.match(lines[place].text)):
        number, content = lines[place].number, len(item[1]) + 2
        end = _end_of_item(lines, place + 1, len(item[1]))
        inner = [_Line(number, item[2])]
        for line in lines[place + 1 : end]:
            blanks = len(line.text) - len(line.text.lstrip(" \t"))
            lead = line.text[:blanks].expandtabs(4)[content:]
            inner.append(_Line(line.number, lead + line.text[blanks:]))
        yield Token("sign", "-", number)
        yield Token("open", "li", number)
        yield from _blocks(inner, depth + 1, is_tight=not any(line.is_blank for line in inner))
        yield Token("close", "li", number)
        following = _next_written(lines, end)
        is_next = following < len(lines) and _ITEM.match(lines[following].text)
        place = following if is_next else end
    yield Token("close", "ul", lines[place - 1].number)
    return place


def _end_of_item(lines: list[_Line], place: int, indent: int) -> int:
    """After all lines that are indented below the dash; two ideographic blanks begin a paragraph instead."""
    while (following := _next_written(lines, place)) < len(lines):
        text = lines[following].text
        lead = text[: len(text) - len(text.lstrip(" \t"))].expandtabs(4)
        if len(lead) <= indent:
            break
        place = following + 1
    return place


def _quote(lines: list[_Line], place: int, depth: int) -> _Tokens:
    number, inner = lines[place].number, []
    while place < len(lines) and (quoted := _QUOTED.match(lines[place].text)):
        yield Token("sign", ">", lines[place].number)
        inner.append(_Line(lines[place].number, quoted[1]))
        place += 1
    yield Token("open", "blockquote", number)
    yield from _blocks(inner, depth + 1)
    yield Token("close", "blockquote", lines[place - 1].number)
    return place


# --- tables ---


def _begins_table(lines: list[_Line], place: int) -> bool:
    """A row, and below it dashes for as many columns."""
    if place + 1 == len(lines) or "|" not in lines[place].text or "|" not in lines[place + 1].text:
        return False
    columns = _cells(lines[place + 1])
    return all(map(_COLUMN.fullmatch, columns)) and len(columns) == len(_cells(lines[place]))


def _cells(line: _Line) -> list[str]:
    row = line.text.strip()
    row = row.removeprefix("|")
    return [cell.strip() for cell in row.removesuffix("|").split("|")]


def _table(lines: list[_Line], place: int, _depth: int) -> _Tokens:
    head, columns, rows = lines[place], lines[place + 1], []
    place += 2
    while place < len(lines) and "|" in lines[place].text:
        rows.append(lines[place])
        place += 1
    sides = [_side(column) for column in _cells(columns)]
    widest = max(len(_cells(row)) for row in [head, *rows])  # no cell is left out, however many the head has
    sides += [""] * (min(widest, _MAX_PADDED) - len(sides))
    yield Token("open", "table", head.number)
    yield from _part("thead", "th", [head], sides)
    yield Token("sign", columns.text.strip(), columns.number)
    if rows:
        yield from _part("tbody", "td", rows, sides)
    yield Token("close", "table", lines[place - 1].number)
    return place


def _begins_pasted_table(lines: list[_Line], place: int) -> bool:
    """Two rows of a spreadsheet, with a tab between columns; Word's lists have one behind the mark."""
    rows = [_pasted_cells(line) for line in lines[place : place + 2] if not _is_marked(line)]
    return (
        len(rows) == 2
        and len(rows[0]) == len(rows[1]) > 1
        and all(sum(map(bool, cells)) > 1 for cells in rows)
        and not all(_ENTRY.fullmatch(cells[0]) for cells in rows)
    )


def _is_marked(line: _Line) -> bool:
    return any(mark.match(line.text) for mark in (_HEADING, _ITEM, _QUOTE))


def _pasted_cells(line: _Line) -> list[str]:
    return [cell.strip() for cell in line.text.split("\t")]


def _is_row(line: _Line, columns: int) -> bool:
    return len(_pasted_cells(line)) == columns and not _is_marked(line)


def _pasted_table(lines: list[_Line], place: int, _depth: int) -> _Tokens:
    columns, first = len(_pasted_cells(lines[place])), lines[place].number
    yield Token("open", "table", first)
    for part, cell_tag in (("thead", "th"), ("tbody", "td")):
        yield Token("open", part, lines[place].number)
        while place < len(lines) and _is_row(lines[place], columns):
            number = lines[place].number
            yield Token("open", "tr", number)
            for words in _pasted_cells(lines[place]):
                yield Token("open", cell_tag, number)
                yield from _inline(words, number)
                yield Token("close", cell_tag, number)
            yield Token("close", "tr", number)
            place += 1
            if part == "thead":
                break
        yield Token("close", part, lines[place - 1].number)
    yield Token("close", "table", lines[place - 1].number)
    return place


def _side(column: str) -> str:
    if column.endswith(":"):
        return "center" if column.startswith(":") else "right"
    return ""


def _part(tag: str, cell_tag: str, rows: list[_Line], sides: list[str]) -> Iterator[Token]:
    yield Token("open", tag, rows[0].number)
    for row in rows:
        cells, typed = _cells(row), row.text.strip()
        yield Token("open", "tr", row.number)
        if typed.startswith("|"):
            yield Token("sign", "|", row.number)
        for place, (words, side) in enumerate(zip_longest(cells, sides, fillvalue="")):
            if 0 < place < len(cells):
                yield Token("sign", "|", row.number)
            yield Token("open", cell_tag, row.number, side)
            yield from _inline(words, row.number)
            yield Token("close", cell_tag, row.number)
        if typed.endswith("|") and typed != "|":
            yield Token("sign", "|", row.number)
        yield Token("close", "tr", row.number)
    yield Token("close", tag, rows[-1].number)


# --- within a line ---


def _inline(text: str, number: int) -> Iterator[Token]:
    found = list(_INLINE.finditer(text))
    roles = _roles(text, found)
    place = 0
    for match in found:
        role = roles.get(match.start())
        if not (role or match[1]):
            continue
        if place < match.start():
            yield Token("text", text[place : match.start()], number)
        if role:
            yield Token("sign", match[0], number)
            yield Token(role, _STYLES[match[0]], number)
        else:
            yield from _link(match[1], match[2], number)
        place = match.end()
    if place < len(text):
        yield Token("text", text[place:], number)


def _link(words: str, address: str, number: int) -> Iterator[Token]:
    """The address is read too: it is all that is left of a link on paper."""
    yield Token("sign", "[", number)
    yield Token("open", "a", number, address)
    yield from _inline(words, number)
    yield Token("close", "a", number)
    yield Token("sign", "]", number)
    yield Token("text", f"({address})", number)


def _roles(text: str, found: list[re.Match[str]]) -> dict[int, str]:
    """Which marks open and close: by place. Pairs stand in one line, close to what they embrace.

    Chinese has no blanks between words, so the neighbour outside does not count. Between two Latin letters or
    digits it is no mark but a sum (2**10) or a range.
    """
    roles: dict[int, str] = {}
    waiting: dict[str, int] = {}  # opening marks that no other has closed yet
    for match in found:
        mark, start = match[0], match.start()
        before, after = text[start - 1 : start] if start else "", text[match.end() : match.end() + 1]
        if mark not in _STYLES or all(sign.isascii() and sign.isalnum() for sign in (before, after)):
            continue
        if mark in waiting and not before.isspace() and before not in _NEVER_BEFORE_CLOSING:
            opened = waiting.pop(mark)
            roles |= {opened: "open", start: "close"}
            waiting = {other: at for other, at in waiting.items() if at < opened}
        elif after and not after.isspace() and after not in _NEVER_AFTER_OPENING:
            waiting[mark] = start
    return roles
