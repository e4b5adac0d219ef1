"""Named places where a test may kill the process, or hold it, to see what the shop makes of it.

A failpoint does nothing unless ``settings.CRASHPOINT_FILE`` names a file that holds its name: then the
process ends there as by SIGKILL, once, and the file is gone. Tests in the same process may put a function
into ``reached`` instead. Production refuses to start with such a file configured
(``shop.monitoring.checks``).

Names say where the process is: ``before_…_committed`` stands inside the transaction, ``after_…_committed``
behind it. docs/failures.md lists them all, with the rows of the failure model that they show.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

reached: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """Mark a place where a test may end the process."""
    if reached is not None:
        reached(name)
    if settings.CRASHPOINT_FILE and not settings.PRODUCTION:
        _crash_if_armed(name, Path(settings.CRASHPOINT_FILE))


def _crash_if_armed(name: str, file: Path) -> None:
    """End the process if the file holds ``name``, or ``name:3``: the third time any process comes by."""
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
