"""Promises the whole project keeps: about migrations, templates, scripts, the README, the environment."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands
from django.template import TemplateSyntaxError
from django.template.loader import get_template

from shop.keyring import generate
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


def manage(*arguments, **environment):
    """The output of a management command in a process with nothing but this environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


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


@pytest.fixture(scope="module")
def owners_files(tmp_path_factory):
    """A folder with what an owner has to add to the example environment: secrets, and UnionPay's files."""
    folder = tmp_path_factory.mktemp("production")
    text = (BASE / ".env.example").read_text()
    for line in generate.lines():
        name = line.partition("=")[0]
        assert re.search(f"^{name}=$", text, re.MULTILINE), f"{name} must be empty in the example"
        text = re.sub(f"^{name}=$", line, text, flags=re.MULTILINE)
    text = re.sub(
        "^UNIONPAY_CERT_DIR=.*$", f"UNIONPAY_CERT_DIR={folder / 'certificates'}", text, flags=re.MULTILINE
    )
    text = re.sub("^VAR_DIR=.*$", f"VAR_DIR={folder / 'var'}", text, flags=re.MULTILINE)
    password = re.search("^UNIONPAY_PFX_PASSWORD=(.*)$", text, re.MULTILINE)
    made = manage(
        "shell",
        "--no-imports",
        "--command",
        "from payments.sandbox.unionpay.pki import ensure_keys; ensure_keys()",
        VAR_DIR=str(folder / "demo"),
        UNIONPAY_CERT_DIR=str(folder / "certificates"),
        UNIONPAY_PFX_PASSWORD=password[1],
    )
    assert made.returncode == 0, made.stderr
    (folder / "env").write_text(text)
    return folder


@pytest.fixture
def production(owners_files, tmp_path):
    """The environment of a shop in production, for a test to damage."""
    path = tmp_path / "env"
    certificates = shutil.copytree(owners_files / "certificates", tmp_path / "certificates")
    text = (owners_files / "env").read_text()
    path.write_text(text.replace(str(owners_files / "certificates"), str(certificates)))
    return path


def test_the_example_environment_passes_djangos_and_our_own_deployment_checks(production):
    done = manage("check", "--deploy", "--fail-level", "WARNING", ENV_FILE=str(production))
    assert done.returncode == 0, done.stderr


def test_production_without_unionpays_files_does_not_pass(production, tmp_path):
    (tmp_path / "certificates" / "root.pem").unlink()
    done = manage("check", "--deploy", "--fail-level", "WARNING", ENV_FILE=str(production))
    assert done.returncode == 1
    assert "root.pem" in done.stderr


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PAYPAL_CLIENT_SECRET"]
)
def test_what_production_lacks_is_named_in_one_line(production, name):
    production.write_text(re.sub(f"^{name}=.*$", "", production.read_text(), flags=re.MULTILINE))
    done = manage("check", ENV_FILE=str(production))
    assert done.returncode == 1
    assert done.stderr == f"{name} is not set. See .env.example.\n"


@pytest.mark.parametrize("command", ["seed_demo", "sandbox"])
def test_production_refuses_what_belongs_to_the_demo(production, command):
    done = manage(command, ENV_FILE=str(production))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "production" in done.stderr


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
