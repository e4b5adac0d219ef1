"""Named places where a test may kill the process, or hold it, to see what the shop makes of it.

A crash point does nothing unless ``settings.CRASHPOINT_FILE`` names a file that holds its name: then the
process ends there as by SIGKILL, once, and the file is gone. Tests in the same process may put a function
into ``reached`` instead. Production refuses to start with such a file configured (``shop.checks``).

The names are those of the failure model (docs/failures.md).
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

reached: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """The process may end here, in a test."""
    if reached is not None:
        reached(name)
    if settings.CRASHPOINT_FILE and not settings.PRODUCTION:
        _crash_if_armed(name, Path(settings.CRASHPOINT_FILE))


def _crash_if_armed(name: str, file: Path) -> None:
    """``cp12`` or ``cp12:3``: at the third time that any process comes by."""
    try:
        armed, _, left = file.read_text().strip().partition(":")
        if armed != name:
            return
        taken = file.with_suffix(f".{os.getpid()}")
        file.rename(taken)  # only one process can
    except FileNotFoundError:
        return
    if int(left or 1) > 1:
        taken.write_text(f"{armed}:{int(left) - 1}")
        taken.rename(file)
        return
    taken.unlink()
    os.kill(os.getpid(), signal.SIGKILL)
