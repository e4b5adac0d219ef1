"""What a program that opens a stranger's file may take, and what it can say of it.

Both sides know this: the shop, and the program, which imports nothing of Django.
"""

import resource
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import IO

MIB = 1024 * 1024
ROOM = 150 * MIB  # beyond what Python and the libraries take
MAX_CPU_SECONDS = 20  # a PNG of 24 million pixels takes seven, a JPEG or a PDF of 20 MB less than one
MAX_SECONDS = 30  # by the clock, on a busy machine
MAX_PIXELS = 24_500_000  # that are decoded: what telephones and cameras call 24 million


class Status(IntEnum):
    """How a program ends. Anything else is a program that was ended: by the kernel, or by a crash."""

    DONE = 0
    TOO_COSTLY = 3
    TOO_MANY_PIXELS = 4
    UNKNOWN_COLOURS = 5
    DAMAGED = 6
    LOCKED = 7
    HARMFUL = 8
    ANOTHER_KIND = 9


def serve(act: Callable[[bytes, IO[bytes]], Status]) -> Status:
    """Give it the file of the standard input and, to write to, the standard output; both under limits."""
    _limit()
    try:
        status = act(sys.stdin.buffer.read(), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except MemoryError:
        return Status.TOO_COSTLY
    except Exception:  # libraries say in many ways that they do not understand a file
        return Status.DAMAGED
    return status


def _limit() -> None:
    """From here on the kernel gives no more; where it tells no sizes (not Linux), all the memory it has."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no copy of the file on the disk
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        taken = int(sizes.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, taken + ROOM))
