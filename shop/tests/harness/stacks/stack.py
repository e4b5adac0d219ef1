"""The whole shop as real processes, for tests: ``manage.py runstack`` on free ports, with its own stores."""

import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import psycopg2
import pytest
import redis
import requests

from shop.devstack import processes
from shop.tests.harness import environment, prepared

from .kinds import KINDS

BASE = prepared.BASE
PATIENCE = 180.0  # seconds until the stack is open: it may migrate and seed first
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
    console: Path = field(repr=False)

    @property
    def logins(self) -> dict[str, str]:
        """Passwords of the demo's staff by user name."""
        return dict(line.split() for line in (self.var / "demo-logins.txt").read_text().splitlines())

    def mails(self, to: str = "") -> list[dict[str, str]]:
        """What lies in the mailbox, newest first."""
        query = f"?{urlencode({'to': to})}" if to else ""
        return requests.get(f"{self.sandbox_url}/mailbox/messages.json{query}", timeout=10).json()

    def wait_for_mail(self, to: str, subject_part: str, timeout: float = 60.0) -> dict[str, str]:
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


@dataclass
class OwnStack(Stack):
    """A running shop that this process has opened."""

    process: subprocess.Popen[bytes] = field(repr=False)
    status: int | None = None  # how it ended, if it did before it was asked to


def wait_for(look: Callable[[], T | None], what: str, timeout: float = 30.0) -> T:
    """Look until there is something, ever more rarely: a look may load a whole page."""
    deadline, pause = time.monotonic() + timeout, 0.05
    while True:
        if result := look():
            return result
        assert time.monotonic() < deadline, f"waited {timeout:.0f} s in vain for {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.4)


@contextmanager
def running(
    folder: Path,
    *,
    database_url: str = "",
    redis_url: str = "",
    var: Path | None = None,
    program: tuple[str, ...] = ("manage.py", "runstack"),
    base: Path = BASE,
    **more: str,
) -> Iterator[OwnStack]:
    """Open a shop, close it again. Empty addresses: the embedded stores; ``var`` is a folder to begin with,
    ``base`` the folder of other code than this.

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
        "DJANGO_SETTINGS_MODULE": "shop.tests.harness.stacks.settings",
        **more,
    }
    console = folder / "console.log"
    with console.open("wb") as output:
        process = processes.start(
            [sys.executable, *program],
            cwd=base,
            env=surroundings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    stack = OwnStack(
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
    # It takes a while to load, and not every run needs it.
    from payments.tests.harness.paypal_record import verdict

    judged = verdict(folder / "paypal-exchanges.jsonl")
    assert not judged.violations, "\n".join(judged.violations)


def wait_until_open(stack: OwnStack) -> None:
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


@contextmanager
def shared(make_folder: Callable[[], Path]) -> Iterator[Stack]:
    """The one shop of the whole run on PostgreSQL and Redis.

    The first worker that asks opens it, and closes it when no other uses it any more. Its tests keep to their
    own e-mail addresses and move neither its clock nor, unless for an order of theirs, the sandbox.
    """
    folder = Path(os.environ["TEST_FOLDER"]) / "shared"
    addresses = folder / "stack.json"
    folder.mkdir(exist_ok=True)
    with ExitStack() as opened, (folder / "users").open("w") as users:
        with prepared.alone(folder):
            is_owner = not addresses.exists()
            if is_owner:
                stores = opened.enter_context(own_stores())
                stack: Stack = opened.enter_context(running(make_folder(), **stores))
                addresses.write_text(
                    json.dumps({each.name: getattr(stack, each.name) for each in fields(Stack)}, default=str)
                )
            else:
                values = json.loads(addresses.read_text())
                stack = Stack(**values | {name: Path(values[name]) for name in ("var", "console")})
            fcntl.flock(users, fcntl.LOCK_SH)
        yield stack
        while is_owner and not _is_left(folder, addresses, users.fileno()):
            time.sleep(0.2)
    if isinstance(stack, OwnStack):
        assert_never_gave_up(stack)


def _is_left(folder: Path, addresses: Path, users: int) -> bool:
    """Whether nobody else uses the shop; then nobody else finds it, either."""
    with prepared.alone(folder):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        addresses.unlink()
        return True


def assert_never_gave_up(stack: OwnStack) -> None:
    assert stack.status is None, f"the stack gave up during the tests:\n{stack.console.read_text()}"


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with shared(lambda: tmp_path_factory.mktemp("services")) as stack:
        yield stack


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("embedded"), var=prepared.folder_of_embedded()) as stack:
        yield stack
    assert_never_gave_up(stack)


@pytest.fixture(scope="session", params=KINDS[:2])
def stack(request: pytest.FixtureRequest) -> Stack:
    """The shop on SQLite with the filesystem broker, and again on PostgreSQL with Redis."""
    # ``parametrize`` of more than this fixture makes its scope that of a function unless it says otherwise.
    assert request.scope == "session", "this test would open a shop of its own: parametrize(scope='session')"
    return request.getfixturevalue(request.param)


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
