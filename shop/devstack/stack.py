"""All processes of the shop, started together, watched, and stopped together: ``manage.py runstack``."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.conf import settings

from . import log_rotation, processes

START_PATIENCE = 90.0  # seconds until a program must answer
STOP_PATIENCE = 7.0  # seconds to finish what is being done
GLANCE = 0.1  # seconds between two looks at the children


@dataclass(frozen=True)
class Program:
    name: str
    arguments: list[str]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)


class ProgramEnded(Exception):
    """A program ended although nobody asked it to, or never answered."""

    def __init__(self, program: Program, what: str) -> None:
        super().__init__(f"{program.name} {what}")
        self.program = program


def programs() -> list[Program]:
    """Everything that must run, in the order of starting. The sandbox belongs to the demo only."""
    shop = [
        _web(),
        _celery("worker", "--queues", "shop,outbox"),
        _celery("beat"),
    ]
    return shop if settings.PRODUCTION else [_sandbox(), *shop]


def ports() -> dict[str, int]:
    """The ports that must be free, by the name of the variable that moves them."""
    needed = {"PORT": settings.PORT}
    if not settings.PRODUCTION:
        needed["SANDBOX_PORT"] = settings.SANDBOX_PORT
        if _has_mailbox():
            needed["SANDBOX_SMTP_PORT"] = settings.EMAIL_PORT
    return needed


def _has_mailbox() -> bool:
    """A demo may send its mails to a real server; then the sandbox opens no mailbox."""
    return settings.EMAIL_HOST == "127.0.0.1"


def port_problem(port: int) -> str:
    """Empty when a server could listen on the port of this machine, else the reason."""
    if not 0 < port < 65536:
        return "not a port number"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            return problem.strerror or str(problem)
    return ""


def log_file(name: str) -> Path:
    return settings.VAR_DIR / "log" / f"{name}.log"


class Stack:
    """The running programs. ``run`` returns when it was asked to stop, or raises ``ProgramEnded``."""

    def __init__(self, wanted: list[Program]) -> None:
        self.wanted = wanted
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.stop_requests = 0

    def run(self, when_open: Callable[[], None]) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._ask_to_stop)
        try:
            for program in self.wanted:
                self.running[program.name] = _start(program)
            self._wait_until_all_answer()
            if not self.stop_requests:
                when_open()
            while not self.stop_requests:
                self._look_for_the_dead()
                for program in self.wanted:
                    log_rotation.keep_small(log_file(program.name))
                time.sleep(GLANCE)
        finally:
            self._stop()

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stop_requests += 1

    def _wait_until_all_answer(self) -> None:
        deadline = time.monotonic() + START_PATIENCE
        for program in self.wanted:
            while not self.stop_requests and not program.answers():
                self._look_for_the_dead()
                if time.monotonic() > deadline:
                    raise ProgramEnded(program, f"did not answer within {START_PATIENCE:.0f} seconds")
                time.sleep(GLANCE)

    def _look_for_the_dead(self) -> None:
        for program in self.wanted:
            status = self.running[program.name].poll()
            if status is not None:
                raise ProgramEnded(program, _in_words(status))

    def _stop(self) -> None:
        """The sandbox last: the others may be talking to it."""
        sandbox = self.running.pop("sandbox", None)
        processes.stop(self.running.values(), patience=STOP_PATIENCE)
        if sandbox:
            processes.stop([sandbox], patience=2.0)


def _start(program: Program) -> subprocess.Popen[bytes]:
    path = log_file(program.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(log_rotation.earlier(path))
    with log_rotation.opened(path) as log:
        return processes.start(
            program.arguments,
            cwd=settings.BASE_DIR,
            env={**os.environ, "VAR_DIR": str(settings.VAR_DIR), **program.environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _in_words(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _web() -> Program:
    arguments = [sys.executable, "-m", "gunicorn", "shop.wsgi", "--bind", f"127.0.0.1:{settings.PORT}"]
    arguments += ["--worker-class", "gthread", "--threads", "8", "--preload", "--no-control-socket"]
    arguments += ["--graceful-timeout", "5", "--log-level", "warning"]
    if "WEB_CONCURRENCY" not in os.environ:  # gunicorn's own variable
        arguments += ["--workers", "2"]
    return Program("shop", arguments, lambda: _http_answers(settings.PORT, "/healthz"))


def _sandbox() -> Program:
    def answers() -> bool:
        mailbox_is_open = not _has_mailbox() or port_problem(settings.EMAIL_PORT) != ""
        return mailbox_is_open and _http_answers(settings.SANDBOX_PORT, "/")

    return Program("sandbox", [sys.executable, "manage.py", "sandbox"], answers)


def _celery(name: str, *options: str) -> Program:
    ready = settings.VAR_DIR / "run" / f"{name}.ready"
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    arguments = [sys.executable, "-m", "celery", "-A", "shop", "--quiet", name, *options]
    if name == "worker":
        arguments += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    else:
        arguments += ["--pidfile", ""]
    return Program(name, arguments, ready.exists, {"READY_FILE": str(ready)})


def _http_answers(port: int, path: str) -> bool:
    """Any answer will do, also a refusal: the host name may not be one of ALLOWED_HOSTS."""
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        finally:
            connection.close()
    return False
