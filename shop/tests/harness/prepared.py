"""What the shops of a test run begin with: migrated and seeded once per run, then copied.

Migrating and seeding take most of the time until a shop is open, and every worker of the run opens several.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from . import environment

BASE = Path(__file__).resolve().parents[3]
HIDDEN = ("DJANGO_", "TEST_", "PYTEST")  # variables of the test run that a shop must not see
SEEDED, MIGRATED = "seeded", "migrated"  # databases to copy
COMMANDS = {SEEDED: ["prepare", "seed_demo"], MIGRATED: ["migrate"]}


def surroundings() -> dict[str, str]:
    """The environment of a program that is to know nothing of the test run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}


def folder_of_embedded() -> Path:
    """A VAR_DIR with its SQLite file."""
    return _once("embedded", lambda folder: _fill(folder, "", COMMANDS[SEEDED]))


def folder_on_servers() -> Path:
    """A VAR_DIR whose database is ``SEEDED``."""
    return _once(SEEDED, lambda folder: _fill_database(folder, SEEDED))


def make_migrated() -> None:
    """``MIGRATED``: tables, and nothing in them."""
    _once(MIGRATED, lambda folder: _fill_database(folder, MIGRATED))


def administer(statement: str) -> None:
    """One statement to the run's PostgreSQL."""
    connection = psycopg2.connect(environment.address_of("postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def name_of(template: str) -> str:
    """Its database: a server that was given may hold those of several runs."""
    return f"{template}_{Path(os.environ['TEST_FOLDER']).name}"


def drop_all() -> None:
    for template in COMMANDS:
        administer(f'DROP DATABASE IF EXISTS "{name_of(template)}" WITH (FORCE)')


def _fill_database(folder: Path, template: str) -> None:
    name = name_of(template)
    administer(f'DROP DATABASE IF EXISTS "{name}"')  # of a try that failed
    administer(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
    _fill(folder, environment.address_of(name), COMMANDS[template])


def _fill(folder: Path, database_url: str, commands: list[str]) -> None:
    folder.mkdir(mode=0o700)
    for command in commands:
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=BASE,
            env=surroundings() | {"VAR_DIR": str(folder), "DATABASE_URL": database_url, "REDIS_URL": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name, made by the first worker that asks."""
    folder = Path(os.environ["TEST_FOLDER"]) / "prepared" / name
    with alone(folder):
        if not folder.exists():
            unfinished = folder.with_suffix(f".{os.getpid()}")
            make(unfinished)
            unfinished.rename(folder)
    return folder


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One worker of the run at a time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
