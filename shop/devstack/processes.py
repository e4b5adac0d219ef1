"""Child processes that never outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def start(
    arguments: list[str], *, stop_signal: signal.Signals = signal.SIGTERM, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, out of reach of the terminal's Ctrl-C.

    If this process is killed, the kernel sends the child ``stop_signal`` (Linux). Call it from the main
    thread: the kernel watches the thread, not the process.
    """
    return subprocess.Popen(  # noqa: S603 - our own programs
        arguments,
        process_group=0,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent(stop_signal),
        **options,
    )


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel


def stop(processes: Iterable[subprocess.Popen[bytes]], *, patience: float) -> None:
    """Ask all to end, wait for them together, then kill what is left of their groups."""
    processes = list(processes)
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + patience
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
