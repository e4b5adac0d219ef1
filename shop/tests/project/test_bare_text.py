"""No template shows a text that is not handed to translation."""

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings

HAN = r"[\u3400-\u9fff\U00020000-\U0003ffff]"
TEMPLATES = sorted(
    path.relative_to(settings.BASE_DIR / "templates").as_posix()
    for path in (settings.BASE_DIR / "templates").rglob("*.*")
)
# Written in one language each, or in both at once where none can be chosen.
OWN_LANGUAGE = re.compile(r"pages/\w+\.(?:en|zh-hant)\.html|500\.html")
TRANSLATED = [name for name in TEMPLATES if not OWN_LANGUAGE.fullmatch(name)]
NAMES = re.compile(
    r"\b(?:PayPal|UnionPay|CVC|MM/YY|WhatsApp|WeChat|LINE|SHA-256|HKT|English)\b|繁體中文|中文|微信"
)
WORD = re.compile(rf"[A-Za-z]{{3,}}|{HAN}")
SHOWN_ATTRIBUTES = {"alt", "aria-label", "content", "placeholder", "summary", "title"}


class Shown(HTMLParser):
    """Collects what a reader sees or hears of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style", "code"}:
            self._silent = tag
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("name") != "description":
            return
        self.texts += [
            value
            for name, value in given.items()
            if name in SHOWN_ATTRIBUTES or name.startswith("data-message")
        ]
        if tag == "input" and given.get("type") in {"submit", "button"}:
            self.texts.append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def test_the_templates_are_found():
    assert len(TRANSLATED) > 80
    assert {"base.html", "checkout/begin.html", "payments/pay.html"} <= set(TRANSLATED)


def test_no_template_shows_a_text_outside_translation():
    sources = {name: (settings.BASE_DIR / "templates" / name).read_text("utf-8") for name in TRANSLATED}
    words = {name: bare_words(source, is_html=name.endswith(".html")) for name, source in sources.items()}
    assert [f"{name}: {found}" for name, found in words.items() if found] == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Hello there</p>", ["Hello", "there"]),
        ("<p>付款</p>", ["付", "款"]),
        ('<img alt="A teapot">', ["teapot"]),
        ('<a aria-label="{% translate "Help" %} page">', ["page"]),
        ('{% translate "Help" %}', []),
        ("{% blocktranslate trimmed with n=3 %}Only {{ n }} left{% endblocktranslate %} PayPal", []),
        ('{# a note #}{% comment "why" %}more{% endcomment %}<style>p { color: red }</style>', []),
        ('<p class="{% if wide %}wide{% endif %}">{{ order.number }} · {{ x|default:"–" }}</p>', []),
    ],
)
def test_the_search_for_bare_text_finds_just_that(source, words):
    assert bare_words(source) == words


def bare_words(source: str, *, is_html: bool = True) -> list[str]:
    """Words of a template's source that are neither markup nor handed to translation."""
    for pattern in (
        r"\{#.*?#\}",
        r"\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}",
        r"\{%\s*blocktrans(?:late)?\b.*?%\}.*?\{%\s*endblocktrans(?:late)?\s*%\}",
        r"\{%.*?%\}|\{\{.*?\}\}",
    ):
        source = re.sub(pattern, "", source, flags=re.DOTALL)
    texts = [source]
    if is_html:
        shown = Shown()
        shown.feed(source)
        shown.close()
        texts = shown.texts
    return [word for text in texts for word in WORD.findall(NAMES.sub("", text))]
