"""Taking in files: in memory only, and no more than the shop can use.

What is too large is dropped while it arrives, so the rest of the form comes through and the page can tell.
Only views that are marked get files at all: to any other address nobody can send more than a form's text.
Nothing is ever written to a temporary file, where it would lie in plain.
"""

import threading
import weakref
from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

MAX_FILE_BYTES = 25 * 1024 * 1024  # of one file: a consultant's; buyers' are judged more narrowly
MAX_REQUEST_BYTES = 60 * 1024 * 1024  # of all files of one request
MAX_HELD_BYTES = 200 * 1024 * 1024  # of all files that this process holds

_live: "weakref.WeakSet[_Content]" = weakref.WeakSet()
_lock = threading.Lock()


def takes_files(view: View) -> View:
    """Mark a view whose form has files. It stands above decorators that do not copy attributes."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def _is_for_files(request: HttpRequest | None) -> bool:
    if request is None:
        return False
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return False
    return getattr(match.func, "takes_files", False)


class CappedFile(InMemoryUploadedFile):
    """``size`` is what was sent; the content is there only if ``is_whole``."""

    is_whole = True


class _Content(BytesIO):
    """The bytes of a file, counted together with all others as long as somebody holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        with _lock:
            _live.add(self)

    def append(self, piece: bytes) -> None:
        self.size += self.write(piece)


def held() -> int:
    """Bytes of all files that requests of this process hold just now."""
    with _lock:
        return sum(content.size for content in _live)


class CappedUploadHandler(FileUploadHandler):
    chunk_size = 64 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.together = 0

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if most is not None and content_length > most and not _is_for_files(self.request):
            raise RequestDataTooBig("This address takes no files.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.content, self.is_whole = _Content(), True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if not self.is_whole:
            return
        self.together += len(raw_data)
        is_too_large = start + len(raw_data) > MAX_FILE_BYTES or self.together > MAX_REQUEST_BYTES
        if is_too_large or held() + len(raw_data) > MAX_HELD_BYTES:
            self.together -= self.content.size
            self.content, self.is_whole = _Content(), False
            return
        self.content.append(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        self.content.seek(0)
        file = CappedFile(
            file=self.content,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
        file.is_whole = self.is_whole
        return file
