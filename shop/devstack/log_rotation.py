"""Log files that stay small while programs write them: ``runstack`` looks after them.

A program has its file open for appending and never learns of this: what it has written is copied to the file
beside it (``.log.1``) and cut off. No pipe stands between them, so no program ever waits for its log.
"""

import logging
import os
from pathlib import Path
from typing import IO

logger = logging.getLogger(__name__)

LARGEST = 16 * 1024 * 1024  # bytes of a file; of each program there are two


def earlier(path: Path) -> Path:
    """Where the lines before the current ones stand."""
    return path.with_suffix(".log.1")


def opened(path: Path) -> IO[bytes]:
    """A log file for a program to append to, readable by the shop's user alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def keep_small(path: Path) -> None:
    """Put aside what has been written once it is too much. On a full disk it is lost instead of kept.

    What is written between the last look and the cut is lost: a line or two of a very busy file, and on a
    loaded machine, where this process may have to wait in between, some hundred.
    """
    try:
        if path.stat().st_size <= LARGEST:
            return
        try:
            _put_aside(path)
        except OSError as error:
            logger.warning("%s cannot be kept: %s", path, error.strerror)
        os.truncate(path, 0)
    except OSError:  # it is not there yet, or the disk is away
        return


def _put_aside(path: Path) -> None:
    with path.open("rb") as written, opened(earlier(path)) as kept:
        kept.truncate(0)
        while piece := written.read(1024 * 1024):
            kept.write(piece)
