"""Has a stranger's file opened apart: by a program with limits of memory and time, one file at a time.

No library of this process is given any of it. A file that exhausts or crashes the program is refused.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext as _

from shop.background import slow_threads

from .program_limits import MAX_SECONDS, Status
from .refused import Refused

logger = logging.getLogger(__name__)

PROGRAMS = "checkout.intake.programs"
MAX_WAIT = 15  # seconds for those before it
MAX_THREADS = 3  # of a process that have a file opened or wait to: the others serve everybody else
_one_at_a_time = threading.BoundedSemaphore(1)
_threads = threading.BoundedSemaphore(MAX_THREADS)


def opened_apart(program: str, content: bytes, *words: str) -> tuple[Status, bytes]:
    """What the program says of the file, and what it made of it. Raises Refused."""
    with _turn():
        try:
            done = _run(program, content, words)
        except subprocess.TimeoutExpired:
            logger.warning("%s took too long for a file", program)
            raise _too_costly() from None
        except OSError:  # no memory or no place for another process
            logger.exception("%s could not be started", program)
            raise _busy() from None
    try:
        status = Status(done.returncode)
    except ValueError:  # 1 is Python's for a program of ours that is broken, less than 0 a signal
        level = logging.ERROR if done.returncode > 0 else logging.WARNING
        logger.log(level, "%s was ended by a file: %s", program, done.returncode)
        raise _too_costly() from None
    if status == Status.TOO_COSTLY:
        raise _too_costly()
    return status, done.stdout


def _run(program: str, content: bytes, words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    """It gets nothing but the file: no secret of ours is in its environment."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", f"{PROGRAMS}.{program}", *words],
        cwd=settings.BASE_DIR,
        env={},
        input=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=MAX_SECONDS,
        check=False,
    )


@contextmanager
def _turn() -> Iterator[None]:
    """One file at a time in each process. Raises Refused where it would wait long, or among too many."""
    if not _threads.acquire(blocking=False):
        raise _busy()
    if not slow_threads.take(slow_threads.MOST_FILES):
        _threads.release()
        raise _busy()
    try:
        if not _one_at_a_time.acquire(timeout=MAX_WAIT):
            raise _busy()
        try:
            yield
        finally:
            _one_at_a_time.release()
    finally:
        slow_threads.give_back()
        _threads.release()


def _too_costly() -> Refused:
    return Refused(_("This file is too laborious to open. Please save it anew, or send a smaller one."))


def _busy() -> Refused:
    return Refused(_("Many files are being looked at just now. Please send this one again in a minute."))
