"""What is installed is what was locked: each package in one version, in files known by their hash."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

BASE = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((BASE / "pyproject.toml").read_text())
LOCKS = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "requirements-dev.txt": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
    ".ci/tools.txt": PROJECT["dependency-groups"]["tools"],
    ".ci/scanners.txt": PROJECT["dependency-groups"]["scanners"],
    ".ci/semgrep.txt": PROJECT["dependency-groups"]["semgrep"],
    ".ci/tls.txt": PROJECT["dependency-groups"]["tls"],
    ".ci/postgresql.txt": PROJECT["dependency-groups"]["postgresql"],
}
COMES_WITH_PYTHON = {"pip", "setuptools", "wheel"}  # `venv` puts them in
PIN = re.compile(r"([\w.\[\]-]+)==([\w.+!]+)(?: ; [^\\]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def plain(name):
    return re.sub(r"[-_.]+", "-", re.sub(r"\[.*", "", name)).lower()


def pins(lock):
    """Versions and hashes by name. What is neither a pin nor a comment fails: an address, an option."""
    text = re.sub(r"^ *#.*\n", "", (BASE / lock).read_text(), flags=re.MULTILINE)
    assert PIN.sub("", text) == "", f"{lock} holds something else than pins with hashes"
    return {plain(name): (version, set(hashes.split())) for name, version, hashes in PIN.findall(text)}


def test_every_line_of_a_lock_has_its_version_and_hashes():
    for lock in LOCKS:
        assert pins(lock), lock


def test_what_is_asked_for_is_what_is_locked():
    """Else somebody has added a package and not run `make lock`."""
    for lock, asked in LOCKS.items():
        locked = pins(lock)
        for each in asked:
            name, version = each.split("==")
            assert locked.get(plain(name), ("nothing",))[0] == version, f"{lock}: {each}; run make lock"


def test_tests_run_on_what_the_shop_runs_on():
    run, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: dev.get(name) for name in run} == run


def test_everything_that_is_installed_is_locked():
    locked = {**pins(".ci/postgresql.txt"), **pins("requirements-dev.txt")}
    installed = {plain(each.metadata["Name"]): each.version for each in metadata.distributions()}
    wrong = {
        name: version
        for name, version in installed.items()
        if name not in COMES_WITH_PYTHON and locked.get(name, ("",))[0] != version
    }
    assert wrong == {}, "add it to pyproject.toml, then: make lock"


def test_nothing_is_installed_without_its_hash():
    """By no command of ours, nor by one that the documents tell to type."""
    install = re.compile(r"pip['\", ]+install\b.*")
    paths = [BASE / "Makefile", BASE / "README.md", *(BASE / "docs").glob("*.md"), *(BASE / ".ci").iterdir()]
    paths += [path for path in BASE.glob("*/**/*.py") if ".venv" not in path.parts]
    commands = [
        (path.name, line)
        for path in paths
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if install.search(line) and not line.lstrip().startswith("#")
    ]
    assert len(commands) > 1
    assert [each for each in commands if "--require-hashes" not in each[1]] == []
