"""Pictures that were sent: judged by their header, then written anew by a program with a limit of memory."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from django.conf import settings
from django.utils.translation import gettext as _

from shop.background import slow_threads

from . import picture_cleaner
from .colours import UnknownColours
from .picture_cleaner import DAMAGED_ERRORS, MAX_PIXELS, MAX_SECONDS, STATUS, TOO_LARGE_ERRORS
from .refused import Refused

SMALL = 2_000_000  # pixels; a few copies of such a picture are less than another program
MAX_WAIT = 15  # seconds for those before it
MAX_THREADS = 3  # of a process that clean a picture or wait to: the others serve everybody else
_one_at_a_time = threading.BoundedSemaphore(1)
_threads = threading.BoundedSemaphore(MAX_THREADS)


def clean_image(content: bytes, kind: str) -> bytes:
    """The picture (the first of several), upright, in sRGB, with nothing stored beside it. Raises Refused."""
    try:
        pixels = picture_cleaner.pixels_of(content, kind)
        if pixels > picture_cleaner.most_pixels(kind):
            raise _too_large()
        with _turn():
            return _cleaned_here(content, kind) if pixels <= SMALL else _cleaned_beside(content, kind)
    except TOO_LARGE_ERRORS:
        raise _too_large() from None
    except UnknownColours:
        raise _unknown_colours() from None
    except DAMAGED_ERRORS:
        raise _damaged() from None


@contextmanager
def _turn() -> Iterator[None]:
    """One picture at a time in each process. Raises Refused where it would wait long, or among too many."""
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


def _cleaned_here(content: bytes, kind: str) -> bytes:
    written = BytesIO()
    picture_cleaner.clean(content, kind, written)
    return written.getvalue()


def _cleaned_beside(content: bytes, kind: str) -> bytes:
    """By another program, which gets nothing but the picture: no secret of ours is in its environment."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", picture_cleaner.__name__, kind],
            cwd=settings.BASE_DIR,
            env={},
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_large() from None
    if done.returncode == STATUS["clean"]:
        return done.stdout
    if done.returncode == STATUS["unknown colours"]:
        raise UnknownColours
    raise _damaged() if done.returncode == STATUS["damaged"] else _too_large()


def _too_large() -> Refused:
    millions = {"most": MAX_PIXELS // 1_000_000}
    return Refused(
        _("This picture has too many pixels. Please send one of at most %(most)s million.") % millions
    )


def _busy() -> Refused:
    return Refused(_("Many pictures are being looked at just now. Please send this one again in a minute."))


def _unknown_colours() -> Refused:
    return Refused(
        _("The colours of this picture cannot be read. Please save it in sRGB and choose it again.")
    )


def _damaged() -> Refused:
    return Refused(_("This picture is damaged or incomplete. Please choose it again."))
