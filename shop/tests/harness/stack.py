"""The whole shop as real processes, for tests: ``manage.py runstack`` on free ports, with its own stores."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import psycopg2
import pytest
import redis
import requests

from shop.devstack import processes

from . import environment, prepared
from .kinds import KINDS

BASE = Path(__file__).resolve().parents[3]
PATIENCE = 120.0  # seconds until the stack is open: it migrates and seeds first
STOP_PATIENCE = 15.0
T = TypeVar("T")
_counter = itertools.count()


@dataclass
class Stack:
    """A running shop. Times are the stack's own: ``travel`` moves the clock of all its processes."""

    var: Path
    url: str
    sandbox_url: str
    database_url: str
    redis_url: str
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)
    console: Path = field(repr=False)
    status: int | None = None  # how it ended, if it did before it was asked to

    @property
    def logins(self) -> dict[str, str]:
        """Passwords of the demo's staff by user name."""
        return dict(line.split() for line in (self.var / "demo-logins.txt").read_text().splitlines())

    def mails(self, to: str = "") -> list[dict[str, str]]:
        """What lies in the mailbox, newest first."""
        query = f"?{urlencode({'to': to})}" if to else ""
        return requests.get(f"{self.sandbox_url}/mailbox/messages.json{query}", timeout=10).json()

    def wait_for_mail(self, to: str, subject_part: str, timeout: float = 30.0) -> dict[str, str]:
        return wait_for(
            lambda: next((mail for mail in self.mails(to) if subject_part in mail["subject"]), None),
            f"a mail to {to} with {subject_part!r} in its subject",
            timeout,
        )

    def log(self) -> list[dict[str, Any]]:
        """What the sandbox and the shop said to each other."""
        lines = requests.get(f"{self.sandbox_url}/log.jsonl", timeout=10).text.splitlines()
        return [json.loads(line) for line in lines]

    def manage(self, *arguments: str) -> str:
        """Run a management command against this stack; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def travel(self, seconds: float) -> None:
        """Set the clock of all processes to the real time plus so much."""
        clock = Path(self.environment["SHOP_CLOCK_FILE"])
        fresh = clock.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(clock)


def wait_for(look: Callable[[], T | None], what: str, timeout: float = 30.0) -> T:
    deadline = time.monotonic() + timeout
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"waited {timeout:.0f} s in vain for {what}"
        time.sleep(0.1)


@contextmanager
def running(
    folder: Path,
    *,
    database_url: str = "",
    redis_url: str = "",
    var: Path | None = None,
    program: tuple[str, ...] = ("manage.py", "runstack"),
    **more: str,
) -> Iterator[Stack]:
    """Open a shop, close it again. Empty addresses: the embedded stores; ``var`` is a folder to begin with.

    At the end PayPal's own description judges what its stand-in and the shop have said to each other.
    """
    port, sandbox, smtp = environment.free_ports(3)
    if var:
        shutil.copytree(var, folder / "var")
    surroundings = prepared.surroundings() | {
        "VAR_DIR": str(folder / "var"),
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox),
        "SANDBOX_SMTP_PORT": str(smtp),
        "SHOP_CLOCK_FILE": str(folder / "clock"),
        "SANDBOX_RECORD_FILE": str(folder / "paypal-exchanges.jsonl"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        **more,
    }
    console = folder / "console.log"
    with console.open("wb") as output:
        process = processes.start(
            [sys.executable, *program],
            cwd=BASE,
            env=surroundings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    stack = Stack(
        var=folder / "var",
        url=f"http://127.0.0.1:{port}",
        sandbox_url=f"http://127.0.0.1:{sandbox}",
        database_url=database_url or f"sqlite:///{folder / 'var' / 'shop.sqlite3'}",
        redis_url=redis_url,
        environment=surroundings,
        process=process,
        console=console,
    )
    try:
        wait_until_open(stack)
        yield stack
    finally:
        stack.status = process.poll()
        processes.stop([process], patience=STOP_PATIENCE)
    from payments.tests.harness.paypal_record import (
        verdict,  # takes a while to load, and not every run needs it
    )

    found = verdict(folder / "paypal-exchanges.jsonl")
    assert not found.violations, "\n".join(found.violations)


def wait_until_open(stack: Stack) -> None:
    def is_open() -> bool:
        text = stack.console.read_text(errors="replace")
        assert stack.process.poll() is None, f"runstack gave up:\n{text}"
        return "The shop is open" in text

    wait_for(is_open, "the shop to open", PATIENCE)
    answer = requests.get(f"{stack.url}/readyz", timeout=10)
    assert answer.status_code == 200, answer.text


@contextmanager
def own_stores() -> Iterator[dict[str, Any]]:
    """A seeded PostgreSQL database, its folder, and an empty Redis database of the test run's servers."""
    var = prepared.folder_on_servers()
    count = next(_counter)
    name = f"stack_{os.getpid()}_{count}"
    redis_url = f"{os.environ['TEST_REDIS_URL'].rstrip('/')}/{_redis_number(count)}"
    with redis.Redis.from_url(redis_url) as server_of_redis:
        server_of_redis.flushdb()
    prepared.administer(f'CREATE DATABASE "{name}" TEMPLATE "{prepared.name_of(prepared.SEEDED)}"')
    try:
        yield {"database_url": environment.address_of(name), "redis_url": redis_url, "var": var}
    finally:
        prepared.administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _redis_number(count: int) -> int:
    """Of a database: each worker of the run has its share, so that no two open stacks use the same."""
    with redis.Redis.from_url(os.environ["TEST_REDIS_URL"]) as server:
        databases = int(server.config_get("databases")["databases"])
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = max((databases - 1) // workers, 1)
    return 1 + (own * share + count % share) % (databases - 1)


@pytest.fixture(scope="session", params=KINDS[:2])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The shop on SQLite with the filesystem broker, and again on PostgreSQL with Redis."""
    # ``parametrize`` of more than this fixture makes its scope that of a function unless it says otherwise.
    assert request.scope == "session", "this test would open a shop of its own: parametrize(scope='session')"
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with running(folder, var=prepared.folder_of_embedded()) as stack:
            yield stack
    else:
        with own_stores() as stores, running(folder, **stores) as stack:
            yield stack
    assert stack.status is None, f"the stack gave up during the tests:\n{stack.console.read_text()}"


# For what depends on pages, not on stores: the embedded ones join in `make prove`.
on_servers = pytest.mark.parametrize(
    "stack", ["services", pytest.param("embedded", marks=pytest.mark.prove)], indirect=True
)


def rows(stack: Stack, statement: str, *parameters: object) -> list[tuple]:
    connection = psycopg2.connect(stack.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)  # without any, % is a letter
            return cursor.fetchall()
    finally:
        connection.close()
