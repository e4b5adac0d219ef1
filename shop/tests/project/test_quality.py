"""Promises the whole project keeps: about migrations, templates, scripts, the README, the environment."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands
from django.template import TemplateSyntaxError
from django.template.loader import get_template

from shop.tests.harness.failures import APPS

BASE = Path(__file__).resolve().parents[3]
TEMPLATES = sorted((BASE / "templates").rglob("*.*"))
KEPT = "consulting/offline.html"  # a file to keep, its style within: never sent as a page
PAGES = [
    path
    for path in TEMPLATES
    if path.suffix == ".html" and "emails" not in path.parts and not str(path).endswith(KEPT)
]
SCRIPTS = sorted((BASE / "static").rglob("*.js"))
INLINE = [
    ("a script in the page", re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE)),
    ("a style sheet in the page", re.compile(r"<style\b", re.IGNORECASE)),
    ("a style attribute", re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE)),
    ("an event handler", re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)),
    ("a script address", re.compile(r"javascript:", re.IGNORECASE)),
]


def named(path):
    return str(path.relative_to(BASE))


def test_every_change_of_a_model_has_its_migration(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_template_compiles():
    assert [error for path in TEMPLATES if (error := error_in(path))] == []


def error_in(path):
    try:
        get_template(str(path.relative_to(BASE / "templates")))
    except TemplateSyntaxError as error:
        return f"{named(path)}: {error}"
    return None


def test_no_page_brings_its_own_script_or_style():
    assert len(PAGES) > 100
    assert [
        f"{named(path)}: {what}"
        for path in PAGES
        for what, pattern in INLINE
        if pattern.search(path.read_text())
    ] == []


@pytest.mark.parametrize(
    "planted",
    [
        "<script>alert(1)</script>",
        "<script nonce='x'>",
        "<p style='color: red'>",
        '<a\n  onclick="go()">',
        "<style>p {}</style>",
        '<a href="javascript:go()">',
    ],
)
def test_the_search_for_inline_code_finds_what_is_planted(planted):
    assert any(pattern.search(planted) for _, pattern in INLINE)


def test_no_script_talks_to_the_console():
    console = re.compile(r"\bconsole\.(log|debug|info)\b|\bdebugger\b")
    assert SCRIPTS
    assert [named(path) for path in SCRIPTS if console.search(path.read_text())] == []


def test_every_command_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z]+):", (BASE / "Makefile").read_text(), re.MULTILINE))
    for path in [BASE / "README.md", *(BASE / "docs").glob("*.md")]:
        text = path.read_text()
        assert set(re.findall(r"(?:`|^\s*)make ([a-z]+)", text, re.MULTILINE)) <= targets, path.name
        assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands()), path.name


def test_every_file_the_documents_link_to_exists():
    for path in [BASE / "README.md", *(BASE / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def variables():
    """Names that shop/settings reads from the environment."""
    sources = [path.read_text() for path in (BASE / "shop" / "settings").glob("*.py")]
    for node in ast.walk(ast.parse("\n".join(sources))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            reader = ast.unparse(node.func)
            if reader in {"required", "secret", "env"} or re.fullmatch(r"env\.(?!read_env)\w+", reader):
                yield node.args[0].value


def test_the_example_environment_names_every_variable():
    names = set(variables())
    assert {
        "SECRET_KEY",
        "PORT",
        "SANDBOX_SMTP_PORT",
        "EMAIL_URL",
        "ALLOWED_HOSTS",
    } <= names  # the parser sees
    example = (BASE / ".env.example").read_text()
    assert names - set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) == set()


def fixture_shortcuts(path):
    """Lists of plugins, and imports of fixtures that ruff was told to overlook."""
    text = path.read_text()
    if re.search(r"^pytest_plugins\b", text, re.MULTILINE):
        yield f"{path.relative_to(BASE)}: pytest_plugins"
    if re.search(r"# (ruff: )?noqa: [^\n]*F(401|811)", text):
        yield f"{path.relative_to(BASE)}: noqa"


def test_fixtures_stand_in_the_conftest_of_their_folder():
    """A plugin's fixtures are there for every test of the run, and of two with one name the last one wins."""
    files = [BASE / "conftest.py", *(path for app in APPS for path in (BASE / app).rglob("tests/**/*.py"))]
    assert len(files) > 200
    assert [shortcut for path in files for shortcut in fixture_shortcuts(path)] == []


def test_no_test_asks_a_page_once_what_it_shows():
    """A click may still be on its way: ``assert_visible`` and ``assert_hidden`` look until it is true."""
    hasty = re.compile(r"^ *assert (not )?[^=]*\.is_(visible|hidden)\(\) *(,|#|$)", re.MULTILINE)
    files = [path for app in APPS for path in (BASE / app).rglob("tests/**/*.py")]
    assert [
        f"{path.relative_to(BASE)}: {line[0]}" for path in files for line in hasty.finditer(path.read_text())
    ] == []
