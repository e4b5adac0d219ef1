"""A zip that is written while it is sent, so memory holds a piece of a file at a time, whatever its size."""

import datetime as dt
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, cast

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from shop import clock

COMPRESSED_HERE = (".md", ".html", ".txt", ".json")  # PDFs, pictures and Word files are compressed already


class Unreadable(Exception):
    """What a file's check or first piece raises where it does not open: it is left out and named."""


@dataclass(frozen=True)
class Entry:
    """A file of the zip. Its pieces are asked for when its turn has come, and before them its check.

    A file that is opened piece by piece needs a ``check`` that it opens whole; Unreadable says that not.
    """

    path: str
    pieces: Iterator[bytes] = field(repr=False)
    made_at: dt.datetime | None = None
    check: Callable[[], object] | None = None


class _Pipe:
    """What zipfile writes to; it is told that there is no way back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


@sensitive_variables()
def packed(entries: Iterable[Entry], lost: list[str]) -> Iterator[bytes]:
    """The zip, piece by piece. Paths of what does not open are added to ``lost``, which a later entry may
    tell.

    A file that is altered between its check and its end breaks the download off: the zip does not open.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w") as package:
        for entry in entries:
            try:
                if entry.check:
                    entry.check()
                first = next(entry.pieces, b"")
            except Unreadable:
                lost.append(entry.path)
                continue
            with package.open(_info(entry), "w") as target:
                target.write(first)
                yield pipe.take()
                for piece in entry.pieces:
                    target.write(piece)
                    yield pipe.take()
    yield pipe.take()


def _info(entry: Entry) -> zipfile.ZipInfo:
    made_at = timezone.localtime(entry.made_at or clock.now())
    info = zipfile.ZipInfo(entry.path, date_time=made_at.timetuple()[:6])
    is_text = entry.path.endswith(COMPRESSED_HERE)
    info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info
