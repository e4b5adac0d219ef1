"""The shop's processes under a supervisor, as a production system has one: who is killed is started again.

Who is *held* stays dead until it is let go (``held_file``): a machine that is down, not a process that fell.

``python -m shop.tests.harness.stacks.supervisor`` stands in place of ``manage.py runstack``, which gives up
when a child dies.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from shop.devstack import processes, stack

GLANCE = 0.05  # seconds between two looks at the children
# Celery 5.7 gives up where its broker goes away while tasks run: it closes a connection that it has closed.
MAY_END = {"worker"}
STOP_PATIENCE = 1.0  # seconds: nothing of it is needed any more
DEATHS = "deaths.log"


class Supervisor:
    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.is_stopping = False

    def run(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._ask_to_stop)
        programs = {program.name: program for program in stack.programs()}
        try:
            for program in programs.values():
                self.running[program.name] = self._start(program)
            while not self.is_stopping and not all(program.answers() for program in programs.values()):
                self._bury(programs)
            print("The shop is open.", flush=True)
            while not self.is_stopping:
                self._bury(programs)
        finally:
            processes.stop(self.running.values(), patience=STOP_PATIENCE)

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def _bury(self, programs: dict[str, stack.Program]) -> None:
        """Start again whatever was killed, in a process group of its own. Little else may end here."""
        time.sleep(GLANCE)
        for name, child in self.running.items():
            status = child.poll()
            if status is None or self.is_stopping or held_file(settings.VAR_DIR, name).exists():
                continue
            note(f"{name} {child.pid} {status}")
            if status != -signal.SIGKILL and name not in MAY_END:
                raise SystemExit(f"{name} ended with status {status}")
            self.running[name] = self._start(programs[name])

    def _start(self, program: stack.Program) -> subprocess.Popen[bytes]:
        if ready := program.environment.get("READY_FILE"):
            Path(ready).unlink(missing_ok=True)
        log = stack.log_file(program.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return processes.start(
                program.arguments,
                cwd=settings.BASE_DIR,
                env={**os.environ, "VAR_DIR": str(settings.VAR_DIR), **program.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def held_file(var: Path, name: str) -> Path:
    """While it exists, the process is not started again."""
    return var / "run" / f"{name}.held"


def note(line: str) -> None:
    with (Path(settings.VAR_DIR) / DEATHS).open("a") as file:
        file.write(line + "\n")


def main() -> None:
    import django

    django.setup()
    call_command("prepare")
    call_command("seed_demo")
    connections.close_all()
    Supervisor().run()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.tests.harness.stacks.settings")
    sys.exit(main())
