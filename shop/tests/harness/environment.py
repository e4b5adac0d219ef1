"""The surroundings of a test run: a folder, a PostgreSQL and a Redis of its own.

Made before Django reads its settings (see the root conftest.py), by the first process of the run; workers of
pytest-xdist inherit it. ``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` name servers to use instead of own ones;
then nothing is started and nothing but the databases made here is touched.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .servers import Missing, PostgreSQL, Redis, free_ports

__all__ = ["Missing", "address_of", "close", "free_ports", "header", "prepare"]

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

_stores: list[str] = []
_to_close: list[Callable[[], None]] = []


def prepare() -> None:
    """Set the environment that ``shop/settings`` reads."""
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


def address_of(database: str) -> str:
    """Of a database of the run's own server."""
    return f"{os.environ['TEST_DATABASE_URL'].rpartition('/')[0]}/{database}"


def header() -> str:
    return "stores: " + ", ".join(_stores)


def _database() -> str:
    if address := os.environ.get("TEST_DATABASE_URL"):
        _stores.append(f"PostgreSQL as given ({address.rpartition('@')[2]})")
        return f"{address.rpartition('/')[0]}/shop_{os.getpid()}"  # several runs may share the server
    server = PostgreSQL()
    _to_close.append(server.remove)
    os.environ["PATH"] = f"{server.binaries}{os.pathsep}{os.environ['PATH']}"  # tests dump databases
    _stores.append(f"PostgreSQL started for this run on port {server.port} from {server.binaries}")
    return f"{server.address}/shop"


def _redis() -> str:
    if address := os.environ.get("TEST_REDIS_URL"):
        _stores.append(f"Redis as given ({address.rpartition('@')[2]})")
        return address
    server = Redis(Path(os.environ["TEST_FOLDER"]))
    _to_close.append(server.stop)
    _stores.append(f"Redis started for this run on port {server.port}")
    return server.address
