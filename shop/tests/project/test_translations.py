"""Every text the shop shows is there in both languages, in the shop's own words."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings

from shop.tests.harness.wording import LABELS, SIMPLIFIED, TERMS, UNWANTED

CATALOGUE = Path("locale/zh_Hant/LC_MESSAGES/django.po")
MAKE = ["makemessages", "--locale", "zh_Hant", "--no-location", "--no-obsolete"]

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|%[sd]")
HAN = r"[\u3400-\u9fff\U00020000-\U0003ffff]"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The catalogue as ``make messages`` would leave it now, made in a copy of the project."""
    copy = tmp_path_factory.mktemp("messages") / "copy"
    without = shutil.ignore_patterns(".*", "static", "bench", "docs", "__pycache__", "*.mo")
    shutil.copytree(settings.BASE_DIR, copy, ignore=without)
    made = subprocess.run(
        [sys.executable, "manage.py", *MAKE],
        cwd=copy,
        env={**os.environ, "VAR_DIR": str(copy / ".var"), "ENV_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return _read(copy / CATALOGUE)


@pytest.fixture(scope="module")
def kept() -> Catalog:
    return _read(settings.BASE_DIR / CATALOGUE)


def test_every_text_is_translated(fresh):
    missing = [_source(message) for message in _messages(fresh) if not all(_forms(message))]
    doubtful = [_source(message) for message in _messages(fresh) if message.fuzzy]
    # A text that only looks like an old one is offered the old one's translation, marked as doubtful.
    assert not sorted({*missing, *doubtful}), "run `make messages`, then translate in locale/"


def test_no_translation_is_left_over(fresh, kept):
    used = {_source(message) for message in _messages(fresh)}
    assert not {_source(message) for message in _messages(kept)} - used, "run `make messages`"


def test_placeholders_survive_translation(kept):
    def differs(message: Message) -> bool:
        wanted = sorted(PLACEHOLDER.findall(_ids(message)[-1]))
        return any(sorted(PLACEHOLDER.findall(form)) != wanted for form in _forms(message))

    assert not [_source(message) for message in _messages(kept) if differs(message)]


def test_links_and_emphasis_survive_translation(kept):
    def tags(text: str) -> list[str]:
        return sorted(re.findall(r"</?\w+[^>]*>", text))

    assert not [
        _source(message)
        for message in _messages(kept)
        if any(tags(form) != tags(_ids(message)[-1]) for form in _forms(message))
    ]


def test_chinese_has_one_plural_form(kept):
    assert kept.num_plurals == 1
    assert not [_source(message) for message in _messages(kept) if len(_forms(message)) != 1]


def test_a_term_is_the_same_everywhere(kept):
    terms = {re.compile(rf"\b{re.escape(term)}\b", re.IGNORECASE): chinese for term, chinese in TERMS.items()}
    assert [
        f"{_source(message)}: not {chinese}"
        for message in _messages(kept)
        for term, chinese in terms.items()
        if term.search(_source(message)) and not all(chinese in form for form in _forms(message))
    ] == []


def test_goods_are_shipped_and_mails_are_sent(kept):
    """One word each: 發貨 or 配送 for goods, 交付 for reports, the others for mails."""
    goods = re.compile(r"\b(ship(s|ped|ping|ments?)?|parcels?|goods)\b", re.IGNORECASE)
    mails = re.compile(r"\b(e-?mail|mail|message)s?\b", re.IGNORECASE)
    assert [
        _source(message)
        for message in _messages(kept)
        for form in _forms(message)
        if (goods.search(_source(message)) and not mails.search(_source(message)) and "寄" in form)
        or (mails.search(_source(message)) and not goods.search(_source(message)) and "發貨" in form)
    ] == []


def test_labels_are_worded_as_agreed(kept):
    found = {
        _source(message): _forms(message)[0] for message in _messages(kept) if _source(message) in LABELS
    }
    assert found == {source: LABELS[source] for source in found}
    assert len(found) > len(LABELS) / 2, "hardly a label of the table is in the catalogue"


def test_the_chinese_is_traditional_and_in_the_shops_words(kept):
    strange = {
        _source(message): form
        for message in _messages(kept)
        for form in _forms(message)
        if SIMPLIFIED & set(form) or any(word in form for word in UNWANTED)
    }
    assert not strange


def test_no_space_parts_chinese_from_latin_letters(kept):
    gap = re.compile(rf"(?:{HAN}|[,。:;、」)]) +(?=[\w%(「])|[\w%)] +(?={HAN})")
    spaced = {
        _source(message): form
        for message in _messages(kept)
        for form in _forms(message)
        if gap.search(form) and not _may_have_spaces(form)
    }
    assert not spaced


def _may_have_spaces(form: str) -> bool:
    """A subject line or a button: words, a space, the fact. Or signs of Markdown and of lists."""
    return bool(re.fullmatch(rf"{HAN}+ %\((?:number|amount)\)s", form)) or "|" in form


# --- reading catalogues ---


@cache
def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def _source(message: Message) -> str:
    return _ids(message)[0]


def _forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)
