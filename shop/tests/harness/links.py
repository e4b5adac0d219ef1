"""Follows every link and sends every GET form that a visitor can reach, and looks for what must not be there.

A table of addresses shows who may open which; it cannot show that a page that anybody may open leads, by
way of what somebody knows, to one that tells a secret. So this walks, breadth first, as its visitor clicks.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve

_TAG = re.compile(r"<(a|form|input|select)\b([^>]*)>|</form>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""")
_NOT_FOLLOWED = ("/static/", "/media/", "mailto:", "tel:", "javascript:", "#")


@dataclass
class Walk:
    """What was seen: the pages by the name of their view, and each secret with the address that told it."""

    pages: Counter[str] = field(default_factory=Counter)
    leaks: list[tuple[str, str]] = field(default_factory=list)
    way: dict[str, str] = field(default_factory=dict)  # address -> the page that led there

    def path_to(self, address: str) -> list[str]:
        """The clicks that led there, for whoever has to find the gap."""
        steps = [address]
        while steps[-1] in self.way and self.way[steps[-1]]:
            steps.append(self.way[steps[-1]])
        return steps[::-1]


def walk(
    browser: Client,
    starts: Iterable[str],
    secrets: Mapping[str, Iterable[str]],
    *,
    knows: Mapping[str, Mapping[str, str]] | None = None,
    alike: int = 1,
    with_queries: bool = False,
) -> Walk:
    """Visit all that can be reached from ``starts``.

    ``secrets``: what must not be told -> the words that would tell it. ``knows``: view name -> what this
    visitor types into a form there, which is then sent. Lists lead to hundreds of pages that are alike: an
    address is visited if its view was so fewer than ``alike`` times, or its view with one name of the query.
    """
    done = Walk()
    seen: set[str] = set()
    visits: Counter[tuple[str, str]] = Counter()
    queue: deque[tuple[str, str]] = deque((start, "") for start in starts)
    while queue:
        address, before = queue.popleft()
        if address in seen:
            continue
        seen.add(address)
        name = _view_of(address)
        asked = parse_qs(urlsplit(address).query, keep_blank_values=True) if with_queries else {}
        kinds = [(name, each) for each in asked] or [(name, "")]
        if before and all(visits[kind] >= alike for kind in kinds):
            continue
        visits.update(kinds)
        done.way[address] = before
        answers = [browser.get(address)]
        if knows and name in knows:
            answers += [browser.post(address, knows[name]), browser.get(address)]
        done.pages[name] += 1
        for answer in answers:
            text = _text_of(answer)
            told = [what for what, words in secrets.items() if any(word in text for word in words)]
            done.leaks += [(what, address) for what in told]
            queue.extend((found, address) for found in _ways_on(answer, address, text))
    return done


def _view_of(address: str) -> str:
    try:
        match = resolve(urlsplit(address).path)
    except Resolver404:
        return "(none)"
    return match.view_name or match._func_path


def _text_of(answer: HttpResponse) -> str:
    """The answer, and once more as it is read: a key stands in groups, each with its own markup."""
    content = b"".join(answer) if answer.streaming else answer.content
    text = content.decode(errors="replace")
    return text + re.sub(r"<[^>]*>|[\s-]", "", text)


def _ways_on(answer: HttpResponse, address: str, text: str) -> Iterator[str]:
    if answer.status_code in {301, 302, 303, 307, 308}:
        yield from _own(address, answer["Location"])
    if "html" not in answer.get("Content-Type", ""):
        return
    form: dict[str, str] | None = None
    action = ""
    for tag in _TAG.finditer(text):
        kind = (tag[1] or "").lower()
        attributes = {
            each[1].lower(): unescape(each[2] or each[3] or each[4] or "")
            for each in _ATTRIBUTE.finditer(tag[2] or "")
        }
        if kind == "a":
            yield from _own(address, attributes.get("href", ""))
        elif kind == "form" and attributes.get("method", "get").lower() == "get":
            form, action = {}, attributes.get("action", "")
        elif kind in {"input", "select"} and form is not None and "name" in attributes:
            form[attributes["name"]] = attributes.get("value", "")
        elif kind == "" and form is not None:  # its end
            yield from _own(address, f"{action or urlsplit(address).path}?{urlencode(form)}")
            form = None


def _own(address: str, href: str) -> Iterator[str]:
    """The address of our own that the link leads to."""
    if not href or href.startswith(_NOT_FOLLOWED):
        return
    parts = urlsplit(urljoin(address, href))
    if parts.netloc not in {"", "testserver", "127.0.0.1:8000"} or parts.path.startswith(_NOT_FOLLOWED):
        return
    yield parts.path + (f"?{parts.query}" if parts.query else "")
