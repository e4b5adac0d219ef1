"""Where sealed files lie: the answers' uploads and the reports' files, each in a private folder.

``settings.STORAGES`` says what ``private_storage("answers")`` and ``private_storage("reports")`` are; an
object store needs a class with the methods of ``PrivateFileStorage``. Callers seal: no storage sees plain
text.
"""

import datetime as dt
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils._os import safe_join

from shop.devstack.failpoints import failpoint


class PrivateFileStorage(Storage):
    """Files below ``MEDIA_ROOT/folder`` on this server's disk. No URL leads there.

    A file is written once, under a name that its caller makes up, and is there whole or not at all. Rows of
    the database say which files are still needed. Raises OSError like any file.
    """

    def __init__(self, *, folder: str) -> None:
        self._folder = folder

    @property
    def location(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self._folder

    def path(self, name: str) -> str:
        return safe_join(self.location, name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: it is random, and a row holds it already."""
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        return File(Path(self.path(name)).open(mode))

    def _save(self, name: str, content: "File[Any]") -> str:
        """Raises FileExistsError, and OSError on a full disk, which keeps nothing of the file."""
        self.location.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = Path(self.path(name))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as target:
                target.writelines(content.chunks())
        except BaseException:
            self.discard([name])
            raise
        return name

    def replace(self, name: str, content: bytes) -> None:
        """Put other content under a name. The old content stays until the new one is written."""
        path = Path(self.path(name))
        beside = path.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_bytes(content)
        failpoint("before_file_replaced")
        beside.replace(path)

    def delete(self, name: str) -> None:
        Path(self.path(name)).unlink(missing_ok=True)

    def discard(self, names: Iterable[str]) -> None:
        """Delete what can be deleted. ``names_before`` finds the rest again."""
        for name in names:
            with suppress(OSError):
                self.delete(name)

    def exists(self, name: str) -> bool:
        return Path(self.path(name)).exists()

    def size(self, name: str) -> int:
        return Path(self.path(name)).stat().st_size

    def free(self) -> int:
        """Bytes that are left where the files lie. The folder may not be there before the first one."""
        there = next(folder for folder in (self.location, *self.location.parents) if folder.exists())
        return shutil.disk_usage(there).free

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """No folders, and all files; ``path`` is empty."""
        return [], [file.name for file in self.location.iterdir()] if self.location.is_dir() else []

    def get_modified_time(self, name: str) -> dt.datetime:
        return dt.datetime.fromtimestamp(Path(self.path(name)).stat().st_mtime, dt.UTC)

    def names_before(self, limit: dt.datetime) -> set[str]:
        """Files last written before that moment: old enough for their rows to be there, if they have any."""
        return {name for name in self.listdir("")[1] if self.get_modified_time(name) < limit}


def private_storage(alias: str) -> PrivateFileStorage:
    return cast("PrivateFileStorage", storages[alias])


def as_file(pieces: Iterator[bytes]) -> "File[Any]":
    """The pieces as a file that any storage can save without holding it whole."""
    return File(io.BufferedReader(_PieceReader(pieces)))


class _PieceReader(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
